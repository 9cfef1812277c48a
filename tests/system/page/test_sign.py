"""Signing: impossible until all is decided, conscious, and what the PACS gets is what was decided."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Response, expect
from pydicom import dcmread

from tests.system.page.reading_room import Room, Seat, eventually, reading_room


def sign(seat: Seat) -> None:
    seat.page.keyboard.press("Control+Enter")
    dialog = seat.page.get_by_role("dialog")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Sign and send").click()
    expect(dialog).not_to_be_visible(timeout=20_000)


def test_signing_waits_for_every_finding_and_leads_to_those_that_are_open(room: Room) -> None:
    study = room.arrives()
    with room.seat() as seat:
        seat.open(study)
        seat.decide("effusion", "Accept")
        seat.saved()
        seat.page.keyboard.press("Control+Enter")
        dialog = seat.page.get_by_role("dialog")
        expect(dialog).to_contain_text("2 findings still wait for your decision")
        assert dialog.get_by_role("checkbox").all() == []
        expect(dialog.get_by_role("button", name="Sign and send")).to_be_disabled()
        dialog.get_by_role("button", name="Left nodule").click()
        expect(dialog).not_to_be_visible()
        expect(seat.finding("nodule")).to_be_focused()


def test_the_dialog_shows_what_is_sent_and_where_and_signs_by_a_conscious_act_only(room: Room) -> None:
    study = room.arrives()
    with room.seat() as seat:
        seat.open(study)
        seat.decide("effusion", "Reject")
        seat.decide_all()
        seat.page.keyboard.press("Control+Enter")
        dialog = seat.page.get_by_role("dialog")
        expect(dialog).to_contain_text("pacs")
        sheet = dialog.frame_locator("iframe")
        expect(sheet.get_by_text("Verified by Reader, Anna").first).to_be_visible()
        assert "pleural effusion" not in sheet.locator("main").inner_text().lower()
        expect(dialog.get_by_role("checkbox")).not_to_be_checked()
        expect(dialog.get_by_role("button", name="Sign and send")).to_be_disabled()
        seat.page.keyboard.press("Control+Enter")
        seat.page.keyboard.press("Enter")
        seat.page.keyboard.press("Escape")
        expect(dialog).not_to_be_visible()
        expect(seat.page.locator(".draft-head")).to_contain_text("Edited")


def test_a_signed_report_is_marked_so_takes_no_edit_and_takes_an_addendum(room: Room) -> None:
    study = room.arrives()
    with room.seat() as seat:
        seat.open(study)
        seat.decide_all()
        sign(seat)
        expect(seat.page.locator(".marks")).to_contain_text("Verified by Reader, Anna")
        expect(seat.page.locator(".marks")).to_contain_text("For evaluation, not for clinical use.")
        assert seat.page.locator(".finding button[aria-label^=Accept]").all() == []
        seat.page.get_by_role("button", name="Addendum").click()
        dialog = seat.page.get_by_role("dialog")
        dialog.get_by_label("Addendum").fill("Compared with the film of last year: unchanged.")
        dialog.get_by_role("button", name="Sign and send the addendum").click()
        expect(seat.page.get_by_role("region", name="Sentences")).to_contain_text("unchanged.")
        expect(seat.page.locator(".draft-head")).to_contain_text("with addendum")


def test_a_rejected_draft_needs_a_reason_and_is_used_no_more(room: Room) -> None:
    study = room.arrives()
    with room.seat() as seat:
        seat.open(study)
        seat.page.get_by_role("button", name="Reject draft").click()
        dialog = seat.page.get_by_role("dialog")
        button = dialog.get_by_role("button", name="Reject the draft")
        expect(button).to_be_disabled()
        dialog.get_by_label("Reason").fill("Wrong patient position.")
        button.click()
        expect(seat.page.get_by_text("This draft was rejected.")).to_be_visible()
        assert eventually(lambda: any("REJECTED" in it.upper() for it in _descriptions(room, study)))


def _descriptions(room: Room, study: str) -> list[str]:
    return [str(dcmread(it.path).get("SeriesDescription", "")) for it in room.pacs.of_study(study)]


def test_who_is_no_radiologist_has_no_button_and_the_node_says_403(room: Room) -> None:
    study = room.arrives()
    api = f"{room.node.api_url}/api/v1"
    machine = {"Authorization": f"Bearer {room.token}"}
    report = httpx.get(f"{api}/studies/{study}/reports", headers=machine).json()["reports"][0]
    answer = httpx.post(f"{api}/reports/{report['id']}/sign", json={}, headers=machine | {"If-Match": '"1"'})
    assert answer.status_code == 403
    with room.seat(clean=False) as seat:
        seat.page.route("**/auth/me", lambda route: _without_roles(route))
        seat.open(study)
        assert seat.page.get_by_role("button", name="Sign …").all() == []
        assert seat.page.locator(".finding button[aria-label^=Accept]").all() == []


def _without_roles(route: object) -> None:
    answer = route.fetch()  # type: ignore[attr-defined]
    me = answer.json()
    me["principal"]["roles"] = ["viewer"]
    route.fulfill(json=me)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def reading_first(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> object:
    folder: Path = tmp_path_factory.mktemp("reveal")
    with reading_room(folder, chromium, api__reveal="after_own_read") as opened:
        yield opened


def test_reveal_after_my_read_sends_nothing_of_the_model_before(reading_first: Room) -> None:
    study = reading_first.arrives()
    with reading_first.seat() as seat:
        responses: list[Response] = []
        seat.page.on("response", lambda it: responses.append(it))  # a bound method takes no attribute
        seat.page.goto(f"{reading_first.node.api_url}/read/{study}")
        expect(seat.page.get_by_role("heading", name="Your own read first")).to_be_visible()
        seat.image_is_shown()
        bodies = [it.text() for it in responses if _is_said(it.url)]
        assert bodies
        for told in (seat.page.locator("body").inner_text(), *bodies):
            assert "There is a right pleural effusion" not in told
            assert "looks like AP" not in told
            assert "0.82" not in told
        assert seat.page.locator(".viewer-box").all() == []

        seat.page.get_by_label("What do you see?").fill("mass")
        seat.page.keyboard.press("Enter")
        seat.page.get_by_role("button", name="This is my read").click()
        expect(seat.page.locator(".finding")).to_have_count(3)
        beside = seat.page.get_by_role("region", name="Your own read beside the draft")
        expect(beside.locator("tr.differs", has_text="Mass")).to_contain_text("not assessed")
        expect(beside.locator("tr.differs", has_text="Pleural effusion")).to_contain_text("not named")


def _is_said(url: str) -> bool:
    return "/api/v1/studies/" in url or "/api/v1/reports/" in url
