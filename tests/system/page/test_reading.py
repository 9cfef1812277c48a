"""Opening, and deciding: the list and the image are one, the sentences follow, nothing is decided beforehand."""

from __future__ import annotations

import statistics
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.builders import ct_slice
from tests.system.page.page_model import WARNING
from tests.system.page.reading_room import Room, Seat

FIRST_PAINT_SECONDS = 2.0


@pytest.fixture
def seat(room: Room) -> object:
    study = room.arrives()
    with room.seat() as opened:
        opened.open(study)
        yield opened


def test_image_and_draft_are_there_within_two_seconds_and_all_from_the_node(room: Room) -> None:
    study = room.arrives()
    with room.seat() as seat:
        seat.open(study)
        seconds = [_opening(seat, study) for _ in range(5)]
        origins = {urlsplit(url).netloc for url in seat.requests if not url.startswith(("data:", "blob:"))}
        assert origins == {urlsplit(room.node.api_url).netloc}
        assert statistics.median(seconds) < FIRST_PAINT_SECONDS, seconds


def _opening(seat: Seat, study: str) -> float:
    seat.page.goto(f"{seat.room.node.api_url}/read/{study}", wait_until="commit")
    seat.page.wait_for_selector(".finding")
    seat.page.wait_for_selector(".viewer-pane.is-main[data-state=shown]")
    return float(seat.page.evaluate("performance.now()")) / 1000


def test_no_finding_is_decided_beforehand_and_there_is_no_accept_all(seat: Seat) -> None:
    expect(seat.page.locator(".finding.is-open")).to_have_count(3)
    expect(seat.page.locator(".finding [aria-pressed=true]")).to_have_count(0)
    assert not seat.page.get_by_role("button").filter(has_text="all").all()


def test_a_click_in_the_list_shows_the_box_and_a_click_on_the_box_the_line(seat: Seat) -> None:
    expect(seat.page.locator(".viewer-box")).to_have_count(2)
    seat.finding("nodule").get_by_role("button", name="Show finding").click()
    expect(seat.page.locator(".viewer-box.is-selected")).to_have_count(1)
    expect(seat.page.locator(".viewer-box.is-selected")).to_have_attribute("aria-label", "Box: 2 Left nodule")
    seat.page.locator(".viewer-box", has_text="effusion").press("Enter")
    expect(seat.finding("effusion")).to_have_attribute("aria-current", "true")


def test_the_sentences_follow_each_decision_and_a_reload_keeps_them(seat: Seat) -> None:
    sentences = seat.page.get_by_role("region", name="Sentences")
    expect(sentences).to_contain_text("There is a right pleural effusion.")
    seat.decide("effusion", "Reject")
    seat.saved()
    expect(sentences).not_to_contain_text("pleural effusion")
    expect(seat.finding("effusion")).to_contain_text("Rejected")
    seat.page.reload()
    expect(seat.finding("effusion")).to_contain_text("Rejected")
    expect(sentences).not_to_contain_text("pleural effusion")


def test_an_edit_a_drawn_box_and_an_added_finding_are_kept(seat: Seat) -> None:
    seat.decide("nodule", "Edit")
    seat.page.get_by_role("radio", name="Present").check()
    seat.page.get_by_role("button", name="Take this").click()
    expect(seat.finding("nodule")).to_contain_text("Changed")
    expect(seat.finding("nodule")).to_contain_text("Draft: uncertain")

    seat.page.get_by_role("button", name="Add a finding").click()
    seat.page.keyboard.type("mas")
    seat.page.keyboard.press("Enter")
    seat.page.get_by_role("radio", name="Right").check()
    seat.page.get_by_role("button", name="Draw a box").click()
    _drag(seat.page)
    expect(seat.page.get_by_text("Box 1", exact=True).first).to_be_visible()
    seat.page.get_by_role("button", name="Add it").click()
    seat.saved()
    seat.page.reload()
    expect(seat.finding("Right mass")).to_contain_text("Added")
    expect(seat.page.locator(".viewer-box.is-person")).to_have_count(2)
    expect(seat.page.get_by_role("region", name="Sentences")).to_contain_text("mass")


def _drag(page: Page) -> None:
    expect(page.locator(".viewer.is-draw")).to_be_visible()
    film = page.locator(".viewer-stage").first.bounding_box()
    assert film
    x, y = film["x"] + film["width"] / 2, film["y"] + film["height"] / 2
    page.mouse.move(x - 60, y - 40)
    page.mouse.down()
    page.mouse.move(x + 20, y + 50, steps=4)
    page.mouse.up()


def test_undo_takes_a_decision_back_at_the_node_too(seat: Seat) -> None:
    seat.decide("effusion", "Accept")
    seat.saved()
    seat.page.get_by_role("button", name="Undo").click()
    expect(seat.finding("effusion")).to_contain_text("To decide")
    seat.saved()
    seat.page.reload()
    expect(seat.finding("effusion")).to_contain_text("To decide")


def test_words_of_ones_own_are_kept_and_marked_until_the_reader_lets_the_sentences_follow(seat: Seat) -> None:
    region = seat.page.get_by_role("region", name="Sentences")
    region.get_by_role("button", name="Write").click()
    region.get_by_label("Findings").fill("There is a right pleural effusion.\nMy own observation.")
    expect(region).to_contain_text("Your own words")
    seat.saved()
    region.get_by_role("button", name="Done").click()
    seat.decide("cardiomegaly", "Accept")
    seat.saved()
    expect(region.locator("li.own")).to_have_text(["My own observation. (your own words)"])
    seat.decide("effusion", "Reject")
    expect(region).to_contain_text("Your own words still speak of what you rejected")
    region.get_by_role("button", name="Follow the decisions again").click()
    expect(region).not_to_contain_text("My own observation.")
    seat.saved()


def test_warnings_and_what_was_not_assessed_are_in_view_without_a_click(seat: Seat) -> None:
    expect(seat.page.get_by_text(WARNING).first).to_be_in_viewport()
    expect(seat.page.get_by_role("region", name="Not assessed")).to_be_in_viewport()
    expect(seat.page.get_by_role("region", name="Not assessed")).to_contain_text("hernia")


def test_certainty_is_words_and_a_bar_and_the_number_comes_with_the_pointer(seat: Seat) -> None:
    row = seat.finding("effusion")
    expect(row).to_contain_text("probable")
    expect(row.locator(".percent")).not_to_be_visible()
    row.hover()
    expect(row.locator(".percent")).to_be_visible()
    expect(row.get_by_role("img")).to_have_attribute("aria-label", "Model's probability 82 %")


def test_the_history_names_person_time_and_what_changed_in_words(seat: Seat) -> None:
    seat.decide("effusion", "Reject")
    seat.saved()
    seat.page.get_by_role("button", name="History").click()
    history = seat.page.get_by_role("dialog")
    expect(history).to_contain_text("Version 2")
    expect(history).to_contain_text("Reader, Anna")
    expect(history.locator("del", has_text="There is a right pleural effusion.").first).to_be_visible()


def test_a_refused_study_says_why_in_plain_words_and_shows_its_images(room: Room) -> None:
    slices = [ct_slice(study="page-ct", number=number) for number in (1, 2, 3)]
    room.node.send(*slices)
    room.node.wait_for(slices[0].StudyInstanceUID, "refused")
    with room.seat() as seat:
        seat.page.goto(f"{room.node.api_url}/read/{slices[0].StudyInstanceUID}")
        expect(seat.page.get_by_text("CT is not assessed.")).to_be_visible()
        seat.image_is_shown()
        assert seat.page.get_by_role("button", name="Sign …").all() == []
