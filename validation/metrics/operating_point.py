"""Sensitivity, specificity and predictive values at one threshold, at or above which a finding is called present.

The threshold comes from other data than those it is judged on. Where each patient has one study the interval is
Wilson's (or exact); else patients are resampled. Predictive values hold at the prevalence of these data only.

Source: Pepe 2003, ch. 2; the threshold as the highest that reaches the sensitivity.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from validation.metrics.cases import Cases
from validation.statistics.clustered_bootstrap import Resampling, clustered_interval
from validation.statistics.estimate import Bounds
from validation.statistics.proportions import Method, proportion

Where = npt.NDArray[np.bool_]


class OperatingPoint(BaseModel):
    """`f1` is a point only. NaN where a share has no denominator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    positives: int
    negatives: int
    missed: int
    false_alarms: int
    sensitivity: Bounds
    specificity: Bounds
    positive_predictive_value: Bounds
    negative_predictive_value: Bounds
    f1: float


def operating_point(
    cases: Cases, threshold: float, resampling: Resampling, purpose: str, method: Method = "wilson"
) -> OperatingPoint:
    called = cases.scores >= threshold
    truth = cases.truth
    single = cases.patient_count == cases.count

    def share(name: str, right: Where, among: Where) -> Bounds:
        if single or not among.any():
            return proportion(int((right & among).sum()), int(among.sum()), resampling.level, method)
        return _resampled(right, among, cases, resampling, f"{name}.{purpose}")

    hits = int((called & truth).sum())
    return OperatingPoint(
        threshold=threshold,
        positives=cases.positives,
        negatives=cases.negatives,
        missed=cases.positives - hits,
        false_alarms=int((called & ~truth).sum()),
        sensitivity=share("sensitivity", called, truth),
        specificity=share("specificity", ~called, ~truth),
        positive_predictive_value=share("ppv", truth, called),
        negative_predictive_value=share("npv", ~truth, ~called),
        f1=f1(hits, cases.positives, int(called.sum())),
    )


def f1(hits: int, positives: int, called: int) -> float:
    """Harmonic mean of sensitivity and precision; NaN where nothing is true and nothing was called."""
    return 2 * hits / (positives + called) if positives + called else math.nan


def threshold_for_sensitivity(cases: Cases, sensitivity: float) -> float:
    """The highest threshold that finds at least that share; for data other than those it will be judged on."""
    if not cases.positives:
        raise ValueError("no case has the finding: there is no threshold to find")
    scores = np.sort(cases.scores[cases.truth])[::-1]
    return float(scores[max(math.ceil(sensitivity * cases.positives - 1e-9), 1) - 1])


def _resampled(right: Where, among: Where, cases: Cases, resampling: Resampling, purpose: str) -> Bounds:
    found = clustered_interval(_weighted_share(right & among, among), cases.patients, resampling, purpose)
    if found.low == found.high:
        # Every draw alike: resampling sees no spread. A share of as many patients is the cautious answer.
        patients = len({each for each, counts in zip(cases.patients, among, strict=True) if counts})
        return proportion(round(found.value * patients), patients, resampling.level, "exact")
    return Bounds(value=found.value, low=found.low, high=found.high, level=resampling.level)


def _weighted_share(right: Where, among: Where) -> Callable[[npt.NDArray[np.float64]], float]:
    def of(weights: npt.NDArray[np.float64]) -> float:
        total = weights @ among
        return float(weights @ right / total) if total else math.nan

    return of
