"""`medvlm-validate run` as a user meets it: figures, verdict, exit status, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.unit.validation.exports import Case, cases, write_cases
from validation import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit status, output and error output of the command."""

    def of(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["medvlm-validate", "run", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return of


def criteria(folder: Path, **bounds: float) -> Path:
    path = folder / "criteria.toml"
    path.write_text("[auroc]\n" + "".join(f"{name} = {bound}\n" for name, bound in bounds.items()))
    return path


@pytest.mark.parametrize(
    ("bound", "status", "words"), [(0.6, 0, "1 met"), (0.99, 1, "1 not met"), (0.85, 1, "1 undecided")]
)
def test_the_exit_status_is_0_only_when_the_lower_end_of_the_interval_reaches_the_bound(
    run: Run, tmp_path: Path, bound: float, status: int, words: str
) -> None:
    ended, said, _ = run(*write_cases(tmp_path, cases()), "--criteria", criteria(tmp_path, effusion=bound))
    assert ended == status
    assert said.startswith(f"Criteria: {words}.")


def test_one_criterion_that_is_not_met_is_enough_for_status_1(run: Run, tmp_path: Path) -> None:
    ended, said, _ = run(*write_cases(tmp_path, cases()), "--criteria", criteria(tmp_path, effusion=0.6, mass=0.6))
    assert ended == 1
    assert "Mass, AUROC at least 0.60: undecided (the labels have no such column)" in said


def test_without_criteria_there_are_figures_and_no_verdict(run: Run, tmp_path: Path) -> None:
    ended, said, _ = run(*write_cases(tmp_path, cases()))
    assert ended == 0
    assert said.startswith("No verdict")
    row = next(line for line in said.splitlines() if "effusion" in line)
    assert row.split()[-6:-4] == ["100", "40"]


def test_the_figures_are_those_of_scikit_learn(run: Run, tmp_path: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    chosen = cases()
    _, said, _ = run(*write_cases(tmp_path, chosen), "--json")
    finding = json.loads(said)["findings"][0]
    area = metrics.roc_auc_score([int(c.truth) for c in chosen], [c.probability for c in chosen])
    assert finding["auroc"]["value"] == pytest.approx(area)
    assert finding["auroc"]["low"] < area < finding["auroc"]["high"]


def test_the_same_files_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    files = write_cases(tmp_path, cases())
    assert run(*files, "--json") == run(*files, "--json")


@pytest.mark.parametrize(("label", "words"), [("0", "no scored study has the finding"), ("1", "every scored study")])
def test_labels_of_one_class_only_are_undecided_and_say_why(run: Run, tmp_path: Path, label: str, words: str) -> None:
    chosen = [Case(c.study, c.patient, label, c.probability) for c in cases()]
    ended, said, _ = run(*write_cases(tmp_path, chosen), "--criteria", criteria(tmp_path, effusion=0.6))
    assert ended == 1
    assert f"undecided ({words}" in said


def test_nine_positives_that_are_told_apart_well_carry_no_verdict(run: Run, tmp_path: Path) -> None:
    files = write_cases(tmp_path, cases(positives=9, negatives=60, shift=3))
    ended, said, _ = run(*files, "--criteria", criteria(tmp_path, effusion=0.6))
    assert ended == 1
    assert "9 positives: fewer than 10" in said


def test_many_films_of_few_patients_carry_no_verdict(run: Run, tmp_path: Path) -> None:
    chosen = [Case(c.study, f"P{k % 19}", c.truth, c.probability) for k, c in enumerate(cases())]
    ended, said, _ = run(*write_cases(tmp_path, chosen), "--criteria", criteria(tmp_path, effusion=0.6))
    assert ended == 1
    assert "19 patients: fewer than 20" in said


def test_scores_without_any_error_are_undecided_because_resampling_shows_no_spread(run: Run, tmp_path: Path) -> None:
    chosen = [Case(c.study, c.patient, c.truth, 0.9 if c.truth == "1" else 0.1) for c in cases()]
    ended, said, _ = run(*write_cases(tmp_path, chosen), "--criteria", criteria(tmp_path, effusion=0.6))
    assert ended == 1
    assert "every draw gave the same AUROC" in said


def test_refused_studies_are_counted_with_those_that_have_the_finding(run: Run, tmp_path: Path) -> None:
    chosen = [Case(c.study, c.patient, c.truth, None if k % 10 == 0 else c.probability) for k, c in enumerate(cases())]
    _, said, _ = run(*write_cases(tmp_path, chosen), "--json")
    result = json.loads(said)
    finding = result["findings"][0]
    assert result["refused"] == 10
    assert (finding["scored"], finding["positives"]) == (90, 36)
    assert (finding["refused"], finding["refused_positives"]) == (10, 4)


def test_the_result_names_the_model_the_files_by_digest_and_the_seed(run: Run, tmp_path: Path) -> None:
    _, said, _ = run(*write_cases(tmp_path, cases()), "--criteria", criteria(tmp_path, effusion=0.6), "--json")
    result = json.loads(said)
    assert result["model"]["name"] == "invented"
    assert [one["name"] for one in result["inputs"]] == ["readings.jsonl", "labels.csv", "criteria.toml"]
    assert all(len(one["sha256"]) == 64 for one in result["inputs"])
    assert result["resampling"] == {"draws": 2000, "level": 0.95, "seed": 20261123}
    assert result["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[auroc]\neffusion = 1.2\n", "auroc.effusion"),
        ("[auroc]\nefusion = 0.8\n", "auroc.efusion"),
        ("[auroc]\n", "auroc"),
        ("[f1]\neffusion = 0.8\n", "auroc"),
        ("[auroc\n", "criteria.toml"),
    ],
)
def test_bad_criteria_end_with_status_2_and_name_the_key(run: Run, tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "criteria.toml"
    path.write_text(text)
    ended, said, complaint = run(*write_cases(tmp_path, cases()), "--criteria", path)
    assert (ended, said) == (2, "")
    assert "criteria.toml" in complaint
    assert key in complaint


def test_with_json_an_error_is_json_too(run: Run, tmp_path: Path) -> None:
    ended, said, complaint = run(tmp_path / "absent.jsonl", tmp_path / "labels.csv", "--json")
    assert ended == 2
    assert json.loads(said)["error"] == "bad_readings"
    assert "absent.jsonl" in complaint


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_loads_neither_tensors_nor_numpy(arguments: Sequence[str]) -> None:
    program = (
        "import sys, validation.cli as cli\n"
        f"sys.argv = ['medvlm-validate', *{list(arguments)!r}]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'monai', 'transformers', 'numpy') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
