"""Two readers on one draft, and a network that goes: no edit is lost, and none is kept in the browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.system.page.reading_room import Room

STORED = """() => ({ local: { ...localStorage }, session: { ...sessionStorage } })"""


def test_the_second_reader_gets_both_versions_and_loses_no_edit(room: Room) -> None:
    study = room.arrives()
    with room.seat("Anna Reader") as anna, room.seat("Ben Second", clean=False) as ben:
        anna.open(study)
        ben.open(study)
        anna.decide("effusion", "Accept")
        anna.decide("cardiomegaly", "Accept")
        anna.saved()
        expect(ben.page.get_by_text("was changed elsewhere")).to_be_visible(timeout=10_000)
        ben.decide("effusion", "Reject")
        dialog = ben.page.get_by_role("dialog", name="Another reader changed this draft")
        expect(dialog).to_be_visible()
        row = dialog.locator("tr.differs")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("Accepted")
        expect(row).to_contain_text("Rejected")
        expect(dialog.get_by_role("button", name="Save both together")).to_be_disabled()
        row.get_by_label("Rejected").check()
        dialog.get_by_role("button", name="Save both together").click()
        ben.saved()
        expect(ben.finding("effusion")).to_contain_text("Rejected")
        expect(ben.finding("cardiomegaly")).to_contain_text("Accepted")
        anna.page.reload()
        expect(anna.finding("effusion")).to_contain_text("Rejected")
        expect(anna.finding("cardiomegaly")).to_contain_text("Accepted")


def test_an_edit_after_anothers_signature_is_said_and_shown(room: Room) -> None:
    study = room.arrives()
    with room.seat("Anna Reader") as anna, room.seat("Ben Second", clean=False) as ben:
        ben.open(study)
        anna.open(study)
        anna.decide_all()
        anna.page.keyboard.press("Control+Enter")
        anna.page.get_by_role("checkbox").check()
        anna.page.get_by_role("button", name="Sign and send").click()
        expect(anna.page.locator(".marks")).to_contain_text("Verified by")
        ben.decide("effusion", "Reject")
        dialog = ben.page.get_by_role("dialog", name="This report is closed")
        expect(dialog).to_contain_text("Right pleural effusion: rejected")
        dialog.get_by_role("button", name="Show the report").click()
        expect(ben.page.locator(".marks")).to_contain_text("Verified by Reader, Anna")


def test_edits_wait_in_the_page_while_the_network_is_away_and_arrive_on_return(room: Room) -> None:
    study = room.arrives()
    with room.seat(clean=False) as seat:
        seat.open(study)
        seat.context.set_offline(True)
        seat.decide("effusion", "Reject")
        expect(seat.page.get_by_text("Your edits wait in this page")).to_be_visible()
        region = seat.page.get_by_role("region", name="Sentences")
        region.get_by_role("button", name="Write").click()
        region.get_by_label("Findings").press_sequentially("Typed while the network was away.", delay=30)
        seat.page.wait_for_timeout(3000)
        _holds_only_looks(seat.page)
        seat.context.set_offline(False)
        seat.saved()
        _holds_only_looks(seat.page)
        seat.page.reload()
        expect(seat.finding("effusion")).to_contain_text("Rejected")
        expect(seat.page.get_by_role("region", name="Sentences")).to_contain_text("Typed while the network was away.")


def _holds_only_looks(page: Page) -> None:
    stored = page.evaluate(STORED)
    databases = page.evaluate("async () => (await indexedDB.databases()).length")
    # Cornerstone remembers what the graphics card can do, and how much it logs.
    looks = {"medvlm.theme", "medvlm.keys", "cornerstone3D.renderingCapabilities", "loglevel"}
    assert set(stored["local"]) <= looks, stored
    assert (stored["session"], databases) == ({}, 0)
