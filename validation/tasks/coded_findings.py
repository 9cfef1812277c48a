"""Coded findings, the primary end point: discrimination, operating points, misses, calibration, subgroups.

A critical miss is a finding that the labels have and the model states as absent, or does not state in a study that it
read. `indeterminate` is not a miss: it asks a person to look.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from medvlm.contract import FindingName
from validation.asking import Asking
from validation.cases import Case
from validation.metrics.calibration import Calibration, calibration
from validation.metrics.cases import Cases
from validation.metrics.discrimination import discrimination
from validation.metrics.operating_point import operating_point
from validation.metrics.subgroups import UNKNOWN, Group, age_band, family
from validation.outputs import PLAIN, Said
from validation.results import Curve, Failure, Figure
from validation.statistics.estimate import Bounds, Estimate, two_sided
from validation.statistics.selective_risk import risk_coverage
from validation.tasks.examination import (
    Counted,
    Examination,
    Judged,
    figure_of_interval,
    finding_of,
    first_failures,
    number,
    plain_drafts,
    reading_of,
    scored,
    share,
    together,
)

TASK = "detection"
CRITICAL = ("pneumothorax",)
"""Findings whose miss may kill within hours, among those of the vocabulary."""
MOST_POINTS = 200


class CodedFindings:
    """`validation.tasks.examination.Task`."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        yield from plain_drafts(examination.in_scope)

    def judge(self, examination: Examination, said: Said) -> Judged:
        parts = [_finding(name, examination, said) for name in examination.labelled]
        return together([Judged(figures=(_coverage(examination, said), _critical(examination, said))), *parts])


def _coverage(examination: Examination, said: Said) -> Figure:
    read = ((reading_of(said.get(PLAIN, case.case_id)) is not None, case.patient) for case in examination.in_scope)
    return share("coverage", TASK, Counted.of(read), examination.resampling)


def _critical(examination: Examination, said: Said) -> Figure:
    trials = [trial for name in CRITICAL for trial in _misses(name, examination, said)]
    return _missed(trials, examination)


def _missed(trials: Iterable[tuple[bool, str]], examination: Examination, name: FindingName = "") -> Figure:
    """Every trial is a positive."""
    figure = share("critical_miss_rate", TASK, Counted.of(trials), examination.resampling, name)
    return figure.model_copy(update={"positives": figure.n})


def _misses(name: FindingName, examination: Examination, said: Said) -> Iterator[tuple[bool, str]]:
    for case in examination.in_scope:
        output = said.get(PLAIN, case.case_id)
        if case.labels.get(name) == 1 and reading_of(output) is not None:
            found = finding_of(output, name)
            yield found is None or found.presence == "absent", case.patient


def _finding(name: FindingName, examination: Examination, said: Said) -> Judged:
    cases, values = scored(examination, said, name)
    missed = _missed(_misses(name, examination, said), examination, name)
    if values.undefined:
        return Judged(figures=(_figure("auroc", name, None, values), missed))
    measured = calibration(values, examination.resampling.seed, examination.resampling.level)
    calibrated = tuple(_calibration(name, measured, values)) if measured else ()
    return Judged(
        figures=(
            *_discrimination(name, values, examination),
            missed,
            *_points(name, values, examination),
            *calibrated,
            *_subgroups(name, cases, values, examination),
        ),
        curves=tuple(_curves(name, values, measured)),
        failures=_failures(name, cases, values),
    )


def _discrimination(name: FindingName, values: Cases, examination: Examination) -> Iterator[Figure]:
    found = discrimination(values, examination.resampling, name)
    if found.auroc is None or found.average_precision is None:
        return
    flag = "the closed form and the bootstrap differ by more than a fifth" if found.intervals_disagree else ""
    area = _with_width(found.auroc, values.positives, values.negatives)
    yield _figure("auroc", name, area, values).model_copy(update={"method": "delong", "words": flag})
    named = {"metric": "average_precision", "task": TASK, "finding": name}
    yield figure_of_interval(found.average_precision, examination.resampling, values, **named)


def _points(name: FindingName, values: Cases, examination: Examination) -> Iterator[Figure]:
    for at in examination.points.get(name, ()):
        point = operating_point(values, at, examination.resampling, f"{name}.{at:g}")
        single = values.patient_count == values.count
        method = "wilson" if single else "clustered_bootstrap"
        for metric, bounds in (("sensitivity", point.sensitivity), ("specificity", point.specificity)):
            figure = _figure(f"{metric}@{at:g}", name, bounds, values)
            yield figure.model_copy(update={"method": method})


def _calibration(name: FindingName, found: Calibration, values: Cases) -> Iterator[Figure]:
    error, slope = found.error, found.recalibration.slope
    for metric, value in (
        ("ece", error.value),
        ("ece_expected", error.expected),
        ("ece_expected_p95", error.expected_p95),
        ("calibration_excess", error.value - error.expected_p95),
        ("brier", found.brier.score),
        ("brier_skill", found.brier.skill),
    ):
        yield _figure(metric, name, None, values).model_copy(update={"value": number(value)})
    for metric, estimate in (("calibration_slope", slope), ("calibration_intercept", found.recalibration.intercept)):
        yield _figure(metric, name, estimate, values).model_copy(update={"method": "sandwich"})
    yield _figure("calibration_slope_distance", name, _from_one(slope), values).model_copy(
        update={"method": "sandwich"}
    )


