"""The commands that need no model, as a person at a terminal meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from tests.unit.validation.published_layouts import lines
from tests.unit.validation.test_reader_study import HEADER, table
from validation.cases import Case, DataSet
from validation.commands import add_to
from validation.commands.data_set import described
from validation.disjointness import read_manifest
from validation.errors import BadDataSet, BadPlan

VAN_DYKE = (
    "--interaction 0.00020039 --variance 0.00080229 --same-reader 0.00034661 --same-modality 0.00034407 "
    "--neither 0.00023903 --pilot-cases 114"
)


def run(*arguments: object) -> Result:
    app = typer.Typer()
    add_to(app)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def said(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_reader_study_gives_the_difference_for_other_readers_and_other_cases_first(tmp_path: Path) -> None:
    found = json.loads(said("reader-study", lines(tmp_path / "study.csv", HEADER, *table()), "--json"))
    assert (found["modalities"], found["readers"], found["cases"]) == (["alone", "helped"], ["r1", "r2", "r3"], 30)
    first = found["tests"][0]
    assert first["inference"] == "random readers and cases"
    contrast = first["contrasts"][0]
    means = np.mean(found["areas"], axis=1)
    assert contrast["difference"]["value"] == pytest.approx(means[0] - means[1])
    assert contrast["difference"]["high"] < 0
    # With fixed readers the degrees of freedom are infinite, which JSON has no number for.
    assert found["tests"][1]["contrasts"][0]["df"] is None


def test_the_table_names_readers_modalities_and_what_each_test_holds_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    text = said("reader-study", lines(tmp_path / "study.csv", HEADER, *table()))
    for words in (
        "3 readers, 30 cases, 15 positive",
        "r1",
        "helped",
        "alone − helped",
        "other readers and other cases",
    ):
        assert words in text


def test_a_pilot_can_be_planned_on_by_what_its_analysis_prints(tmp_path: Path) -> None:
    text = said("reader-study", lines(tmp_path / "study.csv", HEADER, *table()))
    options = next(line for line in text.splitlines() if "--interaction" in line).partition("--")
    plan = json.loads(said("sample-size", "reader-study", 0.1, 4, 8, *f"--{options[2]}".split(), "--json"))
    four, eight = (row["cases"] for row in plan["plans"])
    assert four is None or four > eight


def test_one_modality_alone_has_intervals_and_no_test(tmp_path: Path) -> None:
    rows = [row for row in table() if ",alone," in row]
    found = json.loads(said("reader-study", lines(tmp_path / "study.csv", HEADER, *rows), "--json"))
    assert found["tests"] == []
    assert found["components"]["same_reader"] is None
    area = found["single"][0]["area"]
    assert area["low"] < area["value"] < area["high"]


def test_patients_with_several_cases_are_counted(tmp_path: Path) -> None:
    rows = [f"{row},p{int(row.split(',')[2][1:]) // 3}" for row in table()]
    found = json.loads(said("reader-study", lines(tmp_path / "study.csv", f"{HEADER},patient", *rows), "--json"))
    assert found["patients"] == 10


@pytest.mark.parametrize(
    ("arguments", "positives", "studies"),
    [
        ("width 0.9 0.05 --prevalence 0.2", 139, 695),
        ("criterion 0.92 0.85", 124, None),
        ("criterion 0.92 0.85 --power 0.9", 172, None),
        ("auroc 0.8", 17, 34),
        ("auroc 0.8 --prevalence 0.5", 17, 34),
        ("width 0.9 0.05 --images-per-patient 3 --within-patient 0.5", 278, None),
    ],
)
def test_the_calculators_give_the_published_numbers(arguments: str, positives: int, studies: int | None) -> None:
    found = json.loads(said("sample-size", *arguments.split(), "--json"))
    assert (found["positives"], found["studies"]) == (positives, studies)


def test_a_reader_study_is_planned_as_published() -> None:
    found = json.loads(said("sample-size", "reader-study", 0.05, 4, 5, 6, 8, *VAN_DYKE.split(), "--json"))
    assert [row["cases"] for row in found["plans"]] == pytest.approx([361, 213, 170, 134], abs=1)


def test_a_plan_is_said_in_positives_first() -> None:
    text = said("sample-size", "criterion", 0.92, 0.85, "--prevalence", 0.1)
    assert text.startswith("124 positives are needed for each finding")
    assert "1240 studies" in text


@pytest.mark.parametrize(
    "arguments", ["criterion 0.8 0.85", "auroc 0.8 --against 0.85", "noninferior-auroc 0.9 0.8 0.05 --correlation 0.5"]
)
def test_a_question_that_no_number_answers_is_an_error(arguments: str) -> None:
    assert isinstance(run("sample-size", *arguments.split()).exception, BadPlan)


def test_noninferiority_needs_fewer_where_the_models_agree() -> None:
    few, many = (
        json.loads(said("sample-size", "noninferior-auroc", 0.85, 0.85, 0.05, "--correlation", each, "--json"))
        for each in (0.8, 0.2)
    )
    assert few["positives"] < many["positives"]


def test_a_manifest_is_made_of_a_folder_and_its_digest_is_said(tmp_path: Path) -> None:
    # The layout of NIH ChestX-ray14, with images that can be looked at.
    from tests.unit.validation.published_layouts import nih

    root = nih(tmp_path / "nih")
    rng = np.random.default_rng(1)
    for path in root.rglob("*.png"):
        Image.fromarray(rng.integers(0, 255, (64, 64)).astype(np.uint8)).save(path)
    text = said("manifest", root, "--adapter", "nih_chest_xray14", "-o", tmp_path / "manifest.json")
    digest = text.splitlines()[-1].removeprefix("training_manifest: ")
    made = read_manifest(tmp_path / "manifest.json", digest)
    assert made.source == "nih_chest_xray14"
    assert len(made.patients) == len(made.images) > 0


def test_an_option_of_the_adapter_that_is_none_is_an_error(tmp_path: Path) -> None:
    result = run("manifest", tmp_path, "--adapter", "nih_chest_xray14", "-o", tmp_path / "m.json", "--option", "split")
    assert isinstance(result.exception, BadDataSet)
    assert "--option" in str(result.exception)


def test_a_look_at_data_says_what_is_left_out_and_the_digest_that_a_protocol_names() -> None:
    labels: dict[str, Literal[0, 1]] = {"effusion": 1, "mass": 0}
    case = Case(case_id="1", patient="p", images=(Path("a.dcm"),), labels=labels)
    found = DataSet(name="ours", cases=(case,), excluded={"no label": 2}, digest="d" * 64)
    assert described(found) == [
        "1 cases of 1 patients",
        "  effusion: 1 of 1 labelled are positive",
        "  mass: 0 of 1 labelled are positive",
        "  left out: 2 (no label)",
        f"digest: {'d' * 64}",
    ]
