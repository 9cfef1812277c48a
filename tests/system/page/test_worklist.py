"""The worklist: what is there, live, by keyboard."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.system.page.reading_room import Room


def test_a_study_that_arrives_appears_by_itself_and_its_state_follows(room: Room) -> None:
    film = room.film(PatientName="Live^Liam", PatientID="LIVE-1")
    with room.seat() as seat:
        expect(seat.page.get_by_text("Live", exact=True)).to_be_visible()
        room.node.send(film)
        row = seat.page.locator("tbody tr", has_text="Live, Liam")
        expect(row).to_be_visible(timeout=10_000)
        expect(row).to_contain_text("Draft delivered", timeout=20_000)
        expect(row).to_contain_text("3 to decide")
        expect(row).to_contain_text("The header says PA")


def test_an_empty_worklist_says_what_to_do_next(room: Room) -> None:
    with room.seat() as seat:
        seat.page.route("**/api/v1/studies?*", lambda route: route.fulfill(json={"studies": []}))
        seat.page.reload()
        expect(seat.page.get_by_text("C-STORE")).to_be_visible()


def test_search_filter_and_keyboard_lead_to_the_study(room: Room) -> None:
    first = room.arrives(room.film(PatientName="Zebra^Zoe", PatientID="Z-1"))
    room.arrives(room.film(PatientName="Aardvark^Ann", PatientID="A-1"))
    with room.seat() as seat:
        seat.page.keyboard.press("/")
        seat.page.keyboard.type("zebra, z")
        expect(seat.page.locator("tbody tr")).to_have_count(1)
        seat.page.keyboard.press("Escape")
        seat.page.keyboard.press("j")
        expect(seat.page.locator("tbody tr.selected")).to_contain_text("Zebra")
        seat.page.keyboard.press("Enter")
        seat.page.wait_for_url(f"**/read/{first}")
        expect(seat.page.get_by_role("heading", name="Zebra, Zoe")).to_be_visible()


def test_an_urgent_study_stands_first(room: Room) -> None:
    room.arrives(room.film(PatientName="Routine^Rob", PatientID="R-1"))
    room.arrives(room.film(PatientName="Urgent^Una", PatientID="U-1"))
    with room.seat() as seat:
        row = seat.page.locator("tbody tr", has_text="Urgent, Una")
        row.get_by_role("button", name="Routine. Make it urgent").click()
        expect(seat.page.locator("tbody tr").first).to_contain_text("Urgent, Una")


def test_a_node_that_goes_away_is_said_and_comes_back(room: Room) -> None:
    with room.seat(clean=False) as seat:
        room.node.stop("api")
        expect(seat.page.get_by_text("The node does not answer")).to_be_visible(timeout=15_000)
        room.start_api()
        expect(seat.page.get_by_text("Live", exact=True)).to_be_visible(timeout=30_000)
