"""U12, the CT's part: a long stack opens at once, and the wheel never shows a wrong slice or none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.builders import ct_slice
from tests.system.page.film import canvas
from tests.system.page.reading_room import Room, Seat

SLICES, SIZE = 300, 128
STEPS = 60
LOW, STEP = -1024, 6
SEEN = """() => {
  const pane = document.querySelector('.viewer-pane.is-main'), image = pane.querySelector('canvas');
  const level = image.getContext('2d').getImageData(image.width / 2, image.height / 2, 1, 1).data[0];
  return { state: pane.dataset.state, visible: getComputedStyle(image).visibility === 'visible', level,
           place: parseInt(pane.querySelector('.viewer-place').textContent) };
}"""


@pytest.fixture(scope="module")
def seat(room: Room) -> Iterator[Seat]:
    """A stack whose every slice has a grey of its own, from black at the first to white at the last."""
    slices = [
        ct_slice(
            number=at + 1,
            pixels=np.full((SIZE, SIZE), LOW + STEP * at, np.int16),
            study="long",
            WindowCenter=LOW + STEP * SLICES / 2,
            WindowWidth=STEP * SLICES,
        )
        for at in range(SLICES)
    ]
    room.node.send(*slices)
    room.node.wait_for(slices[0].StudyInstanceUID, "refused", "delivered")
    with room.seat() as taken:
        taken.page.goto(f"{room.node.api_url}/read/{slices[0].StudyInstanceUID}")
        taken.image_is_shown()
        yield taken


def test_sixty_steps_of_the_wheel_show_sixty_right_slices(seat: Seat) -> None:
    seat.page.locator(".viewer").hover()
    seat.page.wait_for_timeout(1000)
    places = []
    for at in range(STEPS):
        seat.page.mouse.wheel(0, 100 if at < STEPS // 2 else -100)
        seat.page.wait_for_timeout(40)
        seen = seat.page.evaluate(SEEN)
        assert seen["state"] == "shown"
        assert seen["visible"]
        assert abs(seen["level"] - _level(seen["place"])) <= 1.5, seen  # what is written is what is seen
        places.append(seen["place"])
    assert len(set(places)) > STEPS // 4


def test_the_ends_are_reached_by_key_and_shown_right(seat: Seat) -> None:
    seat.page.locator(".viewer").focus()
    for key, place in (("Home", 1), ("End", SLICES), ("PageUp", SLICES - 10)):
        seat.page.keyboard.press(key)
        expect(seat.page.locator(".viewer-place")).to_contain_text(f"{place} /")
        seat.image_is_shown()
        seat.page.wait_for_timeout(150)
        assert canvas(seat.page).max() == pytest.approx(_level(place), abs=1.5)


def test_the_slider_says_its_place_and_moves_by_key(seat: Seat) -> None:
    slider = seat.page.get_by_role("slider", name="place in the series")
    slider.focus()
    before = int(slider.input_value())
    seat.page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value(str(before - 1))
    expect(slider).to_have_attribute("aria-valuetext", f"{before - 1} of {SLICES}")


def _level(place: int) -> float:
    """The grey of a slice, 0 to 255."""
    return min(255.0, max(0.0, 255 * (place - 1) / SLICES))
