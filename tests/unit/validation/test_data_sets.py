"""Each adapter on a small data set in the published layout: labels, patients, and what is left out, with its reason."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.unit.validation import published_layouts as layouts
from validation.cases import Case, DataSet
from validation.datasets import chexpert, mimic_cxr, nih_chest_xray14, open_i, padchest, slake, vindr_cxr, vqa_rad
from validation.datasets.adapters import read_data_set
from validation.datasets.padchest import terms_of
from validation.errors import BadDataSet


def case_of(found: DataSet, name: str) -> Case:
    return next(case for case in found.cases if case.case_id == name)


def test_nih_reads_headers_that_are_cut_at_their_commas(tmp_path: Path) -> None:
    found = nih_chest_xray14.read(layouts.nih(tmp_path))
    case = case_of(found, "00000001_000.png")
    assert {name for name, value in case.labels.items() if value} == {"cardiomegaly", "effusion", "abnormality"}
    assert len(case.labels) == 15
    box = case.boxes[0]
    assert (box.finding, box.x0, box.y0, box.x1, box.y1) == ("cardiomegaly", 100.5, 200, 400.5, 350)
    assert (case.patient, case.attributes) == ("1", {"sex": "M", "age_years": "57", "view": "PA"})
    assert found.excluded == {"image is not on this disk": 1, "in another split": 1}


def test_nih_takes_no_age_that_nobody_has_and_no_finding_for_no_abnormality(tmp_path: Path) -> None:
    case = case_of(nih_chest_xray14.read(layouts.nih(tmp_path)), "00000002_000.png")
    assert case.context.age_years is None
    assert set(case.labels.values()) == {0}


def test_nih_knows_that_infiltrate_and_infiltration_are_the_same(tmp_path: Path) -> None:
    case = nih_chest_xray14.read(layouts.nih(tmp_path), split="train").cases[0]
    assert (case.labels["infiltration"], case.boxes[0].finding, case.context.age_years) == (1, "infiltration", 31)


def test_nih_reads_the_newer_name_of_the_sex(tmp_path: Path) -> None:
    path = layouts.nih(tmp_path) / "Data_Entry_2017_v2020.csv"
    path.write_text(path.read_text().replace("Patient Gender", "Patient Sex"))
    assert nih_chest_xray14.read(tmp_path).cases[0].context.sex == "M"


def test_chexpert_finds_images_whatever_the_release_called_the_folder(tmp_path: Path) -> None:
    found = chexpert.read(layouts.chexpert(tmp_path))
    assert [case.case_id for case in found.cases] == ["patient1/study1", "patient2/study1"]
    assert found.excluded == {"image is not on this disk": 1, "lateral view": 1}
    assert len(chexpert.read(tmp_path, views="all").cases[0].images) == 2


def test_chexpert_does_not_take_a_blank_for_a_negative_nor_an_uncertain_for_anything(tmp_path: Path) -> None:
    found = chexpert.read(layouts.chexpert(tmp_path))
    ill, well = found.cases
    assert ill.labels == {"cardiomegaly": 1, "atelectasis": 0, "effusion": 1, "abnormality": 1}
    assert well.labels == {"pneumothorax": 0, "abnormality": 0}
    assert "1 labels left out: uncertain" in found.notes
    assert (well.context.age_years, well.context.sex) == (None, "")


def test_mimic_orders_studies_by_time_and_gives_the_prior(tmp_path: Path) -> None:
    found = mimic_cxr.read(layouts.mimic(tmp_path))
    later, earlier = case_of(found, "s50000001"), case_of(found, "s59999999")
    assert earlier.prior is None
    assert later.prior == earlier.images
    assert later.prior_report == "FINDINGS: Left effusion."
    assert (earlier.labels, later.labels) == ({"effusion": 1, "abnormality": 1}, {"effusion": 0})
    assert (later.patient, later.report) == ("10000001", "FINDINGS: No effusion.")
    assert found.excluded == {"image is not on this disk": 1, "no frontal view": 1}


def test_mimic_reads_the_hand_read_labels_with_their_own_name_for_opacity(tmp_path: Path) -> None:
    found = mimic_cxr.read(layouts.mimic(tmp_path), reference="radiologist")
    assert [(case.case_id, case.labels) for case in found.cases] == [
        ("s59999999", {"airspace_opacity": 1, "abnormality": 1})
    ]
    assert found.excluded["study without labels"] == 1
    assert any("reports, not images" in note for note in found.notes)


def test_vindr_takes_the_majority_of_three_and_says_neither_nodule_nor_mass(tmp_path: Path) -> None:
    found = vindr_cxr.read(layouts.vindr(tmp_path), split="train")
    ill, well = found.cases
    assert {name for name, value in ill.labels.items() if value} == {"cardiomegaly", "abnormality"}
    assert "nodule" not in ill.labels
    assert well.labels["nodule"] == well.labels["mass"] == well.labels["abnormality"] == 0
    assert [box.finding for box in ill.boxes] == ["cardiomegaly"]
    assert any("each image counts as a patient" in note for note in found.notes)


def test_vindr_reads_the_test_set_whose_column_is_called_otherwise(tmp_path: Path) -> None:
    found = vindr_cxr.read(layouts.vindr(tmp_path))
    assert [case.case_id for case in found.cases] == ["c3"]
    assert found.cases[0].boxes[0].x0 == 5.5
    assert found.excluded == {"image is not on this disk": 1}


def test_padchest_keeps_what_a_physician_labelled_and_counts_the_rest(tmp_path: Path) -> None:
    found = padchest.read(layouts.padchest(tmp_path))
    ill, well = found.cases
    assert {name for name, value in ill.labels.items() if value} == {"effusion", "cardiomegaly", "abnormality"}
    assert set(well.labels.values()) == {0}
    assert (ill.context.age_years, ill.attributes["manufacturer"], len(ill.images)) == (84, "Example", 1)
    assert found.excluded == {
        "image is not on this disk": 1,
        "labelled 'exclude'": 1,
        "labelled 'unchanged'": 1,
        "no frontal view": 1,
        "no label list": 2,
        "not labelled by a physician": 1,
    }


def test_a_label_list_is_read_and_never_run() -> None:
    assert terms_of("['a ', '', 'b']") == {"a", "b"}
    assert [terms_of(text) for text in ("", "nan", "[1]", "__import__('os')", "['']")] == [None] * 5


def test_open_i_reads_labels_and_sides_from_the_index_terms(tmp_path: Path) -> None:
    found = open_i.read(layouts.open_i(tmp_path))
    ill, well = found.cases
    present = {name for name, value in ill.labels.items() if value}
    assert present == {"effusion", "cardiomegaly", "pleural_thickening", "abnormality"}
    assert ill.sides == {"effusion": "left", "pleural_thickening": "right"}
    assert ill.report == "FINDINGS: There are no XXXX of edema."
    assert len(ill.images) == 2
    assert set(well.labels.values()) == {0}
    assert found.excluded == {
        "image is not on this disk": 1,
        "report without an image": 1,
        "report without index terms": 1,
    }


def test_open_i_refuses_a_file_that_declares_entities(tmp_path: Path) -> None:
    layouts.put(layouts.open_i(tmp_path) / "ecgen-radiology" / "9.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(BadDataSet, match=r"9\.xml"):
        open_i.read(tmp_path)


def test_vqa_rad_keeps_the_questions_of_an_image_together(tmp_path: Path) -> None:
    found = vqa_rad.read(layouts.vqa_rad(tmp_path), split="all")
    first = case_of(found, "synpic1.jpg")
    assert [(each.id, each.answer, each.kind) for each in first.questions] == [
        ("1", "2", "open"),
        ("2", "Yes", "closed"),
    ]
    assert found.excluded == {"image is not on this disk": 1, "no question or no answer": 1, "not of chest": 1}


def test_vqa_rad_splits_by_image_unless_told_otherwise(tmp_path: Path) -> None:
    layouts.vqa_rad(tmp_path)
    official = vqa_rad.read(tmp_path, split="official_test")
    assert sum(len(case.questions) for case in official.cases) == 2
    names = [f"synpic{k}.jpg" for k in range(1000)]
    assert 150 < sum(map(vqa_rad.held_out, names)) < 250


def test_slake_reads_one_language_and_can_keep_what_has_to_be_refused(tmp_path: Path) -> None:
    found = slake.read(layouts.slake(tmp_path))
    assert [(each.id, each.kind) for each in found.cases[0].questions] == [("1", "closed"), ("2", "open")]
    assert found.excluded == {
        "image is not on this disk": 1,
        "in another language": 1,
        "no chest X-ray": 1,
        "no question or no answer": 1,
    }
    other = case_of(slake.read(tmp_path, others=True), "xmlab2")
    assert (other.in_scope, other.kind) == (False, "Abdomen CT")
    assert len(slake.read(tmp_path, split="validate").cases) == 1


SETS: dict[str, tuple[Callable[[Path], Path], Callable[..., DataSet], dict[str, Any], int]] = {
    "nih": (layouts.nih, nih_chest_xray14.read, {"split": "all"}, 4),
    "chexpert": (layouts.chexpert, chexpert.read, {"views": "all"}, 4),
    "mimic": (layouts.mimic, mimic_cxr.read, {"views": "all"}, 4),
    "vindr train": (layouts.vindr, vindr_cxr.read, {"split": "train"}, 6),
    "padchest": (layouts.padchest, padchest.read, {}, 9),
    "vqa_rad": (layouts.vqa_rad, vqa_rad.read, {"split": "all"}, 6),
    "slake": (layouts.slake, slake.read, {}, 6),
}


@pytest.mark.parametrize("name", SETS)
def test_what_is_kept_and_what_is_left_out_sum_to_the_rows_of_the_table(tmp_path: Path, name: str) -> None:
    make, read, options, total = SETS[name]
    found = read(make(tmp_path), **options)
    kept = sum(len(case.questions) or len(case.images) for case in found.cases)
    assert kept + sum(found.excluded.values()) == total


@pytest.mark.parametrize("name", SETS)
def test_the_digest_is_of_the_labels_and_the_images_and_not_of_the_place(tmp_path: Path, name: str) -> None:
    make, read, options, _ = SETS[name]
    here, there = make(tmp_path / "a"), tmp_path / "elsewhere"
    shutil.copytree(here, there)
    before = read(here, **options)
    assert read(there, **options).digest == before.digest
    before.cases[0].images[0].write_bytes(b"another image")
    assert read(here, **options).digest != before.digest


@pytest.mark.parametrize("name", SETS)
def test_an_empty_folder_is_told_by_the_file_that_is_missing(tmp_path: Path, name: str) -> None:
    _, read, options, _ = SETS[name]
    with pytest.raises(BadDataSet, match="published"):
        read(tmp_path, **options)


def test_tables_may_be_gzipped_as_they_are_published(tmp_path: Path) -> None:
    plain = mimic_cxr.read(layouts.mimic(tmp_path))
    for path in tmp_path.glob("*.csv"):
        with gzip.open(f"{path}.gz", "wb") as file:
            file.write(path.read_bytes())
        path.unlink()
    assert mimic_cxr.read(tmp_path).digest == plain.digest


def test_a_table_without_its_columns_is_named(tmp_path: Path) -> None:
    layouts.lines(layouts.chexpert(tmp_path) / "valid.csv", "Path,Sex", "a,b")
    with pytest.raises(BadDataSet, match=r"lacks the columns Age.*valid\.csv"):
        chexpert.read(tmp_path)


def test_an_adapter_or_an_option_that_does_not_exist_is_told_what_exists(tmp_path: Path) -> None:
    with pytest.raises(BadDataSet, match="Known: chexpert"):
        read_data_set("imagenet", tmp_path, {}, tmp_path)
    with pytest.raises(BadDataSet, match="Options of slake: language, others, split"):
        read_data_set("slake", tmp_path, {"colour": "red"}, tmp_path)
    assert len(read_data_set("slake", layouts.slake(tmp_path), {"split": "test"}, tmp_path).cases) == 1


def torchxrayvision_file(name: str) -> Path:
    """Metadata of a real set, where the package that ships it is installed."""
    found = find_spec("torchxrayvision")
    if found is None or found.origin is None:
        pytest.skip("the package that ships real metadata is not installed")
    return Path(found.origin).parent / "data" / name


def test_real_rows_of_padchest_are_all_kept_or_left_out(tmp_path: Path) -> None:
    name = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"
    (tmp_path / name).symlink_to(torchxrayvision_file(name))
    with pytest.raises(BadDataSet, match=r"121808 not labelled by a physician"):
        padchest.read(tmp_path)
