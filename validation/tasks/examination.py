"""What every task gets and gives: the cases and how to measure them; figures, curves, failures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from medvlm.contract import Finding, FindingName, Reading, Refusal
from validation.asking import Asking
from validation.cases import Case
from validation.metrics.cases import Cases
from validation.metrics.subgroups import SmallGroups
from validation.outputs import PLAIN, Output, Said
from validation.probing import Probing
from validation.results import Curve, Failure, Figure
from validation.statistics.clustered_bootstrap import Interval, Resampling, clustered_interval
from validation.statistics.estimate import Bounds
from validation.statistics.proportions import proportion

MOST_FAILURES = 12
"""Of one finding in one task: a gallery, not a list."""


@dataclass(frozen=True)
class Examination:
    """`assessed` are the findings that the model was validated for; `points` the operating points asked for."""

    cases: tuple[Case, ...]
    assessed: tuple[FindingName, ...]
    resampling: Resampling = field(default_factory=Resampling)
    probing: Probing = field(default_factory=Probing)
    subgroups: tuple[str, ...] = ()
    age_bands: tuple[int, ...] = (0, 18, 40, 65, 80)
    small: SmallGroups = field(default_factory=SmallGroups)
    points: Mapping[FindingName, tuple[float, ...]] = field(default_factory=dict)

    @property
    def in_scope(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.in_scope)

    @property
    def labelled(self) -> tuple[FindingName, ...]:
        """Assessed findings that some case in scope has a label of, in the model's order."""
        known = {name for case in self.in_scope for name in case.labels}
        return tuple(name for name in self.assessed if name in known)