def _from_one(slope: Estimate) -> Bounds:
    """How far from 1; the least distance is 0 where the interval holds 1."""
    ends = sorted((abs(slope.low - 1), abs(slope.high - 1)))
    low = 0.0 if slope.low <= 1 <= slope.high else ends[0]
    return Bounds(value=abs(slope.value - 1), low=low, high=ends[1], level=slope.level)


def _subgroups(name: FindingName, cases: list[Case], values: Cases, examination: Examination) -> Iterator[Figure]:
    """Each group of each attribute that the cases carry, and the worst of all."""
    seen: list[Figure] = []
    for attribute in examination.subgroups:
        named = [_attribute(case, attribute, examination) for case in cases]
        if set(named) == {""}:
            continue
        found = family(attribute, named, values, 0.0, 0.0, examination.small)
        seen += [_group(name, attribute, group, values) for group in found.groups]
    yield from seen
    judged = [each for each in seen if each.low is not None and not each.subgroup.endswith(f"={UNKNOWN}")]
    if judged:
        worst = min(judged, key=lambda each: (each.low, each.subgroup))
        yield worst.model_copy(
            update={"metric": "auroc_worst_subgroup", "subgroup": "", "words": f"worst: {worst.subgroup}"}
        )


def _with_width(area: Bounds, positives: int, negatives: int) -> Bounds:
    """One score for all is an area of exactly ½ without spread, which would carry no verdict.

    It gets the spread that scores of no use would have: variance (m + n + 1) / 12mn (Mann and Whitney, Ann Math Stat
    1947;18:50), which ties only make smaller.
    """
    if area.value != 0.5 or area.low != area.high:
        return area
    half = two_sided(area.level) * math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    return Bounds(value=0.5, low=max(0.5 - half, 0.0), high=min(0.5 + half, 1.0), level=area.level)


def _attribute(case: Case, attribute: str, examination: Examination) -> str:
    if attribute != "age":
        return case.attributes.get(attribute, "")
    years = case.attributes.get("age_years", "")
    known = age_band(float(years), examination.age_bands) if years else ""
    return "" if known == UNKNOWN else known


def _group(name: FindingName, attribute: str, group: Group, _values: Cases) -> Figure:
    bounds = group.auroc and _with_width(group.auroc, group.positives, group.negatives)
    return Figure(
        metric="auroc",
        task=TASK,
        finding=name,
        subgroup=f"{attribute}={group.name}",
        value=number(bounds.value) if bounds else None,
        low=number(bounds.low) if bounds else None,
        high=number(bounds.high) if bounds else None,
        method="delong",
        n=group.count,
        positives=group.positives,
        patients=group.patients,
        words=group.too_few,
    )


def _curves(name: FindingName, values: Cases, measured: Calibration | None) -> Iterator[Curve]:
    false_alarms, sensitivity, _ = roc_curve(values.truth, values.scores)
    yield _curve("roc", name, np.column_stack([false_alarms, sensitivity]), ("1 − specificity", "sensitivity"))
    precision, recall, _ = precision_recall_curve(values.truth, values.scores)
    rows = np.column_stack([recall, precision])[::-1]
    yield _curve("precision_recall", name, rows, ("sensitivity", "precision"))
    confidence = np.maximum(values.scores, 1 - values.scores)
    selective = risk_coverage(confidence, (values.scores >= 0.5) != values.truth)
    rows = np.column_stack([selective.coverage, selective.risk])
    yield _curve("risk_coverage", name, rows, ("coverage", "risk"))
    if measured:
        bins = [(b.stated, b.observed.value, b.observed.low, b.observed.high, float(b.count)) for b in measured.bins]
        yield _curve("reliability", name, np.array(bins), ("stated", "observed", "low", "high", "count"))


def _curve(kind: str, name: FindingName, rows: np.ndarray, labels: tuple[str, ...]) -> Curve:
    kept = rows[np.unique(np.linspace(0, len(rows) - 1, MOST_POINTS).astype(int))]
    points = tuple(tuple(round(float(value), 6) for value in row) for row in kept)
    return Curve.model_validate({"kind": kind, "task": TASK, "finding": name, "points": points, "labels": labels})


def _failures(name: FindingName, cases: list[Case], values: Cases) -> tuple[Failure, ...]:
    """The positives with the lowest and the negatives with the highest probability."""
    found = [
        Failure(
            case_id=case.case_id,
            task=TASK,
            finding=name,
            words="missed" if truth else "false alarm",
            image=case.images[0] if case.images else None,
            probability=float(score),
            truth="present" if truth else "absent",
        )
        for case, truth, score in zip(cases, values.truth, values.scores, strict=True)
        if (score < 0.5) == bool(truth)
    ]
    return first_failures(found, lambda each: abs((each.probability or 0.0) - (each.truth == "present")))


def _figure(metric: str, name: FindingName, bounds: Bounds | None, values: Cases) -> Figure:
    return Figure(
        metric=metric,
        task=TASK,
        finding=name,
        value=number(bounds.value) if bounds else None,
        low=number(bounds.low) if bounds else None,
        high=number(bounds.high) if bounds else None,
        n=values.count,
        positives=values.positives,
        patients=values.patient_count,
        words=values.undefined,
        level=bounds.level if bounds else 0.95,
    )
