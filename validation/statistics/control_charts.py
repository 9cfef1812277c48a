"""Has a rate left the range that the validation found? Three charts over batches in time.

    p-chart    pₜ outside p₀ ± k √(p₀(1 − p₀)/nₜ)                              large, sudden shifts
    EWMA       eₜ = λ zₜ + (1 − λ) eₜ₋₁ outside ± L √(λ/(2 − λ) · (1 − (1 − λ)²ᵗ))   small, lasting ones
    CUSUM      C⁺ = max(0, zₜ − k + C⁺ₜ₋₁), C⁻ = max(0, −zₜ − k + C⁻ₜ₋₁), above h     small, lasting ones

zₜ = (pₜ − p₀)/√(p₀(1 − p₀)/nₜ), or any figure standardised by the validation run. A chart that has alarmed is
started anew by whoever looked into it. Several charts at once multiply false alarms: widen L, or chart a summary.

Run lengths are those of Brook and Evans' Markov chain on the limits that are reached in the long run.

Source: Montgomery, Introduction to Statistical Quality Control, 2013, ch. 7 and 9; Lucas and Saccucci, Technometrics
1990;32:1; Brook and Evans, Biometrika 1972;59:539.

Worked example (Montgomery, table 9.11): λ = 0.2, L = 2.962: mean run length 500 in control, 41.8 after a shift of 0.5
standard deviations, 10.5 after 1. Table 9.3: two-sided CUSUM k = 0.5, h = 5: 465, 38.0, 10.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

Values = npt.NDArray[np.float64]

STATES = 201


class Point(BaseModel):
    """One batch on a chart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float

    @property
    def alarm(self) -> bool:
        return not self.low <= self.value <= self.high


class Ewma(BaseModel):
    """λ and L; with these defaults one false alarm in about 370 batches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=0.2, gt=0, le=1)
    limit: float = Field(default=2.859, gt=0)


class Cusum(BaseModel):
    """k and h; with these defaults one false alarm in 465 batches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slack: float = Field(default=0.5, ge=0)
    threshold: float = Field(default=5.0, gt=0)


def standardised(hits: Sequence[int], trials: Sequence[int], rate: float) -> Values:
    """z of each batch against the rate of the validation, 0 < rate < 1; an empty batch says nothing: 0."""
    n = np.asarray(trials, dtype=float)
    expected = n * rate
    return (np.asarray(hits) - expected) / np.sqrt(np.maximum(n, 1) * rate * (1 - rate))


def p_chart(hits: Sequence[int], trials: Sequence[int], rate: float, width: float = 3.0) -> tuple[Point, ...]:
    """Batches without trials are left out. Limits are cut to 0–1."""
    points = []
    for hit, n in zip(hits, trials, strict=True):
        if n:
            half = width * (rate * (1 - rate) / n) ** 0.5
            points.append(Point(value=hit / n, low=max(rate - half, 0.0), high=min(rate + half, 1.0)))
    return tuple(points)


def ewma_chart(z: Values, chart: Ewma) -> tuple[Point, ...]:
    points, value = [], 0.0
    for t, each in enumerate(z, start=1):
        value = chart.weight * float(each) + (1 - chart.weight) * value
        spread = chart.weight / (2 - chart.weight) * (1 - (1 - chart.weight) ** (2 * t))
        half = chart.limit * spread**0.5
        points.append(Point(value=value, low=-half, high=half))
    return tuple(points)


def cusum_chart(z: Values, chart: Cusum) -> tuple[Point, ...]:
    """The larger of both sums, with the sign of its side."""
    points, up, down = [], 0.0, 0.0
    for each in z:
        up, down = max(0.0, float(each) - chart.slack + up), max(0.0, -float(each) - chart.slack + down)
        points.append(Point(value=up if up >= down else -down, low=-chart.threshold, high=chart.threshold))
    return tuple(points)


def ewma_run_length(chart: Ewma, shift: float = 0.0) -> float:
    """Mean number of batches until an alarm after a shift of that many standard deviations."""
    edge = chart.limit * (chart.weight / (2 - chart.weight)) ** 0.5
    width = 2 * edge / STATES
    middles = -edge + width * (np.arange(STATES) + 0.5)
    stay = (1 - chart.weight) * middles[:, None]
    upper = (middles[None, :] + width / 2 - stay) / chart.weight - shift
    lower = (middles[None, :] - width / 2 - stay) / chart.weight - shift
    return _mean_run(_cdf(upper) - _cdf(lower), STATES // 2)


def cusum_run_length(chart: Cusum, shift: float = 0.0) -> float:
    """Two-sided, from 1/ARL = 1/ARL⁺ + 1/ARL⁻, which is exact for these sums."""
    return 1 / (1 / _one_sided(chart, shift) + 1 / _one_sided(chart, -shift))


def _one_sided(chart: Cusum, shift: float) -> float:
    # State 0 stands for a sum of exactly 0; the others are middles of equal parts, with w/2 beside zero.
    width = 2 * chart.threshold / (2 * STATES - 1)
    here = width * np.arange(STATES)
    upper = here[None, :] + width / 2 - here[:, None] + chart.slack - shift
    chance = _cdf(upper) - _cdf(upper - width)
    chance[:, 0] = _cdf(upper[:, 0])
    return _mean_run(chance, 0)


def _mean_run(chance: Values, start: int) -> float:
    return float(np.linalg.solve(np.eye(len(chance)) - chance, np.ones(len(chance)))[start])


def _cdf(z: Values) -> Values:
    normal = NormalDist()
    return np.vectorize(normal.cdf, otypes=[float])(z)
