"""A run of a protocol: what it refuses to run on, and what its record holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.unit.validation.examined import CRITERIA
from tests.unit.validation.scripted import IDENTITY, ScriptedModel, synthetic_cases
from validation import cli
from validation.cases import Case, DataSet
from validation.disjointness import make_manifest
from validation.disjointness.manifest import write_manifest
from validation.errors import BadDataSet, BadProtocol, NotDisjoint
from validation.protocol import Protocol, lock, read_protocol
from validation.protocol_data import Sources, read_data
from validation.protocol_run import (
    Asked,
    ask_all,
    earlier_results,
    judged_run,
    must_be_locked,
    must_be_the_model,
    write_scores,
)
from validation.results import Run
from validation.runner.execute import Worker
from validation.runner.store import OutputStore

DIGEST = "d" * 64
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def written(folder: Path, **changes: object) -> Path:
    document = {
        "schema": "medvlm-protocol/1",
        "id": "scripted",
        "purpose": "development",
        "intended_use": "To test the suite.",
        "model": {"weights": IDENTITY.weights_digest},
        "data": [{"name": "films", "adapter": "plain_folder", "digest": DIGEST}],
        "exclusions": [{"attribute": "sex", "is": "equal", "value": "F", "reason": "to test exclusions"}],
        "tasks": ["detection", "draft", "refusal"],
        "statistics": {"seed": 7, "draws": 200},
        "criteria": [{**each, "reason": "to test it"} for each in CRITERIA[:3]],
        **changes,
    }
    path = folder / "protocol.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Case, ...]:
    cases = synthetic_cases(tmp_path / "films", 150)
    found = DataSet(name="films", cases=cases, excluded={"no image": 3}, digest=DIGEST, notes=("Made up.",))
    monkeypatch.setattr("validation.protocol_data.read_data_set", lambda *_: found)
    return cases


def complete(protocol: Protocol, out: Path) -> tuple[Run, Asked]:
    data = read_data(protocol, Sources({"films": out}), out)
    with OutputStore(out / "outputs.jsonl") as store:
        asked = ask_all(protocol, data, [Worker(ScriptedModel())], store, out, lambda _done, _found: None)
        write_scores(asked, out / "scores.jsonl")
        return judged_run(protocol, data, asked, NOW, lambda: NOW, ()), asked


def test_what_goes_in_comes_out_examined_or_excluded(films: tuple[Case, ...], tmp_path: Path) -> None:
    run, _ = complete(read_protocol(written(tmp_path)), tmp_path)
    women = sum(case.attributes.get("sex") == "F" for case in films)
    assert run.counts["input"] == len(films) + 3
    assert run.counts["excluded: to test exclusions"] == women
    assert run.counts["examined"] == len(films) - women
    assert run.counts["input"] == run.counts["examined"] + 3 + women
    assert run.counts["refused"] == sum(not case.in_scope for case in films)
    assert "films: Made up." in run.notes


def test_a_run_is_the_same_but_for_its_times(films: tuple[Case, ...], tmp_path: Path) -> None:
    protocol = read_protocol(written(tmp_path))
    first, second = (complete(protocol, tmp_path / name)[0] for name in ("one", "two"))
    assert first.model_dump_json(exclude={"failures"}) == second.model_dump_json(exclude={"failures"})


def test_scores_hold_each_label_that_has_a_probability(films: tuple[Case, ...], tmp_path: Path) -> None:
    run, asked = complete(read_protocol(written(tmp_path)), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    auroc = next(
        each for each in run.figures if (each.metric, each.finding, each.subgroup) == ("auroc", "effusion", "")
    )
    assert len([row for row in rows if row["finding"] == "effusion"]) == auroc.n
    assert len(rows) == 3 * len(asked.examination.in_scope)


def test_the_record_holds_what_is_needed_to_get_it_again(films: tuple[Case, ...], tmp_path: Path) -> None:
    path = written(tmp_path)
    run, _ = complete(lock_and_read(path), tmp_path)
    assert run.model == IDENTITY
    assert run.data == {"films": DIGEST}
    assert run.seed == 7
    assert {"python", "numpy", "scikit-learn"} <= run.versions.keys()
    assert len(run.criteria) == 3


def lock_and_read(path: Path) -> Protocol:
    lock(path, NOW)
    return read_protocol(path)


def test_an_unlocked_protocol_does_not_run(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(BadProtocol, match="not locked"):
        must_be_locked(read_protocol(path), path, NOW)
    must_be_locked(lock_and_read(path), path, NOW)


def test_a_lock_of_the_future_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(BadProtocol, match="younger"):
        must_be_locked(lock_and_read(path), path, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("what", "value"), [("weights_digest", "e" * 64), ("adapter_digest", "f" * 64), ("calibration", "other")]
)
def test_another_model_than_that_of_the_protocol_is_refused(tmp_path: Path, what: str, value: str) -> None:
    protocol = read_protocol(written(tmp_path))
    must_be_the_model(protocol, IDENTITY)
    with pytest.raises(BadProtocol, match="not the one that the protocol names"):
        must_be_the_model(protocol, IDENTITY.model_copy(update={what: value}))


def test_other_data_than_those_of_the_protocol_are_refused(films: tuple[Case, ...], tmp_path: Path) -> None:
    data = [{"name": "films", "adapter": "plain_folder", "digest": "0" * 64}]
    with pytest.raises(BadDataSet, match=DIGEST):
        read_data(read_protocol(written(tmp_path, data=data)), Sources({"films": tmp_path}), tmp_path)


def test_a_folder_that_was_not_given_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BadDataSet, match="--data films=FOLDER"):
        read_data(read_protocol(written(tmp_path)), Sources({}), tmp_path)


def manifest_of(cases: tuple[Case, ...], path: Path) -> str:
    trained = DataSet(name="trained", cases=cases, digest="0" * 64)
    return write_manifest(make_manifest([trained], "scripted", "", "5a" * 16), path)


def with_manifest(digest: str) -> list[dict[str, str]]:
    return [{"name": "films", "adapter": "plain_folder", "digest": DIGEST, "training_manifest": digest}]


def test_patients_that_were_trained_on_stop_the_run_unless_the_protocol_excludes_them(
    films: tuple[Case, ...], tmp_path: Path
) -> None:
    listed = tmp_path / "manifest.json"
    data = with_manifest(manifest_of(films[:1], listed))
    sources = Sources({"films": tmp_path}, (listed,))
    with pytest.raises(NotDisjoint, match="trained_on"):
        read_data(read_protocol(written(tmp_path, data=data, exclusions=[])), sources, tmp_path)
    rule = {"attribute": "trained_on", "is": "equal", "value": "yes", "reason": "trained on"}
    kept = read_data(read_protocol(written(tmp_path, data=data, exclusions=[rule])), sources, tmp_path)
    assert kept.excluded["trained on"] >= 1
    assert "films/film-00000" not in {case.case_id for case in kept.cases}
    assert kept.disjointness["films"]["leaked_patients"] >= 1


def test_a_manifest_that_the_protocol_names_has_to_be_given(films: tuple[Case, ...], tmp_path: Path) -> None:
    protocol = read_protocol(written(tmp_path, data=with_manifest("a" * 64)))
    with pytest.raises(BadDataSet, match="--training-manifest"):
        read_data(protocol, Sources({"films": tmp_path}), tmp_path)


def test_results_of_another_protocol_in_the_folder_are_told(tmp_path: Path) -> None:
    protocol = read_protocol(written(tmp_path))
    assert earlier_results(tmp_path, protocol) == ()
    (tmp_path / "results.json").write_text(json.dumps({"protocol_hash": "0" * 64}))
    assert earlier_results(tmp_path, protocol)[0].startswith("changed after results")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def of(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["medvlm-validate", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return of


def test_lock_prints_the_hash_and_a_second_lock_changes_nothing(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    path = written(tmp_path)
    status, first, _ = command("lock", path)
    locked = path.read_bytes()
    assert (status, command("lock", path)[1], path.read_bytes()) == (0, first, locked)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "protocol.yaml"), "cannot be read"),
        (("run", "protocol.yaml", "--data", "films"), "no NAME=FOLDER"),
        (("run", "readings.jsonl"), "need labels"),
    ],
)
def test_what_cannot_run_ends_with_status_2_and_the_way_out(
    command: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], words: str
) -> None:
    status, _, error = command(*arguments)
    assert status == 2
    assert words in error
