"""The protocol: locked before results, strict about what a criterion may be, and judged by the bound."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from validation.errors import BadProtocol
from validation.protocol import Criterion, Exclusion, Protocol, lock, protocol_hash, read_protocol, verdicts
from validation.results import Figure

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
DIGEST = "ab" * 32


def document(**changes: Any) -> dict[str, Any]:
    return {
        "schema": "medvlm-protocol/1",
        "id": "cxr-2026-01",
        "purpose": "go-live",
        "intended_use": "Frontal chest radiographs of adults.",
        "model": {"weights": DIGEST},
        "data": [{"name": "own", "adapter": "plain_folder", "digest": DIGEST}],
        "exclusions": [{"attribute": "age_years", "is": "below", "value": 18, "reason": "outside intended use"}],
        "tasks": ["detection"],
        "statistics": {"seed": 1},
        "criteria": [criterion()],
        "sample_size": {"effusion": {"positives": 124, "assumed": 0.92, "power": 0.8, "method": "wilson"}},
        **changes,
    }


def criterion(**changes: Any) -> dict[str, Any]:
    base = {"id": "effusion", "metric": "auroc", "finding": "effusion", "bound": "lower", "threshold": 0.8}
    return {**base, "reason": "agreed with the department", **changes}


def difference(**changes: Any) -> dict[str, Any]:
    return criterion(metric="auroc_difference", threshold=None, **{"margin": 0.02, "against": DIGEST, **changes})


def write(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def figure(**changes: Any) -> Figure:
    base = {"metric": "auroc", "task": "detection", "finding": "effusion", "value": 0.9, "low": 0.85, "high": 0.95}
    return Figure.model_validate({**base, "n": 400, "positives": 100, "patients": 300, **changes})


def judged(given: dict[str, Any], *figures: Figure, **changes: Any):  # type: ignore[no-untyped-def]
    protocol = Protocol.model_validate(document(criteria=[given], sample_size={}, **changes))
    return verdicts(protocol, figures)[0]


def test_order_and_comments_do_not_change_the_hash_and_any_value_does(tmp_path: Path) -> None:
    first = read_protocol(write(tmp_path / "a.yaml", document()))
    shuffled = list(document().items())
    random.Random(3).shuffle(shuffled)
    path = write(tmp_path / "b.yaml", dict(shuffled))
    path.write_text("# why\n" + path.read_text())
    assert protocol_hash(read_protocol(path)) == protocol_hash(first)
    for changed in (
        document(purpose="quarterly"),
        document(criteria=[criterion(threshold=0.81)]),
        document(statistics={"seed": 2}),
        document(exclusions=[]),
    ):
        assert protocol_hash(Protocol.model_validate(changed)) != protocol_hash(first)


def test_the_hash_can_be_computed_again_from_the_document_of_a_result() -> None:
    protocol = Protocol.model_validate(document())
    stored = json.loads(json.dumps(protocol.model_dump(mode="json", by_alias=True)))
    assert protocol_hash(Protocol.model_validate(stored)) == protocol_hash(protocol)


def test_locking_keeps_the_comments_and_a_locked_protocol_can_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", document())
    path.write_text("# agreed in January\n" + path.read_text())
    locked = lock(path, NOW)
    again = read_protocol(path)
    assert again == locked
    assert again.lock
    assert again.lock.locked == NOW
    assert path.read_text().startswith("# agreed in January")
    assert [each.name for each in tmp_path.iterdir()] == ["p.yaml"]


def test_locking_twice_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", document())
    lock(path, NOW)
    before = path.read_bytes()
    lock(path, datetime(2027, 1, 1, tzinfo=UTC))
    assert path.read_bytes() == before


def test_a_protocol_changed_after_its_lock_is_refused_and_told_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", document())
    lock(path, NOW)
    path.write_text(path.read_text().replace("threshold: 0.8", "threshold: 0.7"))
    with pytest.raises(BadProtocol, match=r"changed since it was locked.*new id.*replaces"):
        read_protocol(path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (criterion(metric="bleu"), "text metric"),
        (criterion(metric="radgraph_f1", finding=""), "text metric"),
        (criterion(metric="goodness"), "no metric is called"),
        (criterion(bound="upper"), "lower bound"),
        (criterion(finding="efusion"), "no finding is called"),
        (criterion(finding=""), "needs a finding"),
        (criterion(metric="sensitivity"), "needs operating point"),
        (criterion(at=0.3), "has no operating point"),
        (criterion(threshold=None), "needs a threshold"),
        (difference(margin=None), "needs a margin"),
        (difference(against=""), "needs run to stand against"),
        (difference(margin=0.0), "greater than 0"),
        (criterion(reason=" "), "at least 1 character"),
        (criterion(treshold=0.8), "Extra inputs"),
    ],
)
def test_a_criterion_that_cannot_be_judged_is_a_schema_error(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    path = write(tmp_path / "p.yaml", document(criteria=[given], sample_size={}))
    with pytest.raises(BadProtocol, match=words):
        read_protocol(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"criteria": [criterion(), criterion()]}, "two criteria have the same name"),
        (
            {"sample_size": {"mass": {"positives": 1, "assumed": 0.5, "power": 0.8, "method": "x"}}},
            "names no criterion",
        ),
        ({"schema": "medvlm-protocol/2"}, "medvlm-protocol/1"),
        ({"criteria": []}, "at least 1 item"),
        ({"model": {"weights": "latest"}}, "pattern"),
        ({"verdict": "met"}, "Extra inputs"),
        (
            {"replaces": {"id": "cxr-2026-01", "sha256": DIGEST, "after_results": True, "reason": "x"}},
            "an id of its own",
        ),
    ],
)
def test_a_protocol_that_does_not_hang_together_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadProtocol, match=words):
        read_protocol(write(tmp_path / "p.yaml", document(**changes)))


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "!!python/object/apply:os.getcwd []", "- 1"])
def test_what_is_no_yaml_of_a_protocol_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(BadProtocol, match=r"p\.yaml"):
        read_protocol(path)


def test_the_json_schema_knows_every_key_of_the_file() -> None:
    schema = Protocol.model_json_schema(by_alias=True)
    assert set(document()) <= set(schema["properties"])
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("attributes", "out"),
    [({"age_years": "17"}, True), ({"age_years": "18"}, False), ({}, False), ({"age_years": "child"}, False)],
)
def test_an_exclusion_leaves_out_what_is_known_to_match(attributes: dict[str, str], out: bool) -> None:
    rule = Exclusion.model_validate({"attribute": "age_years", "is": "below", "value": 18, "reason": "adults only"})
    assert rule.leaves_out(attributes) == out


def test_an_exclusion_by_equality_is_of_text() -> None:
    rule = Exclusion.model_validate({"attribute": "view", "is": "equal", "value": "LATERAL", "reason": "frontal only"})
    assert rule.leaves_out({"view": "LATERAL"})
    assert not rule.leaves_out({"view": "PA"})


@pytest.mark.parametrize(
    ("low", "high", "outcome"), [(0.80, 0.95, "met"), (0.79, 0.95, "undecided"), (0.60, 0.79, "not met")]
)
def test_the_bound_decides_and_not_the_point(low: float, high: float, outcome: str) -> None:
    assert judged(criterion(), figure(value=0.79, low=low, high=high)).outcome == outcome


@pytest.mark.parametrize(("low", "outcome"), [(-0.02 + 1e-6, "met"), (-0.02, "undecided"), (-0.02 - 1e-6, "undecided")])
def test_noninferiority_is_shown_above_the_margin_only(low: float, outcome: str) -> None:
    given = figure(metric="auroc_difference", value=0.0, low=low, high=0.02)
    assert judged(difference(), given).outcome == outcome


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "brier"}, "no such figure"),
        ({"finding": "mass"}, "no such figure"),
        ({"value": None, "low": None, "high": None, "words": "no case has the finding"}, "no case has the finding"),
        ({"level": 0.9}, "level 0.9"),
        ({"acceptance": False}, "text metric"),
        ({"low": 0.9, "high": 0.9}, "no width"),
        ({"positives": 9}, "9 positives: fewer than 10"),
        ({"n": 105}, "5 negatives: fewer than 10"),
        ({"patients": 19}, "19 patients: fewer than 20"),
        ({"low": float("nan")}, "not defined"),
    ],
)
def test_a_figure_that_carries_no_verdict_leaves_the_criterion_undecided(changes: dict[str, Any], words: str) -> None:
    found = judged(criterion(), figure(**changes))
    assert found.outcome == "undecided"
    assert words in found.words


def test_an_interval_by_another_method_than_the_one_fixed_decides_nothing() -> None:
    given = criterion(method="delong")
    assert judged(given, figure(method="delong")).outcome == "met"
    assert judged(given, figure(method="clustered_bootstrap")).outcome == "undecided"


def test_a_small_subgroup_is_never_met() -> None:
    given = criterion(subgroup="sex=F")
    assert judged(given, figure(subgroup="sex=F", positives=49)).outcome == "undecided"
    assert judged(given, figure(subgroup="sex=F", positives=50)).outcome == "met"


def test_two_figures_of_one_name_decide_nothing() -> None:
    assert "2 figures" in judged(criterion(), figure(), figure(value=0.91)).words


def test_an_undecided_share_tells_how_many_positives_would_decide_it() -> None:
    given = criterion(metric="sensitivity", at=0.31, threshold=0.85, level=0.9)
    shown = figure(metric="sensitivity@0.31", value=0.92, low=0.84, high=0.96, level=0.9, n=60, positives=60)
    found = judged(given, shown)
    assert (found.outcome, found.needed) == ("undecided", 124)  # one-sided 95 %


def test_where_the_point_is_on_the_wrong_side_no_number_is_promised() -> None:
    assert judged(criterion(threshold=0.92), figure()).needed is None
    assert judged(criterion(threshold=0.87), figure()).needed


def test_an_upper_bound_is_judged_from_above() -> None:
    given = criterion(metric="wrong_side_rate", finding="", bound="upper", threshold=0.02)
    side = {"metric": "wrong_side_rate", "finding": "", "positives": None}
    assert judged(given, figure(**side, value=0.0, low=0.0, high=0.018)).outcome == "met"
    assert judged(given, figure(**side, value=0.05, low=0.03, high=0.08)).outcome == "not met"
    found = judged(given, figure(**side, value=0.01, low=0.0, high=0.03))
    assert found.outcome == "undecided"
    assert found.needed


def test_a_criterion_names_its_figure_with_the_operating_point() -> None:
    given = Criterion.model_validate(criterion(metric="sensitivity", at=0.31))
    assert (given.figure, given.bar) == ("sensitivity@0.31", 0.8)
    assert Criterion.model_validate(difference()).bar == -0.02
