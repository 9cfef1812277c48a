"""Two marks that cannot be missed: at every scroll position, zoom, size, and on paper."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.system.page.reading_room import Room

EVALUATION = "For evaluation, not for clinical use."
NOT_VERIFIED = "AI-generated draft. Not verified."
SIZES: dict[str, dict[str, Any]] = {
    "a workstation": {"viewport": {"width": 1440, "height": 900}},
    "a small screen": {"viewport": {"width": 1024, "height": 768}},
    "200 % of a small screen": {"viewport": {"width": 512, "height": 384}, "device_scale_factor": 2},
}


@pytest.fixture(scope="module")
def study(room: Room) -> str:
    return room.arrives()


@pytest.mark.parametrize("size", SIZES)
def test_both_marks_are_in_the_viewport_at_every_scroll_position(room: Room, study: str, size: str) -> None:
    with room.seat(**SIZES[size]) as seat:
        _marked(seat.page)
        seat.open(study)
        _marked(seat.page)
        for _ in range(12):
            seat.page.mouse.wheel(0, 300)
            _marked(seat.page)
        seat.page.evaluate("for (const it of document.querySelectorAll('*')) it.scrollTop = it.scrollHeight")
        _marked(seat.page)
        _no_sideways_scrolling(seat.page)


def _marked(page: Page) -> None:
    for words in (EVALUATION, NOT_VERIFIED):
        mark = page.locator(".marks").get_by_text(words)
        expect(mark).to_be_in_viewport(ratio=1)
        assert mark.evaluate(
            "it => { const at = it.getBoundingClientRect();"
            " return it.contains(document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2)) }"
        ), f"something lies over: {words}"


def _no_sideways_scrolling(page: Page) -> None:
    """WCAG 2.2, 1.4.10."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_open_dialog_leaves_the_marks_readable(room: Room, study: str) -> None:
    with room.seat() as seat:
        seat.open(study)
        seat.page.keyboard.press("Control+Enter")
        expect(seat.page.get_by_role("dialog")).to_be_visible()
        for words in (EVALUATION, NOT_VERIFIED):
            expect(seat.page.locator(".marks").get_by_text(words)).to_be_in_viewport(ratio=1)


def test_every_printed_sheet_carries_both_marks(room: Room, study: str) -> None:
    with room.seat() as seat:
        seat.open(study)
        printed = seat.page.pdf(format="A4")
        told = subprocess.run(["pdftotext", "-layout", "-", "-"], input=printed, capture_output=True, check=True)
        sheets = [" ".join(sheet.split()) for sheet in told.stdout.decode().split("\f") if sheet.strip()]
        assert sheets
        for sheet in sheets:
            assert EVALUATION in sheet
            assert NOT_VERIFIED in sheet
