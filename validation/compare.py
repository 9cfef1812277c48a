"""Two runs on the same data: what differs, paired study by study, and what became of each criterion.

The scores that a run stores beside its record are compared, so that the data need not be there: AUROC by DeLong with
patients as clusters, the Brier score by the patient bootstrap, both on the studies that both models scored. Holm's
correction runs over the findings of each metric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from medvlm.contract import FindingName, ModelIdentity
from validation.cases import Frozen
from validation.errors import NotComparable
from validation.report.writing import RESULTS, read_run
from validation.results import CriterionResult, Outcome, Run
from validation.statistics.clustered_bootstrap import Resampling, Weights, clustered_difference
from validation.statistics.delong import compare_areas
from validation.statistics.multiplicity import holm

SCORES = "scores.jsonl"
ALPHA = 0.05
WORSE_ORDER: Mapping[Outcome, int] = {"met": 0, "undecided": 1, "not met": 2}


class Score(Frozen):
    """One line of the stored scores: what a study was said to be, and what it is."""

    task: str
    finding: FindingName
    case_id: str
    patient: str
    truth: Literal[0, 1]
    probability: Annotated[float, Field(ge=0, le=1)]


class Difference(Frozen):
    """B less A on `n` studies; `better` says which way is up. `p` is None where only an interval is given."""

    metric: Literal["auroc", "brier"]
    task: str
    finding: FindingName
    first: float | None
    second: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    adjusted: float | None = None
    """Holm's correction over the findings of this metric."""
    method: str
    n: int
    positives: int
    patients: int
    words: str = ""

    @property
    def worse(self) -> bool:
        """B is worse beyond chance: the AUROC after correction, the Brier score by its interval."""
        if self.metric == "auroc":
            return self.adjusted is not None and self.adjusted < ALPHA and (self.value or 0) < 0
        return self.low is not None and self.low > 0


class CriterionChange(Frozen):
    """A criterion of either run; an outcome is None where that run did not have it, or asked for something else."""

    id: str
    first: CriterionResult | None
    second: CriterionResult | None
    asked_the_same: bool

    @property
    def worse(self) -> bool:
        if not self.first or not self.second or not self.asked_the_same:
            return False
        return WORSE_ORDER[self.second.outcome] > WORSE_ORDER[self.first.outcome]


class Compared(Frozen):
    """`scored_once` counts study and finding pairs that one run alone has: refused or failed in the other."""

    schema_version: Literal["medvlm-comparison/1"] = "medvlm-comparison/1"
    first_model: ModelIdentity
    second_model: ModelIdentity
    first_protocol: str
    second_protocol: str
    data: Mapping[str, str]
    resampling: Resampling
    criteria: tuple[CriterionChange, ...]
    differences: tuple[Difference, ...]
    scored_once: int

    @property
    def worse(self) -> bool:
        return any(each.worse for each in self.criteria) or any(each.worse for each in self.differences)


def compare_runs(first: Path, second: Path) -> Compared:
    """Folders of two runs, or their records. Raises `BadRun`, `NotComparable`."""
    a, b = read_run(first), read_run(second)
    if a.data != b.data:
        raise NotComparable(
            "the two runs are of different data",
            where=f"{_names(a)} against {_names(b)}",
            way_out="Run both models on the same data sets: their digests have to be the same.",
        )
    return compare(a, b, read_scores(_beside(first)), read_scores(_beside(second)))


def compare(first: Run, second: Run, first_scores: Sequence[Score], second_scores: Sequence[Score]) -> Compared:
    """The seed is the first run's. Raises `NotComparable` where a study is not the same study in both."""
    resampling = Resampling(seed=first.seed)
    pairs, once = _paired(first_scores, second_scores)
    return Compared(
        first_model=first.model,
        second_model=second.model,
        first_protocol=first.protocol_hash,
        second_protocol=second.protocol_hash,
        data=first.data,
        resampling=resampling,
        criteria=_criteria(first.criteria, second.criteria),
        differences=(*_corrected([_areas(each) for each in pairs]), *(_brier(each, resampling) for each in pairs)),
        scored_once=once,
    )


