"""U4: on the screen is the image that was asked for, or nothing. Never the one before it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from tests.builders import ct_slice, dx_film, uid
from tests.system.page.film import canvas, is_covered
from tests.system.page.reading_room import FILM_SHAPE, Room, Seat

FAILED = ".viewer-pane.is-main[data-state=failed]"
SHOWN = ".viewer-pane.is-main[data-state=shown]"
WORDS = ".viewer-pane.is-main .viewer-words"
SWITCHES = 50


def _not_there(route: Route) -> None:
    route.fulfill(status=404, content_type="application/problem+json", body="{}")


def _cut_short(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.body()[: len(answer.body()) // 2])


def _fewer_pixels(route: Route) -> None:
    """Whole as an answer, yet with half of the pixels."""
    answer = route.fetch()
    body = answer.body()
    head, end = body.index(b"\r\n\r\n") + 4, body.rindex(b"\r\n--")
    route.fulfill(response=answer, body=body[: head + (end - head) // 2] + body[end:])


def _a_login_page(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<h1>Log in</h1>" + " " * 400_000)


def _another_syntax(route: Route) -> None:
    answer = route.fetch()
    body = answer.body().replace(b"application/octet-stream", b"image/jp2")
    body = body.replace(b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.4.90")
    route.fulfill(response=answer, body=body)


BROKEN = {
    "missing": _not_there,
    "cut short": _cut_short,
    "fewer pixels": _fewer_pixels,
    "another type": _a_login_page,
    "another syntax": _another_syntax,
}


@pytest.fixture(scope="module")
def two(room: Room) -> tuple[str, str]:
    """A dark film and a bright one, of two patients."""
    films = [
        dx_film(pixels=np.full(FILM_SHAPE, level, np.uint16), study=name, PatientID=name, PatientName=f"{name}^Test")
        for name, level in (("Dark", 1000), ("Bright", 3500))
    ]
    first, second = (room.arrives(film) for film in films)
    return first, second


def _move(page: Page, uid: str) -> None:
    """Within the page, as its own links do: what was on the screen could stay."""
    page.evaluate(
        "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')) }", f"/read/{uid}"
    )


@pytest.mark.parametrize("kind", BROKEN)
def test_an_image_that_fails_leaves_nothing_of_the_one_before(kind: str, room: Room, two: tuple[str, str]) -> None:
    with room.seat(clean=False) as seat:
        seat.open(two[0])
        seat.page.route(f"**/studies/{two[1]}/**/frames/*", BROKEN[kind])
        _move(seat.page, two[1])
        expect(seat.page.locator(FAILED)).to_be_visible()
        assert is_covered(seat.page)
        assert len(seat.page.locator(WORDS).inner_text()) > 20
        assert not re.search(r"undefined|Error|\[object", seat.page.locator(WORDS).inner_text())


def test_while_an_image_is_under_way_nothing_of_the_one_before_is_seen(room: Room, two: tuple[str, str]) -> None:
    held: list[Route] = []
    with room.seat() as seat:
        seat.open(two[0])
        seat.page.route(f"**/studies/{two[1]}/**/frames/*", lambda route: held.append(route))
        _move(seat.page, two[1])
        expect(seat.page.locator(WORDS)).to_contain_text("Loading")
        assert is_covered(seat.page)
        for _ in range(200):  # "Loading" stands from the metadata on; the frame is asked for after it
            if held:
                break
            seat.page.wait_for_timeout(50)
        assert is_covered(seat.page)
        held[0].continue_()
        seat.image_is_shown()


def test_a_node_that_comes_back_gives_the_image_without_a_key(room: Room, two: tuple[str, str]) -> None:
    with room.seat(clean=False) as seat:
        seat.page.route("**/frames/*", lambda route: route.abort("connectionrefused"))
        seat.page.goto(f"{room.node.api_url}/read/{two[0]}")
        expect(seat.page.locator(WORDS)).to_contain_text("cannot be reached")
        seat.page.unroute_all(behavior="ignoreErrors")
        seat.image_is_shown()


def test_image_name_and_address_stay_of_one_study_over_fifty_quick_switches(room: Room, two: tuple[str, str]) -> None:
    with room.seat(clean=False) as seat:
        seat.open(two[0])
        for at in range(SWITCHES):
            _move(seat.page, two[at % 2])
            seat.page.wait_for_timeout((at * 37) % 120)  # before, in the midst of and after loading
            _agree(seat)
        seat.image_is_shown()
        _agree(seat)


def _agree(seat: Seat) -> None:
    """What can be seen belongs to the study that the page names."""
    said = seat.page.evaluate(
        """() => {
          const pane = document.querySelector('.viewer-pane.is-main'), image = pane?.querySelector('canvas');
          const seen = image && getComputedStyle(image).visibility === 'visible';
          const middle = seen && image.getContext('2d').getImageData(image.width / 2, image.height / 2, 1, 1).data[0];
          const words = document.body.innerText;
          return { name: ['Dark', 'Bright'].find(name => words.includes(name)) ?? '', level: seen ? middle : null };
        }"""
    )
    if said["level"] is None or not said["name"]:
        return
    assert (said["level"] > 150) == (said["name"] == "Bright"), said


def test_a_slice_that_fails_is_seen_to_be_missing_and_never_skipped(room: Room) -> None:
    pixels = [np.full((64, 64), 40 * at - 400, np.int16) for at in range(9)]
    slices = [ct_slice(number=at + 1, pixels=each, study="gap") for at, each in enumerate(pixels)]
    room.node.send(*slices)
    room.node.wait_for(slices[0].StudyInstanceUID, "refused", "delivered")
    with room.seat(clean=False) as seat:
        seat.page.route(f"**/instances/{uid('gap', 'series', 6)}/frames/*", _not_there)
        seat.page.goto(f"{room.node.api_url}/read/{slices[0].StudyInstanceUID}")
        seat.image_is_shown()
        seat.page.locator(".viewer").hover()
        expect(seat.page.locator(".viewer-loaded .is-failed")).to_have_count(1)
        seat.page.mouse.wheel(0, 100)
        expect(seat.page.locator(FAILED)).to_be_visible()
        expect(seat.page.locator(".viewer-place")).to_contain_text("6")
        assert is_covered(seat.page)
        seat.page.mouse.wheel(0, 100)
        expect(seat.page.locator(SHOWN)).to_be_visible()
        expect(seat.page.locator(".viewer-place")).to_contain_text("7")
        assert canvas(seat.page).max() > 0
