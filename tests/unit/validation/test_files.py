"""Readings and labels: what is taken, and how a bad file is refused: by its line, without a patient in the words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.validation.exports import MODEL, reading, write_labels, write_readings
from validation.datasets.labels import join, read_labels
from validation.datasets.readings import read_readings
from validation.errors import BadLabels, BadReadings

HEADER = ["study_uid", "patient", "effusion", "mass"]


def test_readings_are_joined_to_labels_by_study_uid_in_any_order(tmp_path: Path) -> None:
    readings = write_readings(tmp_path / "r.jsonl", [reading("1.1", {"effusion": 0.1}), reading("1.2", None)])
    labels = write_labels(tmp_path / "l.csv", HEADER, [["1.2", "B", 1, 0], ["1.1", "A", 0, ""]])
    studies = join(read_readings(readings), read_labels(labels))
    assert [(one.reading.study_uid, one.patient) for one in studies] == [("1.2", "B"), ("1.1", "A")]


def test_an_empty_cell_is_not_labelled_which_is_not_absent(tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "l.csv", HEADER, [["1.1", "A", 0, ""]])
    assert read_labels(labels).rows[0].truth == {"effusion": False}


def test_row_is_the_line_of_the_reading_in_its_file(tmp_path: Path) -> None:
    both = [reading("2.25.1", {"effusion": 0.1}), reading("2.25.2", {"effusion": 0.9})]
    readings = write_readings(tmp_path / "r.jsonl", both)
    labels = write_labels(tmp_path / "l.csv", ["row", "patient", "effusion"], [[2, "B", 1]])
    (study,) = join(read_readings(readings), read_labels(labels))
    assert study.reading.study_uid == "2.25.2"


def test_a_file_saved_by_a_spreadsheet_with_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("\ufeffstudy_uid,patient,effusion\r\n1.1,A,1\r\n\r\n", encoding="utf-8")
    assert read_labels(path).rows[0].truth == {"effusion": True}


def test_a_line_separator_inside_a_text_does_not_end_the_reading(tmp_path: Path) -> None:
    refused = reading("1.1", None)
    worded = refused.scope.model_copy(update={"reason": "A hand.\u2028Not a chest."})
    path = write_readings(tmp_path / "r.jsonl", [refused.model_copy(update={"scope": worded})])
    assert len(read_readings(path).lines) == 1


@pytest.mark.parametrize(
    ("lines", "where", "words"),
    [
        ("{}\n", "line 1", "study_uid"),
        ("not json\n", "line 1", "Invalid JSON"),
        ("\n\n", "r.jsonl", "no reading"),
    ],
)
def test_a_damaged_reading_is_named_by_its_line(tmp_path: Path, lines: str, where: str, words: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(lines)
    with pytest.raises(BadReadings) as error:
        read_readings(path)
    assert where in str(error.value)
    assert words in str(error.value)
    assert "medvlm draft --json" in str(error.value)


def test_readings_of_two_models_are_not_validated_as_one(tmp_path: Path) -> None:
    other = MODEL.model_copy(update={"weights_digest": "1" * 64})
    path = write_readings(tmp_path / "r.jsonl", [reading("1.1", None), reading("1.2", None, other)])
    with pytest.raises(BadReadings, match="line 2"):
        read_readings(path)


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", "line 1", "columns"),
        ("study_uid,effusion\n", "line 1", "patient"),
        ("study_uid,row,patient,effusion\n", "line 1", "one of them"),
        ("study_uid,patient\n1.1,A\n", "line 1", "no column is a finding"),
        ("study_uid,patient,efusion\n1.1,A,1\n", "line 1", "'efusion'"),
        ("study_uid,patient,mass,mass\n1.1,A,1,1\n", "line 1", "same name"),
        ("study_uid,patient,effusion\n", "l.csv", "labels no study"),
        ("study_uid,patient,effusion\n1.1,A,1\n1.2,Doe,-1\n", "line 3", "neither 0 nor 1"),
        ("study_uid,patient,effusion\n1.1,A\n", "line 2", "2 columns"),
        ("study_uid,patient,effusion\n1.1,,1\n", "line 2", "empty"),
        ("study_uid,patient,effusion\n1.1,A,1\n1.1,A,0\n", "line 3", "line 2 already"),
        ('study_uid,patient,effusion\n"1.1,A,1\n', "l.csv", "no CSV"),
    ],
)
def test_bad_labels_are_named_by_their_line(tmp_path: Path, text: str, where: str, words: str) -> None:
    path = tmp_path / "l.csv"
    path.write_text(text)
    with pytest.raises(BadLabels) as error:
        read_labels(path)
    assert where in str(error.value)
    assert words in str(error.value)
    assert "Doe" not in str(error.value)


def test_a_labelled_study_that_was_not_read_stops_the_run(tmp_path: Path) -> None:
    readings = write_readings(tmp_path / "r.jsonl", [reading("1.1", None)])
    labels = write_labels(tmp_path / "l.csv", HEADER, [["1.1", "A", 0, 0], ["9.9", "B", 1, 1]])
    with pytest.raises(BadLabels, match="line 3") as error:
        join(read_readings(readings), read_labels(labels))
    assert "9.9" not in str(error.value)


def test_two_readings_of_one_study_cannot_be_joined_by_its_uid(tmp_path: Path) -> None:
    readings = write_readings(tmp_path / "r.jsonl", [reading("1.1", None), reading("1.1", None)])
    labels = write_labels(tmp_path / "l.csv", HEADER, [["1.1", "A", 0, 0]])
    with pytest.raises(BadLabels, match="lines 1 and 2"):
        join(read_readings(readings), read_labels(labels))