def read_scores(path: Path) -> tuple[Score, ...]:
    """Raises `NotComparable`."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _no_scores("the scores of the run cannot be read", str(path)) from error
    return tuple(_score(text, f"{path}, line {number}") for number, text in enumerate(lines, 1) if text.strip())


def _score(text: str, where: str) -> Score:
    try:
        return Score.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "the line"
        raise _no_scores(f"no score: {key}: {first['msg']}", where) from error


def _no_scores(what: str, where: str) -> NotComparable:
    return NotComparable(what, where=where, way_out=f"Compare folders as `run` writes them: {RESULTS} and {SCORES}.")


def _beside(run: Path) -> Path:
    return (run if run.is_dir() else run.parent) / SCORES


def _names(run: Run) -> str:
    return ", ".join(f"{name} {digest[:12]}" for name, digest in run.data.items()) or "no data"


Pair = tuple[Score, Score]


def _paired(first: Sequence[Score], second: Sequence[Score]) -> tuple[tuple[tuple[Pair, ...], ...], int]:
    """Pairs by task and finding, in the order of the first run; and how many lines have no partner."""
    partner = {(each.task, each.finding, each.case_id): each for each in second}
    groups: dict[tuple[str, str], list[Pair]] = {}
    for each in first:
        other = partner.get((each.task, each.finding, each.case_id))
        if other is None:
            continue
        if (each.truth, each.patient) != (other.truth, other.patient):
            raise NotComparable(
                "a study has another label or patient in the other run",
                where=f"finding {each.finding}, case {each.case_id}",
                way_out="Run both models anew on the same labels.",
            )
        groups.setdefault((each.task, each.finding), []).append((each, other))
    both = sum(map(len, groups.values()))
    return tuple(tuple(each) for each in groups.values()), len(first) + len(second) - 2 * both


def _areas(pairs: Sequence[Pair]) -> Difference:
    truth, old, new, patients = _arrays(pairs)
    base = _base("auroc", pairs, "paired DeLong, patients as clusters")
    if truth.all() or not truth.any():
        return base.model_copy(update={"words": "every study or none has the finding"})
    found = compare_areas(truth, new, old, patients)
    told = base.model_copy(update={"first": found.second, "second": found.first, "value": found.difference.value})
    if not np.isfinite([found.difference.low, found.difference.high, found.p]).all():
        return told.model_copy(update={"words": "the difference has no interval"})
    return told.model_copy(update={"low": found.difference.low, "high": found.difference.high, "p": found.p})


def _brier(pairs: Sequence[Pair], resampling: Resampling) -> Difference:
    truth, old, new, patients = _arrays(pairs)
    old_loss, new_loss = (old - truth) ** 2, (new - truth) ** 2
    name = f"compare.brier.{pairs[0][0].task}.{pairs[0][0].finding}"
    found = clustered_difference(_mean(new_loss), _mean(old_loss), patients, resampling, name)
    return _base("brier", pairs, "bootstrap of patients").model_copy(
        update={
            "first": float(old_loss.mean()),
            "second": float(new_loss.mean()),
            "value": found.value,
            "low": found.low,
            "high": found.high,
        }
    )


def _mean(loss: Weights) -> Callable[[Weights], float]:
    return lambda weights: float((loss * weights).sum() / weights.sum())


def _arrays(pairs: Sequence[Pair]) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Weights, Weights, list[str]]:
    truth = np.array([old.truth == 1 for old, _ in pairs])
    scores = [np.array([pair[k].probability for pair in pairs], dtype=np.float64) for k in (0, 1)]
    return truth, scores[0], scores[1], [old.patient for old, _ in pairs]


def _base(metric: Literal["auroc", "brier"], pairs: Sequence[Pair], method: str) -> Difference:
    return Difference(
        metric=metric,
        task=pairs[0][0].task,
        finding=pairs[0][0].finding,
        first=None,
        second=None,
        method=method,
        n=len(pairs),
        positives=sum(old.truth for old, _ in pairs),
        patients=len({old.patient for old, _ in pairs}),
    )


def _corrected(differences: Sequence[Difference]) -> list[Difference]:
    tested = [each.p for each in differences if each.p is not None]
    corrected = iter(holm(tested) if tested else ())
    return [d if d.p is None else d.model_copy(update={"adjusted": float(next(corrected))}) for d in differences]


def _criteria(first: Sequence[CriterionResult], second: Sequence[CriterionResult]) -> tuple[CriterionChange, ...]:
    old, new = ({each.id: each for each in side} for side in (first, second))
    return tuple(
        CriterionChange(
            id=name,
            first=old.get(name),
            second=new.get(name),
            asked_the_same=_asks(old.get(name)) == _asks(new.get(name)),
        )
        for name in dict.fromkeys([*old, *new])
    )


def _asks(criterion: CriterionResult | None) -> tuple[str, str, str, float] | None:
    if criterion is None:
        return None
    return criterion.metric, criterion.finding, criterion.bound, criterion.threshold
