"""Asking: streamed, stoppable, with its place on the image, and never part of the report by itself."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.system.page.reading_room import Room, Seat


@pytest.fixture
def seat(room: Room) -> object:
    study = room.arrives()
    with room.seat() as opened:
        opened.open(study)
        yield opened


def put(seat: Seat, question: str) -> None:
    seat.page.keyboard.press("/")
    seat.page.keyboard.type(question)
    seat.page.keyboard.press("Enter")


def test_an_answer_names_who_asked_and_the_model_shows_its_place_and_leaves_the_report(seat: Seat) -> None:
    before = seat.page.get_by_role("region", name="Sentences").inner_text()
    put(seat, "Where is the effusion?")
    answer = seat.page.locator("article.answer")
    expect(answer).to_contain_text("There is a right pleural effusion.")
    expect(answer).to_contain_text("Reader, Anna")
    expect(answer).to_contain_text("scripted")
    expect(seat.page.locator(".viewer-box.is-answer")).to_have_count(1)
    assert seat.page.get_by_role("region", name="Sentences").inner_text() == before
    expect(seat.page.locator(".draft-head")).to_contain_text("Version 1")
    seat.page.reload()
    seat.page.get_by_role("button", name="Show the answers").click()
    expect(answer).to_contain_text("Where is the effusion?")


def test_pieces_show_as_they_come_and_escape_stops_the_models_work(seat: Seat, room: Room) -> None:
    put(seat, "A slow question?")
    expect(seat.page.locator(".streaming")).to_contain_text("word3")
    seat.page.keyboard.press("Escape")
    expect(seat.page.locator(".streaming")).not_to_be_visible()
    expect(seat.page.get_by_text("Stopped.").first).to_be_visible()
    time.sleep(1.0)
    written = len(room.trace.read_text().splitlines())
    time.sleep(0.5)
    assert len(room.trace.read_text().splitlines()) == written < 200


def test_an_answer_that_breaks_off_is_said_in_words(seat: Seat) -> None:
    put(seat, "A failure, please?")
    expect(seat.page.locator(".question .notice")).to_be_visible()
    assert "tensor" not in seat.page.locator("body").inner_text()
    put(seat, "")
    expect(seat.page.get_by_label("Question about this study")).to_be_enabled()


def test_a_suggested_question_is_asked_by_one_click(seat: Seat) -> None:
    group = seat.page.get_by_role("group", name="Suggested questions")
    first = group.get_by_role("button").first
    words = first.inner_text()
    first.click()
    expect(seat.page.locator("article.answer .asked")).to_contain_text(words)


def test_a_region_drawn_on_the_image_is_asked_about(seat: Seat) -> None:
    seat.page.get_by_role("button", name="Ask about a region").click()
    film = seat.page.locator(".viewer-stage").first.bounding_box()
    assert film
    x, y = film["x"] + film["width"] / 2, film["y"] + film["height"] / 2
    seat.page.mouse.move(x - 50, y - 50)
    seat.page.mouse.down()
    seat.page.mouse.move(x + 10, y + 30, steps=4)
    seat.page.mouse.up()
    expect(seat.page.get_by_text("About the region drawn on the image")).to_be_visible()
    seat.page.keyboard.type("What is here?")
    seat.page.keyboard.press("Enter")
    expect(seat.page.locator("article.answer .asked")).to_contain_text("(about a region)")


def test_a_model_that_is_away_is_said_and_reading_goes_on(room: Room) -> None:
    study = room.arrives()
    with room.seat(clean=False) as seat:
        seat.open(study)
        room.stop_model()
        try:
            put(seat, "Where is the effusion?")
            expect(seat.page.locator(".question .notice")).to_contain_text("The model is away", timeout=15_000)
            seat.decide("effusion", "Accept")
            seat.saved()
        finally:
            room.start_model()
