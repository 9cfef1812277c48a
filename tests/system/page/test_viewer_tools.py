"""U5: what the tools do to the image, and that boxes and lengths stay where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.builders import ct_slice, dx_film
from tests.system.page.film import MEAN_TOLERANCE, PANE, difference, shown
from tests.system.page.page_model import EFFUSION_BOX, NODULE_BOX
from tests.system.page.reading_room import FILM_SHAPE, Room, Seat, eventually

HALF_A_PIXEL = 0.5
DARK, BRIGHT = 400, 3600


@pytest.fixture(scope="module")
def marked(room: Room) -> tuple[str, np.ndarray]:  # type: ignore[type-arg]
    """A film that is bright exactly where one of the model's boxes is."""
    pixels = np.full(FILM_SHAPE, DARK, np.uint16)
    x0, y0, x1, y1 = NODULE_BOX
    pixels[y0:y1, x0:x1] = BRIGHT
    return room.arrives(dx_film(pixels=pixels, study="marked")), pixels


@pytest.fixture
def seat(room: Room, marked: tuple[str, object]) -> Iterator[Seat]:
    with room.seat() as taken:
        taken.open(marked[0])
        taken.page.locator(".viewer").focus()
        yield taken


def box(page: Page, name: str) -> tuple[float, ...]:
    """Corners of a finding's drawn box, in pixels of the pane."""
    line = page.locator(".viewer-box", has_text=re.compile(name, re.IGNORECASE)).locator(".line")
    x, y, width, height = (float(line.get_attribute(name) or "nan") for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def bright_edges(page: Page) -> tuple[float, ...]:
    """Where the bright rectangle begins and ends on the screen, between canvas pixels: where it is half bright."""
    grey = shown(page).pixels[..., 0]
    middle = (grey.min() + grey.max()) / 2
    rows, columns = np.nonzero(grey > middle)
    across, down = grey[int(np.median(rows))], grey[:, int(np.median(columns))]
    return (*_crossings(across, middle), *_crossings(down, middle))


def _crossings(levels: np.ndarray, middle: float) -> tuple[float, float]:  # type: ignore[type-arg]
    over = np.nonzero(levels > middle)[0]
    first, last = int(over[0]), int(over[-1])
    rising = first - (levels[first] - middle) / (levels[first] - levels[first - 1])
    falling = last + (levels[last] - middle) / (levels[last] - levels[last + 1])
    return rising + 0.5, falling + 0.5


@pytest.mark.parametrize("keys", ["", "h", "+++", "h+++", "--"], ids=lambda keys: keys or "as opened")
def test_a_box_lies_on_its_finding_to_half_a_source_pixel(keys: str, seat: Seat) -> None:
    for key in keys:
        seat.page.keyboard.press(key)
    seat.finding("nodule").click()  # brings its box into view
    scale = abs(shown(seat.page).matrix[0])
    left, right, top, bottom = bright_edges(seat.page)
    apart = np.abs(np.array([left, top, right, bottom]) - box(seat.page, "nodule"))
    assert apart.max() / scale <= HALF_A_PIXEL


def test_every_box_is_drawn_where_its_corners_are(seat: Seat) -> None:
    image = shown(seat.page)
    for name, (x0, y0, x1, y1) in (("effusion", EFFUSION_BOX), ("nodule", NODULE_BOX)):
        assert box(seat.page, name) == pytest.approx((*image.pane(x0, y0), *image.pane(x1, y1)), abs=0.01)


def test_flip_and_invert_cannot_be_missed_and_are_undone_by_their_key(seat: Seat) -> None:
    chips = seat.page.locator(".viewer-chip")
    for key, words in (("h", "Flipped"), ("i", "Inverted")):
        expect(chips).to_have_count(0)
        seat.page.keyboard.press(key)
        expect(chips).to_contain_text([re.compile(words)])
        seat.page.keyboard.press(key)
    expect(chips).to_have_count(0)


def test_flipping_mirrors_the_image_and_swaps_its_letters(seat: Seat) -> None:
    before = shown(seat.page).pixels
    expect(seat.page.locator(".viewer-edges .is-right")).to_have_text("L")
    seat.page.keyboard.press("h")
    expect(seat.page.locator(".viewer-edges .is-right")).to_have_text("R")
    assert np.abs(shown(seat.page).pixels - before[:, ::-1]).mean() < 2


def test_inverting_gives_the_negative(seat: Seat) -> None:
    image = shown(seat.page)
    x, y = image.source()
    inside = (x > 0) & (y > 0) & (x < FILM_SHAPE[1] - 1) & (y < FILM_SHAPE[0] - 1)
    seat.page.keyboard.press("i")
    assert np.abs(image.pixels + shown(seat.page).pixels - 255)[inside].mean() < 1


def test_dragging_changes_the_window_and_0_brings_back_the_one_sent(seat: Seat) -> None:
    window = seat.page.locator(".viewer-window")
    sent = window.inner_text()
    assert "as sent" in sent
    _drag(seat.page, 60, 40)
    expect(window).not_to_have_text(sent)
    expect(window).not_to_contain_text("as sent")
    seat.page.keyboard.press("0")
    expect(window).to_have_text(sent)


def test_zoom_pan_and_fit(seat: Seat) -> None:
    fitted = shown(seat.page).matrix
    seat.page.keyboard.press("+")
    zoomed = shown(seat.page).matrix
    assert zoomed[0] > fitted[0] * 1.1
    seat.page.keyboard.press("Shift+ArrowRight")
    assert shown(seat.page).matrix[4] != pytest.approx(zoomed[4], abs=1)
    seat.page.keyboard.press("f")
    assert shown(seat.page).matrix == pytest.approx(fitted, abs=0.01)


def test_the_image_keeps_fitting_when_the_window_changes_its_size(seat: Seat) -> None:
    seat.page.set_viewport_size({"width": 1024, "height": 768})
    assert eventually(lambda: _fits(seat.page))


def _fits(page: Page) -> bool:
    image = shown(page)
    height, width = image.pixels.shape[:2]
    left, top = image.pane(0, 0)
    right, bottom = image.pane(FILM_SHAPE[1], FILM_SHAPE[0])
    filled = max((right - left) / width, (bottom - top) / height)
    return min(left, top) >= -1 and right <= width + 1 and bottom <= height + 1 and filled > 0.99


def test_a_length_is_in_pixels_where_only_the_detector_is_known(seat: Seat) -> None:
    """The film's Pixel Spacing equals its Imager Pixel Spacing: nobody calibrated it (PS3.3 10.7.1.3)."""
    assert measured(seat) == pytest.approx(100, abs=1.5)
    expect(_length(seat.page)).to_contain_text("px")


def test_a_length_on_ct_is_in_millimetres(room: Room, seat: Seat) -> None:
    slices = [ct_slice(number=at, shape=(256, 256), spacing=0.5, study="ruler") for at in (1, 2, 3)]
    room.node.send(*slices)
    room.node.wait_for(slices[0].StudyInstanceUID, "refused", "delivered")
    seat.page.goto(f"{room.node.api_url}/read/{slices[0].StudyInstanceUID}")
    seat.image_is_shown()
    assert measured(seat) == pytest.approx(50, abs=1)
    expect(_length(seat.page)).to_contain_text("mm")


def test_a_length_needs_no_dragging_and_no_mouse(seat: Seat) -> None:
    viewer = seat.page.locator(".viewer")
    viewer.focus()
    for key in ("l", "ArrowRight", "ArrowRight", "Shift+ArrowDown", "Enter"):
        seat.page.keyboard.press(key)
        seat.page.wait_for_timeout(50)
    expect(_length(seat.page)).to_have_count(1)


def test_a_length_is_removed_by_a_key(seat: Seat) -> None:
    measured(seat)
    _length(seat.page).focus()
    seat.page.keyboard.press("Delete")
    expect(_length(seat.page)).to_have_count(0)


def test_without_webgl_the_image_is_drawn_all_the_same_and_it_is_said(
    room: Room,
    chromium: Browser,
    marked: tuple[str, np.ndarray],
    seat: Seat,  # type: ignore[type-arg]
) -> None:
    seat.context.add_init_script(
        "HTMLCanvasElement.prototype.getContext = (own => function (kind, ...more) {"
        " return kind.includes('webgl') ? null : own.call(this, kind, ...more) })"
        "(HTMLCanvasElement.prototype.getContext)"
    )
    seat.page.evaluate("localStorage.clear()")
    seat.open(marked[0])
    expect(seat.page.locator(".viewer")).to_have_attribute("aria-label", re.compile("without graphics acceleration"))
    mean, _worst = difference(shown(seat.page), dx_film(pixels=marked[1], study="marked"))
    assert mean <= MEAN_TOLERANCE * 2


def measured(seat: Seat, across: int = 100) -> float:
    """The number of a length of so many source pixels, by two clicks."""
    seat.page.locator(".viewer").focus()
    seat.page.keyboard.press("l")
    image = shown(seat.page)
    corner = seat.page.locator(f"{PANE.format('main')} .viewer-stage").bounding_box()
    assert corner
    for x in (60, 60 + across):
        at = image.pane(x, 100)
        seat.page.mouse.click(corner["x"] + at[0], corner["y"] + at[1])
        seat.page.wait_for_timeout(80)
    words = _length(seat.page).locator("text").text_content() or ""
    seat.page.keyboard.press("Escape")
    return float(words.split()[0])


def _length(page: Page) -> Locator:
    return page.locator(".viewer-length:not(.is-open) [role=button]")


def _drag(page: Page, dx: int, dy: int) -> None:
    stage = page.locator(f"{PANE.format('main')} .viewer-stage").bounding_box()
    assert stage
    x, y = stage["x"] + stage["width"] * 0.7, stage["y"] + stage["height"] * 0.2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()
