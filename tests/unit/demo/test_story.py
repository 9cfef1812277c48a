from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from dicom_node.demo.story import Delivered, FindingRow, Refused, StudyOutcome, by_probability, show

SENT = datetime(2026, 11, 23, 21, 0, 0, tzinfo=UTC)
PAGE = "http://127.0.0.1:8000/#token=" + "t" * 43
SR = Path("/somewhere/quite/deep/in/a/home/medvlm/data/demo/pacs/ff5c5ee3041779d88faec7e982798ac0.dcm")
FILM_UID = "2.25.222987167425166345454818227701467377600000000000000000000000"
CT_UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001.298806137288633453246975630178"
FINDINGS = (
    FindingRow("pleural_thickening", "absent", 0.031),
    FindingRow("effusion", "present", 0.812, "left"),
    FindingRow("atelectasis", "indeterminate", 0.4),
)
FILM = StudyOutcome(
    FILM_UID, "1 DX image", "delivered", SENT, FINDINGS, (Delivered("findings SR", SR, SENT + timedelta(seconds=7.25)),)
)
CT = StudyOutcome(CT_UID, "133 CT images", "refused", SENT, Refused("no frontal chest radiograph [CT]"))


def told(*outcomes: StudyOutcome, width: int = 80) -> str:
    out = io.StringIO()
    show(Console(file=out, width=width, no_color=True), outcomes, PAGE)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_what_one_copies_stands_unbroken_on_one_line(width: int) -> None:
    text = told(FILM, CT, width=width)
    for each in (FILM_UID, CT_UID, str(SR), PAGE):
        assert any(each in line for line in text.splitlines())


@pytest.mark.parametrize("width", [80, 104, 200])
def test_tables_fit_the_terminal(width: int) -> None:
    copied = (FILM_UID, CT_UID, str(SR), PAGE)
    lines = [line for line in told(FILM, CT, width=width).splitlines() if not any(each in line for each in copied)]
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [80, 200])
def test_every_finding_is_told_with_its_presence_and_probability(width: int) -> None:
    text = told(FILM, width=width)
    for cells in (
        ("effusion (left)", "present", "81.2%"),
        ("atelectasis", "indeterminate", "40.0%"),
        ("pleural thickening", "absent", "3.1%"),
    ):
        assert any(all(cell in line for cell in cells) for line in text.splitlines())


def test_a_refusal_is_told_in_its_own_words_brackets_and_all() -> None:
    text = told(CT, width=200)
    assert "Refused: no frontal chest radiograph [CT]" in text
    assert "nothing" in text


def test_the_time_of_arrival_counts_from_the_last_instance_stored() -> None:
    assert "+7.2 s" in told(FILM)


def test_a_study_that_is_still_being_read_says_so() -> None:
    assert "nothing yet (reading)" in told(StudyOutcome(CT_UID, "133 CT images", "reading", SENT), width=200)


def test_the_draft_is_never_told_without_saying_that_nobody_verified_it() -> None:
    assert "not verified" in told(FILM)


def test_findings_come_most_probable_first() -> None:
    assert [row.name for row in by_probability(FINDINGS)] == ["effusion", "atelectasis", "pleural_thickening"]
