"""WCAG 2.2 AA: what axe finds, what the keyboard reaches, and that nothing of a patient is kept in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.running_node import CHECKOUT
from tests.system.page.reading_room import Room, Seat

AXE = CHECKOUT / "dicom_node" / "page" / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_PATIENT = ("Quincy", "Patient", "AXE-1", "ACC")


@pytest.fixture(scope="module")
def study(room: Room) -> str:
    return room.arrives(room.film(PatientName="Quincy^Patient", PatientID="AXE-1"))


def violations(page: Page) -> list[str]:
    page.evaluate(Path(AXE).read_text())
    found = page.evaluate("(tags) => axe.run(document, { runOnly: tags })", TAGS)["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("look", ["dark", "light"])
@pytest.mark.parametrize("scale", [1, 2])
def test_axe_finds_nothing_on_any_view(room: Room, study: str, look: str, scale: int) -> None:
    size: dict[str, Any] = {"viewport": {"width": 1440 // scale, "height": 900 // scale}, "device_scale_factor": scale}
    with room.seat("", **size) as seat:
        seat.context.add_init_script(f"localStorage.setItem('medvlm.theme', '{look}')")
        seat.page.goto(room.node.api_url)
        expect(seat.page.get_by_role("heading", name="Sign in to read")).to_be_visible()
        assert violations(seat.page) == []
        seat.sign_in()
        expect(seat.page.locator("tbody tr").first).to_be_visible()
        assert seat.page.evaluate("document.documentElement.dataset.theme") == look
        assert violations(seat.page) == []
        seat.open(study)
        for view in (_as_opened, _editing, _adding, _writing, _answered, _signing, _history, _keys, _trouble):
            view(seat)
            assert violations(seat.page) == [], view.__name__
            seat.page.keyboard.press("Escape")
            seat.page.evaluate("document.activeElement.blur()")


def _as_opened(seat: Seat) -> None:
    expect(seat.page.locator(".finding")).to_have_count(3)


def _editing(seat: Seat) -> None:
    seat.decide("nodule", "Edit")
    expect(seat.page.get_by_role("form", name="Edit nodule")).to_be_visible()


def _adding(seat: Seat) -> None:
    seat.page.keyboard.press("n")
    expect(seat.page.get_by_role("combobox", name="Finding")).to_be_focused()


def _writing(seat: Seat) -> None:
    seat.page.get_by_role("button", name="Write").click()
    expect(seat.page.get_by_label("Impression")).to_be_visible()


def _answered(seat: Seat) -> None:
    seat.page.get_by_label("Question about this study").fill("Where is the effusion?")
    seat.page.keyboard.press("Enter")
    expect(seat.page.locator("article.answer").first).to_be_visible()


def _signing(seat: Seat) -> None:
    seat.page.keyboard.press("Control+Enter")
    expect(seat.page.frame_locator("iframe").get_by_text("Verified by").first).to_be_visible()


def _history(seat: Seat) -> None:
    seat.page.get_by_role("button", name="History").click()
    expect(seat.page.get_by_role("dialog")).to_contain_text("the first")


def _keys(seat: Seat) -> None:
    seat.page.keyboard.press("?")
    expect(seat.page.get_by_role("dialog", name="Keys")).to_be_visible()


def _trouble(seat: Seat) -> None:
    seat.page.route("**/questions", lambda route: route.abort())
    seat.page.get_by_label("Question about this study").fill("Anything?")
    seat.page.keyboard.press("Enter")
    expect(seat.page.locator(".question .notice")).to_be_visible()
    seat.complaints.clear()


def test_the_whole_reading_goes_by_keyboard_alone_with_the_focus_in_view(room: Room) -> None:
    study = room.arrives(room.film(PatientName="Keyboard^Kay", PatientID="KEY-1"))
    with room.seat() as seat:
        press = seat.page.keyboard.press
        expect(seat.page.locator("tbody tr").first).to_be_visible()
        press("/")
        seat.page.keyboard.type("keyboard")
        expect(seat.page.locator("tbody tr")).to_have_count(1)
        press("Escape")
        press("j")
        press("Enter")
        seat.page.wait_for_url(f"**/read/{study}")
        expect(seat.page.locator(".finding").first).to_be_visible()
        seat.image_is_shown()
        press("j")
        _focus_in_view(seat.page)
        press("a")
        expect(seat.finding("effusion")).to_contain_text("Accepted")
        _focus_in_view(seat.page)
        press("e")
        _focus_in_view(seat.page)
        press("ArrowLeft")
        press("Enter")
        expect(seat.finding("nodule")).to_contain_text("Changed")
        press("j")
        press("r")
        expect(seat.finding("cardiomegaly")).to_contain_text("Rejected")
        press("u")
        expect(seat.finding("cardiomegaly")).to_contain_text("To decide")
        press("Control+Shift+Z")
        expect(seat.finding("cardiomegaly")).to_contain_text("Rejected")
        _add_by_keyboard(seat)
        seat.saved()
        press("Control+Enter")
        dialog = seat.page.get_by_role("dialog")
        expect(dialog.get_by_role("checkbox")).to_be_visible()
        _tab_to(seat.page, "checkbox")
        _focus_in_view(seat.page)
        press("Space")
        _tab_to(seat.page, "Sign and send")
        press("Enter")
        expect(seat.page.locator(".marks")).to_contain_text("Verified by")


def _add_by_keyboard(seat: Seat) -> None:
    """A box without dragging (WCAG 2.2, 2.5.7)."""
    press = seat.page.keyboard.press
    press("n")
    seat.page.keyboard.type("mass")
    press("Enter")
    expect(seat.page.get_by_role("button", name="Draw a box")).to_be_visible()
    _tab_to(seat.page, "Draw a box")
    press("Enter")
    expect(seat.page.get_by_role("button", name="Take the box")).to_be_focused()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        press(key)
    press("Enter")
    expect(seat.page.get_by_text("Box 1", exact=True).first).to_be_visible()
    expect(seat.page.get_by_role("button", name="Draw a box")).to_be_focused()
    _tab_to(seat.page, "Add it")
    press("Enter")
    expect(seat.finding("Mass")).to_contain_text("Added")


def _tab_to(page: Page, words: str) -> None:
    for _ in range(60):
        here = page.evaluate(
            "() => { const it = document.activeElement;"
            " return it === document.body ? '' : it.innerText + ' ' + (it.type ?? '') }"
        )
        if words in here:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach: {words}")


def _focus_in_view(page: Page) -> None:
    """WCAG 2.2, 2.4.7 and 2.4.11: the focused thing is on the screen, and nothing lies over its middle."""
    assert page.evaluate(
        """() => {
          const it = document.activeElement;
          const at = it.getBoundingClientRect();
          const top = document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2);
          return it !== document.body && (it.contains(top) || it.closest("label")?.contains(top));
        }"""
    )


def test_targets_are_at_least_24_pixels(room: Room, study: str) -> None:
    with room.seat() as seat:
        seat.open(study)
        small = seat.page.evaluate(
            """() => [...document.querySelectorAll("button, select, input, a[href]")]
              .filter((it) => it.checkVisibility() && !it.closest("label, .skip") && !it.matches(".skip"))
              .map((it) => [it.getBoundingClientRect(), it.outerHTML.slice(0, 80)])
              .filter(([at]) => at.width && (at.width < 24 || at.height < 24)).map(([, html]) => html)"""
        )
        assert small == []


def test_letters_are_letters_while_typing_and_can_be_switched_off(room: Room, study: str) -> None:
    with room.seat() as seat:
        seat.open(study)
        seat.page.get_by_label("Question about this study").press_sequentially("jar")
        expect(seat.page.locator(".finding.is-open")).to_have_count(3)
        expect(seat.page.get_by_label("Question about this study")).to_have_value("jar")
        seat.page.keyboard.press("Escape")
        seat.page.keyboard.press("?")
        seat.page.get_by_role("checkbox", name="Single keys act").uncheck()
        seat.page.keyboard.press("Escape")
        for key in "ja":
            seat.page.keyboard.press(key)
        expect(seat.page.locator(".finding.is-open")).to_have_count(3)
        expect(seat.page.locator(".finding.is-selected")).to_have_count(0)


def test_nothing_of_the_patient_is_in_address_title_storage_or_console(room: Room, study: str) -> None:
    said: list[str] = []
    with room.seat() as seat:
        seat.page.on("console", lambda it: said.append(it.text))
        seat.page.get_by_role("searchbox").fill("Quincy")
        expect(seat.page.locator("tbody tr")).to_have_count(1)
        seat.open(study)
        expect(seat.page.get_by_role("heading", name="Quincy, Patient")).to_be_visible()
        kept = seat.page.evaluate("() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")
        for told in (*seat.requests, seat.page.url, seat.page.title(), kept, *said):
            assert not any(word in told for word in OF_PATIENT), told
