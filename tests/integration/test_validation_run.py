"""A protocol run on the embedded model and real films: figures agree with a few lines of scikit-learn."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from sklearn.metrics import average_precision_score, roc_auc_score

from medvlm.contract import ModelIdentity
from tests.data import shared_data
from validation.datasets.shared_radiographs import COLUMNS, read
from validation.runner.servers import local_servers

DATA = shared_data()
pytestmark = pytest.mark.skipif(DATA is None, reason="the real films are not at hand")
ILL, WELL = 14, 14


@dataclass(frozen=True)
class Finished:
    out: Path
    labels: list[dict[str, str]]
    status: int
    command: list[str]


def subset(root: Path, folder: Path) -> list[dict[str, str]]:
    """Films with and without an effusion, one a patient, in the layout of the whole."""
    with (root / "cxr" / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test" and row["pixels"] == "128"]
    firsts = list({row["patient"]: row for row in reversed(rows)}.values())
    ill, well = ([row for row in firsts if row["Effusion"] == label] for label in ("1", "0"))
    chosen = ill[:ILL] + well[:WELL]
    (folder / "cxr").mkdir(parents=True)
    with (folder / "cxr" / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, chosen[0])
        writer.writeheader()
        writer.writerows(chosen)
    for name in ("boxes.csv", "nih128-test.zip"):
        (folder / "cxr" / name).symlink_to(root / "cxr" / name)
    return chosen


def protocol(path: Path, model: ModelIdentity, digest: str) -> None:
    document = {
        "schema": "medvlm-protocol/1",
        "id": "subset",
        "purpose": "development",
        "intended_use": "To test the suite.",
        "model": {"weights": model.weights_digest, "profile": model.profile, "calibration": model.calibration},
        "data": [{"name": "films", "adapter": "shared_radiographs", "split": "test", "digest": digest}],
        "tasks": ["detection", "draft", "refusal", "robustness", "faithfulness"],
        "statistics": {"seed": 1, "draws": 200},
        "probing": {
            "cases": 2,
            "robustness_cases": 2,
            "levels": {"rotation": [5]},
            "must_work": {"rotation": [5]},
        },
        "criteria": [
            {
                "id": "priors",
                "metric": "absent_prior_rate",
                "bound": "upper",
                "threshold": 0.4,
                "reason": "no prior is given",
            }
        ],
    }
    path.write_text(yaml.safe_dump(document))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    assert DATA
    folder = tmp_path_factory.mktemp("validation")
    rows = subset(DATA, folder / "data")
    with local_servers(1, (), folder) as (worker,):
        digest = read(folder / "data", unpack_to=folder / "unpacked").digest
        protocol(folder / "protocol.yaml", worker.model.identity, digest)
        url = str(worker.model._url)  # type: ignore[attr-defined]
        validate = [sys.executable, "-m", "validation.cli"]
        subprocess.run([*validate, "lock", str(folder / "protocol.yaml")], check=True, stdout=subprocess.DEVNULL)
        command = [*validate, "run", str(folder / "protocol.yaml"), "--data", f"films={folder / 'data'}"]
        command += ["--out", str(folder / "out"), "--model-url", url, "--workers", "1"]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        assert ended.returncode in {0, 1}, ended.stderr
        yield Finished(folder / "out", rows, ended.returncode, command)


def test_aurocs_agree_with_scikit_learn_on_the_stored_outputs(finished: Finished) -> None:
    said = {}
    for line in (finished.out / "outputs" / "outputs.jsonl").read_text().splitlines():
        output = json.loads(line)
        if output["probe"] == "plain" and output["reading"]["scope"]["kind"] == "in_scope":
            found = {each["name"]: each["probability"] for each in output["reading"]["findings"]}
            said[output["case_id"].removeprefix("films/")] = found
    labelled = [(row, said[row["image"].removesuffix(".png")]) for row in finished.labels if row["image"][:-4] in said]
    results = json.loads((finished.out / "results.json").read_text())
    figures = {(each["metric"], each["finding"], each["subgroup"]): each for each in results["figures"]}
    compared = 0
    for name, columns in COLUMNS.items():
        truth = [int(any(row[column] == "1" for column in columns)) for row, _ in labelled]
        if 0 < sum(truth) < len(truth) and ("auroc", name, "") in figures:
            scores = [found[name] for _, found in labelled]
            assert figures["auroc", name, ""]["value"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-9)
            precision = average_precision_score(truth, scores)
            assert figures["average_precision", name, ""]["value"] == pytest.approx(precision, abs=1e-9)
            compared += 1
    assert compared >= 3


def test_the_drafts_of_the_embedded_model_invent_nothing(finished: Finished) -> None:
    results = json.loads((finished.out / "results.json").read_text())
    figures = {(each["metric"], each["finding"], each["subgroup"]): each for each in results["figures"]}
    for metric in ("absent_prior_rate", "invented_measurement_rate", "contradiction_rate"):
        assert figures[metric, "", ""]["value"] == 0
        assert figures[metric, "", ""]["n"] >= ILL
    assert finished.status == 0
    assert results["criteria"][0]["outcome"] == "met"


def test_report_record_and_scores_lie_in_the_folder_without_a_place_of_this_machine(finished: Finished) -> None:
    names = {path.name for path in finished.out.iterdir() if path.is_file()}
    assert {"results.json", "report.html", "junit.xml", "scores.jsonl"} <= names
    assert str(finished.out.parent) not in (finished.out / "results.json").read_text()
    assert not any((finished.out / "work").iterdir()), "altered films are gone"


def test_a_second_run_asks_nothing_and_gives_the_same_figures(finished: Finished) -> None:
    before = (finished.out / "outputs" / "outputs.jsonl").read_bytes()
    first = json.loads((finished.out / "results.json").read_text())
    subprocess.run(finished.command, check=True, capture_output=True)
    second = json.loads((finished.out / "results.json").read_text())
    assert (finished.out / "outputs" / "outputs.jsonl").read_bytes() == before
    for key in ("figures", "criteria", "curves", "counts", "model", "data"):
        assert first[key] == second[key]


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_run_that_is_killed_leaves_no_server_behind_and_is_resumed_to_the_same_result(
    finished: Finished, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    outputs = out / "outputs" / "outputs.jsonl"
    own = [*finished.command[: finished.command.index("--out")], "--out", str(out), "--workers", "1"]
    run = subprocess.Popen(own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert within(120, lambda: outputs.exists() and outputs.read_bytes().count(b"\n") > 0)
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    finally:
        run.kill()
        run.wait()
    assert children
    assert within(20, lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    stored = outputs.read_bytes().count(b"\n")
    resumed = [str(out) if each == str(finished.out) else each for each in finished.command]
    subprocess.run(resumed, check=True, capture_output=True)
    assert outputs.read_bytes().count(b"\n") > stored
    whole, again = (json.loads((folder / "results.json").read_text()) for folder in (finished.out, out))
    for key in ("figures", "criteria", "curves", "counts"):
        assert whole[key] == again[key]
