"""Variance of AUROC and of the difference of two, without resampling; patients as clusters.

With V10 of each positive (the share of negatives that it beats, a tie as half) and V01 of each negative (the share
of positives that beat it), m positives, n negatives, and 1, 2 two models judged on the same observations:

    cov(A₁, A₂) = S10 / m + S01 / n                                     (DeLong; independent observations)
    cov(A₁, A₂) = S10 / m + S01 / n + (S11 + S11ᵀ) / (m n)              (Obuchowski; clusters)

In the second, V10 − A and V01 − A are summed within each cluster first, and

    S10 = I10 / ((I10 − 1) m) · Σ d10 d10ᵀ,   S01 = I01 / ((I01 − 1) n) · Σ d01 d01ᵀ,   S11 = I / (I − 1) · Σ d10 d01ᵀ

over I clusters, of which I10 hold a positive and I01 a negative. With one observation a cluster S11 is 0 and both
forms are the same, so that one function does for both.

Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837; the ranks by Sun and Xu, IEEE Signal Process Lett
2014;21:1389; the clusters by Obuchowski, Biometrics 1997;53:567.

Worked example (Hanley and McNeil's CT ratings, see `auroc.py`): 0.8932, standard error 0.0307.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.stats import rankdata  # type: ignore[import-untyped]

from validation.statistics.auroc import Scores, Truth
from validation.statistics.estimate import Estimate, on_logit, plain, upper_tail
from validation.statistics.proportions import proportion

Matrix = npt.NDArray[np.float64]

FEWEST_FOR_PLAIN, HIGHEST_FOR_PLAIN = 50, 0.95


@dataclass(frozen=True)
class Areas:
    """AUROC of k models on the same n observations, and the k × k covariance of the areas."""

    values: Scores
    covariance: Matrix


class Comparison(BaseModel):
    """First less second; `z` is NaN where the difference has no spread."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: float
    second: float
    difference: Estimate
    z: float
    p: float
    """Two-sided."""


def areas(truth: Truth, scores: Matrix, clusters: Sequence[str] | None = None) -> Areas:
    """`scores` is k × n. NaN where a class is absent, or (covariance) lies in fewer than two clusters."""
    owner = _owner(clusters, len(truth))
    if truth.all() or not truth.any():
        nothing = np.full(len(scores), np.nan)
        return Areas(nothing, np.full((len(scores), len(scores)), np.nan))
    wins, losses = _placements(truth, scores)
    values = wins.mean(axis=1)
    return Areas(values, _covariance(wins - values[:, None], losses - values[:, None], owner[truth], owner[~truth]))


def auroc_estimate(
    truth: Truth,
    scores: Scores,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    scale: Literal["plain", "logit", "chosen"] = "chosen",
) -> Estimate:
    """`chosen` takes the logit where the plain form is known to fail: above 0.95, or below 50 observations.

    An area of exactly 0 or 1 has no variance in these data, which does not mean that it is certain. Its interval is
    Wilson's for as many trials as the rarer class has clusters: the variance of an AUROC is at most A(1 − A) over
    that number (Birnbaum and Klose, Ann Math Stat 1957;28:933).
    """
    found = areas(truth, scores[None, :], clusters)
    if found.values[0] in (0.0, 1.0):
        return _without_error(float(found.values[0]), truth, clusters, level)
    value, error = float(found.values[0]), float(np.sqrt(found.covariance[0, 0]))
    near_the_end = value > HIGHEST_FOR_PLAIN or len(truth) < FEWEST_FOR_PLAIN
    by_logit = scale == "logit" or (scale == "chosen" and near_the_end)
    return (on_logit if by_logit and not math.isnan(value) else plain)(value, error, level)


def compare_areas(
    truth: Truth, first: Scores, second: Scores, clusters: Sequence[str] | None = None, level: float = 0.95
) -> Comparison:
    """The paired test: both models judged the same observations."""
    found = areas(truth, np.stack([first, second]), clusters)
    contrast = np.array([1.0, -1.0])
    difference = float(contrast @ found.values)
    variance = float(contrast @ found.covariance @ contrast)
    error = math.sqrt(max(variance, 0.0)) if not math.isnan(variance) else math.nan
    z = difference / error if error else math.nan
    same = difference == 0 and error == 0
    return Comparison(
        first=float(found.values[0]),
        second=float(found.values[1]),
        difference=plain(difference, error, level),
        z=z,
        p=1.0 if same else 2 * upper_tail(abs(z)),
    )


def _without_error(value: float, truth: Truth, clusters: Sequence[str] | None, level: float) -> Estimate:
    owner = _owner(clusters, len(truth))
    trials = min(len(np.unique(owner[truth])), len(np.unique(owner[~truth])))
    found = proportion(trials if value else 0, trials, level)
    return Estimate(value=value, low=found.low, high=found.high, level=level, error=0.0)


def _owner(clusters: Sequence[str] | None, count: int) -> npt.NDArray[np.intp]:
    if clusters is None:
        return np.arange(count)
    return np.unique(np.asarray(clusters, dtype=str), return_inverse=True)[1]


def _placements(truth: Truth, scores: Matrix) -> tuple[Matrix, Matrix]:
    """V10 (k × m) and V01 (k × n) from mid-ranks: O(n log n) instead of every pair."""
    positives, negatives = scores[:, truth], scores[:, ~truth]
    ranks = rankdata(scores, axis=1)
    wins = (ranks[:, truth] - rankdata(positives, axis=1)) / negatives.shape[1]
    losses = 1 - (ranks[:, ~truth] - rankdata(negatives, axis=1)) / positives.shape[1]
    return wins, losses


def _covariance(
    wins: Matrix, losses: Matrix, positive_owner: npt.NDArray[np.intp], negative_owner: npt.NDArray[np.intp]
) -> Matrix:
    """From deviations; the formula of the head of this file."""
    clusters = int(max(positive_owner.max(), negative_owner.max())) + 1
    d10, d01 = _sums(wins, positive_owner, clusters), _sums(losses, negative_owner, clusters)
    m, n = wins.shape[1], losses.shape[1]
    i10, i01 = len(np.unique(positive_owner)), len(np.unique(negative_owner))
    if min(i10, i01) < 2:
        return np.full((len(wins), len(wins)), np.nan)
    s10 = i10 / ((i10 - 1) * m) * d10 @ d10.T
    s01 = i01 / ((i01 - 1) * n) * d01 @ d01.T
    s11 = clusters / (clusters - 1) * d10 @ d01.T
    return s10 / m + s01 / n + (s11 + s11.T) / (m * n)


def _sums(values: Matrix, owner: npt.NDArray[np.intp], clusters: int) -> Matrix:
    return np.stack([np.bincount(owner, row, minlength=clusters) for row in values])
