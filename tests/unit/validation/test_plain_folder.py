"""A folder of one's own DICOM with a CSV file: what a hospital validates on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import dx_film, uid, write
from tests.unit.validation.published_layouts import lines
from validation.datasets.plain_folder import read
from validation.errors import BadDataSet


def film(folder: Path, name: str, **elements: Any) -> Path:
    return write(dx_film(study=name, series=name, **elements), folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two studies of one patient, one of another; a text file; films at different depths."""
    film(tmp_path / "a", "s1", patient_id="P1", PatientAge="057Y", AccessionNumber="A1")
    film(tmp_path / "a" / "deep", "s2", patient_id="P1", AccessionNumber="A2", view="AP")
    film(tmp_path, "s3", patient_id="P2", AccessionNumber="")
    lines(tmp_path / "notes.txt", "hello")
    return tmp_path


def labels(folder: Path, header: str, *rows: str) -> Path:
    return lines(folder / "labels.csv", header, *rows)


def test_studies_are_found_at_any_depth_with_what_their_headers_say(folder: Path) -> None:
    labels(folder, "StudyInstanceUID,effusion,mass", f"{uid('s1')},1,0", f"{uid('s2')},0,", f"{uid('s3')},-1,0")
    found = read(folder)
    first, second, third = (
        next(case for case in found.cases if case.case_id == uid(name)) for name in ("s1", "s2", "s3")
    )
    assert (first.patient, second.patient, third.patient) == ("P1", "P1", "P2")
    assert (first.labels, second.labels, third.labels) == ({"effusion": 1, "mass": 0}, {"effusion": 0}, {"mass": 0})
    assert first.attributes == {"manufacturer": "Test", "sex": "F", "age_years": "57", "view": "PA"}
    assert second.context.view == "AP"
    assert "1 labels left out: uncertain" in found.notes
    assert found.excluded == {"file that is no DICOM image": 1}


def test_rows_without_a_file_and_files_without_a_row_are_counted(folder: Path) -> None:
    labels(folder, "AccessionNumber,effusion", "A1,1", "A9,0", "A8,0")
    assert read(folder).excluded == {
        "file that is no DICOM image": 1,
        "file that no row names": 1,
        "file without AccessionNumber": 1,
        "row that names no file": 2,
    }


def test_the_csv_file_wins_over_the_header(folder: Path) -> None:
    header = "path,patient_id,site,sex,report,in_scope,kind,effusion,effusion_side"
    path = next((folder / "a").glob("*.dcm"))
    labels(folder, header, f"a/{path.name},X7,north,M,Left effusion.,0,hand,1,left")
    case = read(folder).cases[0]
    assert (case.patient, case.attributes["site"], case.context.sex) == ("X7", "north", "M")
    assert (case.report, case.in_scope, case.kind, case.sides) == (
        "Left effusion.",
        False,
        "hand",
        {"effusion": "left"},
    )


def test_readers_are_merged_by_majority_and_a_tie_is_no_label(folder: Path) -> None:
    labels(
        folder,
        "AccessionNumber,reader,effusion,mass",
        *(f"A1,{reader},{effusion},{mass}" for reader, effusion, mass in (("r1", 1, 1), ("r2", 1, 0), ("r3", 0, ""))),
    )
    found = read(folder)
    assert found.cases[0].labels == {"effusion": 1}
    assert "1 labels left out: readers are divided" in found.notes


def test_boxes_are_in_pixels_of_their_image(folder: Path) -> None:
    labels(folder, "StudyInstanceUID,nodule", f"{uid('s1')},1")
    lines(folder / "boxes.csv", "StudyInstanceUID,finding,x,y,w,h", f"{uid('s1')},nodule,10,20,5,6")
    box = read(folder).cases[0].boxes[0]
    assert (box.finding, box.x0, box.y0, box.x1, box.y1) == ("nodule", 10, 20, 15, 26)


def test_a_box_of_a_study_with_two_films_is_refused(folder: Path) -> None:
    write(dx_film(study="s1", series="second", number=2), folder)
    labels(folder, "StudyInstanceUID,nodule", f"{uid('s1')},1")
    lines(folder / "boxes.csv", "StudyInstanceUID,finding,x,y,w,h", f"{uid('s1')},nodule,10,20,5,6")
    with pytest.raises(BadDataSet, match=r"no single image.*boxes\.csv, line 2"):
        read(folder)


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("effusion", "1", "one key column"),
        ("AccessionNumber,path,effusion", "A1,a,1", "one key column"),
        ("AccessionNumber,efusion", "A1,1", "nothing is known of the columns efusion"),
        ("AccessionNumber,effusion", "A1,yes", "neither 1, 0 nor -1"),
        ("AccessionNumber,effusion", "A9,1", "no case is left: .*1 row that names no file"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(folder: Path, header: str, row: str, words: str) -> None:
    labels(folder, header, row)
    with pytest.raises(BadDataSet, match=words):
        read(folder)


def test_no_error_names_a_patient(folder: Path) -> None:
    labels(folder, "AccessionNumber,patient_id,effusion", "A1,Secret^Name,2")
    with pytest.raises(BadDataSet) as error:
        read(folder)
    assert "Secret" not in str(error.value)
    assert "A1" not in str(error.value)
