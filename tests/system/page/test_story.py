"""The whole way: a study arrives, opens, is asked about, corrected, added to, signed; the PACS holds just that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from pydicom import Dataset, dcmread

from dicom_node.demo.sample import sample
from dicom_node.settings import load
from tests.system.page.reading_room import Room, Seat, eventually, reading_room


@pytest.fixture
def story_room(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with reading_room(tmp_path_factory.mktemp("story"), chromium) as opened:
        yield opened


def test_a_study_arrives_is_asked_corrected_added_to_signed_and_the_pacs_holds_the_decisions(story_room: Room) -> None:
    film = dcmread(sample(load().archive.root.parent / "demo", print).radiograph)
    with story_room.seat() as seat:
        story_room.node.send(film)
        row = seat.page.locator("tbody tr", has_text=str(film.PatientID))
        expect(row).to_contain_text("3 to decide", timeout=30_000)
        row.get_by_role("link").click()
        expect(seat.page.locator(".finding")).to_have_count(3)
        seat.image_is_shown()

        seat.page.keyboard.press("/")
        seat.page.keyboard.type("Where is the effusion?")
        seat.page.keyboard.press("Enter")
        expect(seat.page.locator("article.answer")).to_contain_text("right pleural effusion")
        seat.page.keyboard.press("Escape")

        _decide(seat)
        _sign(seat)
        _two_signed_documents_are_delivered(seat)
    signed = _verified(story_room, str(film.StudyInstanceUID))
    for document in signed:
        assert document.CompletionFlag == "COMPLETE"
        assert "Reader^Anna" in str(document.VerifyingObserverSequence[0].VerifyingObserverName)
        said = _text(document)
        assert "mass" in said.lower()
        assert "nodule" in said.lower()
        assert "effusion" not in said.lower()


def _decide(seat: Seat) -> None:
    """The effusion goes, the nodule is there for sure, the heart is as drafted, and a mass is added."""
    seat.decide("effusion", "Reject")
    seat.decide("nodule", "Edit")
    seat.page.get_by_role("radio", name="Present").check()
    seat.page.get_by_role("button", name="Take this").click()
    seat.decide("cardiomegaly", "Accept")
    seat.page.get_by_role("button", name="Add a finding").click()
    seat.page.keyboard.type("mass")
    seat.page.keyboard.press("Enter")
    seat.page.get_by_role("radio", name="Right").check()
    seat.page.get_by_role("button", name="Add it").click()
    seat.saved()


def _sign(seat: Seat) -> None:
    seat.page.keyboard.press("Control+Enter")
    dialog = seat.page.get_by_role("dialog")
    expect(dialog.frame_locator("iframe").get_by_text("Verified by Reader, Anna").first).to_be_visible()
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Sign and send").click()
    expect(seat.page.locator(".marks")).to_contain_text("Verified by Reader, Anna")


def _two_signed_documents_are_delivered(seat: Seat) -> None:
    """Beside the draft's own two."""
    delivered = seat.page.get_by_role("region", name="Origin and delivery").locator("tbody tr", has_text="delivered")
    expect(delivered).to_have_count(4, timeout=20_000)


def _verified(room: Room, study: str) -> list[Dataset]:
    def found() -> list[Dataset]:
        held = (dcmread(it.path) for it in room.pacs.of_study(study))
        return [it for it in held if it.get("VerificationFlag") == "VERIFIED"]

    assert eventually(lambda: len(found()) >= 2)
    return found()


def _text(document: Dataset) -> str:
    """Every text, code meaning and name of the content tree."""
    return " ".join(
        str(element.value)
        for element in document.iterall()
        if element.keyword in {"TextValue", "CodeMeaning"} and element.value
    )
