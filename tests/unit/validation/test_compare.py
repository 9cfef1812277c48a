"""Two runs compared: nothing differs from itself, a planted loss is found, and unlike data are refused."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from tests.unit.validation.runs import run, sample
from validation.compare import Score, compare, compare_runs, read_scores
from validation.errors import NotComparable
from validation.report.commands import add_to
from validation.report.comparison import comparison_html, show, verdict
from validation.report.writing import record
from validation.results import Run
from validation.statistics.delong import compare_areas

STUDIES = 240
FINDINGS = ("effusion", "edema")


def scores(noise: float = 0.0, leave: int = 0) -> list[Score]:
    made = []
    for finding in FINDINGS:
        truth, probability = sample(finding, STUDIES)
        logit = np.log(probability / (1 - probability)) + noise * np.random.default_rng(1).normal(size=STUDIES)
        for k in range(STUDIES - leave):
            chance = float(1 / (1 + np.exp(-logit[k]))) if noise else float(probability[k])
            said = {"task": "detection", "finding": finding, "case_id": f"c{k}", "patient": f"p{k // 2}"}
            made.append(Score.model_validate(said | {"truth": int(truth[k]), "probability": chance}))
    return made


def folder(path: Path, made: Run, told: list[Score]) -> Path:
    path.mkdir()
    (path / "results.json").write_text(record(made))
    (path / "scores.jsonl").write_text("".join(each.model_dump_json() + "\n" for each in told))
    return path


def test_a_run_compared_with_itself_shows_zero_differences() -> None:
    found = compare(run(), run(), scores(), scores())
    assert [d.finding for d in found.differences] == [*FINDINGS, *FINDINGS]
    assert all((d.value, d.low, d.high) == (0, 0, 0) for d in found.differences)
    assert all(d.adjusted == 1 for d in found.differences if d.metric == "auroc")
    assert found.scored_once == 0
    assert not found.worse
    assert all(each.asked_the_same and not each.worse for each in found.criteria)


def test_a_planted_loss_is_found_and_named() -> None:
    found = compare(run(), run(), scores(), scores(noise=4.0))
    assert found.worse
    assert {d.metric for d in found.differences if d.worse} == {"auroc", "brier"}
    assert "AUROC of pleural effusion" in verdict(found)


def test_the_other_way_round_it_is_a_gain_and_no_loss() -> None:
    found = compare(run(), run(), scores(noise=4.0), scores())
    assert not found.worse
    assert all((d.value or 0) > 0 for d in found.differences if d.metric == "auroc")


def test_the_areas_are_compared_as_pairs_with_patients_as_clusters() -> None:
    a, b = scores(), scores(noise=1.0)
    found = next(d for d in compare(run(), run(), a, b).differences if d.finding == "effusion")
    mine = [(x, y) for x, y in zip(a, b, strict=True) if x.finding == "effusion"]
    truth, old, new = (np.array(each) for each in zip(*((x.truth == 1, x.probability, y.probability) for x, y in mine)))  # noqa: B905
    expected = compare_areas(truth, new, old, [x.patient for x, _ in mine])
    assert (found.value, found.low, found.p) == (expected.difference.value, expected.difference.low, expected.p)
    assert found.patients == STUDIES // 2


def test_studies_that_one_model_alone_scored_are_left_out_and_counted() -> None:
    found = compare(run(), run(), scores(), scores(leave=7))
    assert {d.n for d in found.differences} == {STUDIES - 7}
    assert found.scored_once == 14


def test_a_criterion_that_falls_is_worse_and_one_that_asks_otherwise_is_not_compared() -> None:
    old, new = run(), run()
    fallen = new.criteria[0].model_copy(update={"outcome": "undecided"})
    moved = new.criteria[3].model_copy(update={"threshold": 0.99, "outcome": "not met"})
    new = new.model_copy(update={"criteria": (fallen, *new.criteria[1:3], moved)})
    changes = {each.id: each for each in compare(old, new, scores(), scores()).criteria}
    assert changes["discrimination.effusion"].worse
    assert not changes["mirror"].asked_the_same
    assert not changes["mirror"].worse
    assert changes["prior"].second is None


def test_runs_on_different_data_are_refused(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", run(), scores())
    b = folder(tmp_path / "b", run(data={"site-2026q3": "d" * 64}), scores())
    with pytest.raises(NotComparable, match="different data"):
        compare_runs(a, b)


def test_a_study_with_another_label_is_refused() -> None:
    told = scores()
    told[3] = told[3].model_copy(update={"truth": 1 - told[3].truth})
    with pytest.raises(NotComparable, match="another label"):
        compare(run(), run(), scores(), told)


def test_damaged_scores_name_the_line_and_no_value(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_text(scores()[0].model_dump_json() + '\n{"patient": "a name"}\n')
    with pytest.raises(NotComparable, match="line 2") as caught:
        read_scores(file)
    assert "a name" not in str(caught.value)
    with pytest.raises(NotComparable, match="cannot be read"):
        read_scores(tmp_path / "none.jsonl")


def test_the_page_and_the_shell_tell_the_same() -> None:
    found = compare(run(), run(), scores(), scores(noise=4.0))
    written = StringIO()
    show(Console(file=written, width=160), found)
    page = comparison_html(found)
    assert verdict(found) in written.getvalue()
    assert verdict(found) in page
    for each in found.differences:
        assert f'value="{each.value}"' in page
    assert "<script" not in page


def test_the_command_exits_0_where_nothing_is_worse_and_1_where_something_is(tmp_path: Path) -> None:
    app = typer.Typer()
    add_to(app)
    a, b = folder(tmp_path / "a", run(), scores()), folder(tmp_path / "b", run(), scores(noise=4.0))
    same = CliRunner().invoke(app, ["compare", str(a), str(a), "--json"])
    assert (same.exit_code, json.loads(same.stdout)["schema_version"]) == (0, "medvlm-comparison/1")
    assert CliRunner().invoke(app, ["compare", str(a), str(b), "-o", str(tmp_path / "out")]).exit_code == 1
    assert {each.name for each in (tmp_path / "out").iterdir()} == {"comparison.html", "comparison.json"}


def test_the_report_command_writes_the_files_anew_and_its_status_is_the_runs(tmp_path: Path) -> None:
    app = typer.Typer()
    add_to(app)
    a = folder(tmp_path / "a", run(), [])
    made = CliRunner().invoke(app, ["report", str(a), "-o", str(tmp_path / "out")])
    assert made.exit_code == 1
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
