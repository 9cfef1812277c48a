"""Figures of a classifier: AUROC, intervals by resampling patients, calibration error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata  # type: ignore[import-untyped]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


def auroc(truth: npt.NDArray[np.bool_], scores: Array) -> float:
    """Mann–Whitney form with mid-ranks for ties; NaN when a class is empty."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auroc_by_patient(
    truth: npt.NDArray[np.bool_], scores: Array, patients: npt.NDArray[np.str_], resamples: int, seed: int
) -> Interval:
    """AUROC with the percentile interval of a bootstrap that draws patients, not films."""
    _, owner = np.unique(patients, return_inverse=True)
    rows = [np.flatnonzero(owner == k) for k in range(owner.max() + 1)]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        sample = np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))])
        drawn.append(auroc(truth[sample], scores[sample]))
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return Interval(auroc(truth, scores), float(low), float(high))


def mean_by_owner(values: Array, owners: Sequence[str], resamples: int, seed: int) -> Interval:
    """Mean of `values` with the percentile interval of a bootstrap that draws owners (patients, films), not values."""
    rows = [np.flatnonzero([owner == each for owner in owners]) for each in sorted(set(owners))]
    rng = np.random.default_rng(seed)
    drawn = [
        values[np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))])].mean()
        for _ in range(resamples)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def calibration_error(truth: npt.NDArray[np.bool_], probability: Array, bins: int = 15) -> float:
    """Expected calibration error over bins of equal mass."""
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, bins)
    gaps = [len(part) * abs(float(truth[part].mean() - probability[part].mean())) for part in parts if len(part)]
    return float(sum(gaps) / len(truth))


def perfect_calibration_error(probability: Array, seed: int, draws: int = 200) -> float:
    """The mean of `calibration_error` if the probabilities were the truth: what n alone brings about."""
    rng = np.random.default_rng(seed)
    return float(
        np.mean([calibration_error(rng.random(len(probability)) < probability, probability) for _ in range(draws)])
    )


def wilson(hits: int, trials: int) -> Interval:
    """A share with Wilson's 95 % interval."""
    z = 1.959964
    share = hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))