@dataclass(frozen=True)
class Judged:
    figures: tuple[Figure, ...] = ()
    curves: tuple[Curve, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()


class Task(Protocol):
    """Askings and judgement are made from the same examination, so that each output is found again."""

    def askings(self, examination: Examination) -> Iterator[Asking]: ...

    def judge(self, examination: Examination, said: Said) -> Judged: ...


def together(parts: Iterable[Judged]) -> Judged:
    found = list(parts)
    return Judged(
        figures=tuple(each for part in found for each in part.figures),
        curves=tuple(each for part in found for each in part.curves),
        failures=tuple(each for part in found for each in part.failures),
        notes=tuple(each for part in found for each in part.notes),
    )


def plain_drafts(cases: Iterable[Case]) -> Iterator[Asking]:
    for case in cases:
        yield Asking(case)


def reading_of(output: Output | None) -> Reading | None:
    """The reading of a study that was taken on; None where it was refused, failed or not asked."""
    if output is None or output.reading is None or isinstance(output.reading.scope, Refusal):
        return None
    return output.reading


def refusal_of(output: Output | None) -> Refusal | None:
    scope = output.reading.scope if output and output.reading else None
    return scope if isinstance(scope, Refusal) else None


def finding_of(output: Output | None, name: FindingName) -> Finding | None:
    reading = reading_of(output)
    return next((each for each in reading.findings if each.name == name), None) if reading else None


def scored(examination: Examination, said: Said, name: FindingName, probe: str = PLAIN) -> tuple[list[Case], Cases]:
    """Cases in scope that have both a label and a probability of a finding, and these as arrays."""
    found: list[Case] = []
    scores: list[float] = []
    for case in examination.in_scope:
        if name in case.labels and (one := finding_of(said.get(probe, case.case_id), name)) is not None:
            found.append(case)
            scores.append(one.probability)
    truth = [case.labels[name] == 1 for case in found]
    return found, Cases.of(truth, scores, [case.patient for case in found])


@dataclass(frozen=True)
class Counted:
    """Trials of a share: did it happen, and of which patient."""

    happened: tuple[bool, ...]
    patients: tuple[str, ...]

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, str]]) -> Counted:
        rows = list(pairs)
        return cls(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def share(
    metric: str, task: str, counted: Counted, resampling: Resampling, finding: FindingName = "", words: str = ""
) -> Figure:
    """How often something happened. `positives` is how often it did; n is the exact denominator."""
    trials, hits = len(counted.happened), sum(counted.happened)
    bounds, method = _share_bounds(counted, resampling, f"{metric}.{finding}")
    return Figure(
        metric=metric,
        task=task,
        finding=finding,
        value=bounds.value if trials else None,
        low=bounds.low if trials else None,
        high=bounds.high if trials else None,
        level=resampling.level,
        method=method,
        n=trials,
        positives=hits,
        patients=len(set(counted.patients)),
        words="" if trials else words or "no case of these data carries it",
    )


def _share_bounds(counted: Counted, resampling: Resampling, purpose: str) -> tuple[Bounds, str]:
    """Wilson where each patient has one trial; else patients are resampled."""
    trials, hits = len(counted.happened), sum(counted.happened)
    patients = len(set(counted.patients))
    if patients == trials:
        return proportion(hits, trials, resampling.level), "wilson"
    if hits in (0, trials):
        # Every draw would be alike: as many trials as there are patients is the cautious answer.
        return proportion(patients if hits else 0, patients, resampling.level, "exact"), "exact"
    happened = np.array(counted.happened, dtype=float)
    found = clustered_interval(
        lambda weights: float(weights @ happened / weights.sum()), counted.patients, resampling, purpose
    )
    return Bounds(value=found.value, low=found.low, high=found.high, level=resampling.level), "clustered_bootstrap"


def figure_of_interval(interval: Interval, resampling: Resampling, cases: Cases, **named: str) -> Figure:
    """NaN becomes None: what cannot be estimated is not written as a number."""
    return Figure(
        metric=named["metric"],
        task=named["task"],
        finding=named.get("finding", ""),
        subgroup=named.get("subgroup", ""),
        value=number(interval.value),
        low=number(interval.low),
        high=number(interval.high),
        level=resampling.level,
        method="clustered_bootstrap",
        n=cases.count,
        positives=cases.positives,
        patients=cases.patient_count,
        words=cases.undefined,
    )


def number(value: float) -> float | None:
    return None if math.isnan(value) else value


def sample_of(cases: Sequence[Case], names: Sequence[FindingName], count: int, seed: int, purpose: str) -> list[Case]:
    """At most `count` cases, positives of each finding by turns first and then negatives, half and half.

    The order of the data set does not matter: cases are shuffled by name from the seed. Further films of a patient
    come after the first films of all patients, for they add least.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, *purpose.encode()]))
    ordered = sorted(cases, key=lambda case: case.case_id)
    shuffled = _patients_by_turns([ordered[k] for k in rng.permutation(len(ordered))])
    queues = [iter([case for case in shuffled if case.labels.get(name) == 1]) for name in names]
    normal = iter([case for case in shuffled if not any(case.labels.get(name) for name in names)])
    chosen: dict[str, Case] = {}
    _by_turns(queues, chosen, max(count // 2, 1))
    _by_turns([normal], chosen, count)
    _by_turns([iter(shuffled)], chosen, count)
    return list(chosen.values())


def _patients_by_turns(cases: Sequence[Case]) -> list[Case]:
    seen: Counter[str] = Counter()
    rank = []
    for case in cases:
        rank.append(seen[case.patient])
        seen[case.patient] += 1
    return [cases[k] for k in sorted(range(len(cases)), key=lambda k: rank[k])]


def _by_turns(queues: list[Iterator[Case]], chosen: dict[str, Case], count: int) -> None:
    while queues and len(chosen) < count:
        for each in list(queues):
            case = next((one for one in each if one.case_id not in chosen), None)
            if case is None:
                queues.remove(each)
            elif len(chosen) < count:
                chosen[case.case_id] = case


def first_failures(failures: Iterable[Failure], worst: Callable[[Failure], float]) -> tuple[Failure, ...]:
    return tuple(sorted(failures, key=lambda each: (-worst(each), each.case_id))[:MOST_FAILURES])
