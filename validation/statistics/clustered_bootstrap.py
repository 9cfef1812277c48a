"""Intervals where observations come in clusters: the images of one patient are not independent.

Clusters (patients) are drawn with replacement, as many as there are, each with all its observations; the interval
holds the middle `level` of the statistic over the draws (percentile method). Draws in which the statistic does not
exist (one class only) are dropped, and their number is told.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13; Field and Welsh, J R Stat Soc B
2007;69:369 (clusters).

Worked example: one patient with the values 0 0, one with 1 1; the mean of a draw is 0 (¼), ½ (½) or 1 (¼), so that
the interval is 0 to 1. Drawing the four values one by one would give 0 in 1 draw of 16 only: too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Weights = npt.NDArray[np.float64]


class Resampling(BaseModel):
    """How intervals are made; a result records it. The default seed is arbitrary, but fixed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    draws: int = 2000
    level: float = 0.95
    seed: int = 20261123


class Interval(BaseModel):
    """A statistic and its interval at the level of the resampling. NaN where no draw had a value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    dropped: int
    """Draws in which the statistic did not exist."""


def clustered_interval(
    statistic: Callable[[Weights], float], clusters: Sequence[str], resampling: Resampling, purpose: str
) -> Interval:
    """Interval of a statistic of n weighted observations, `clusters[i]` the cluster of the i-th.

    `purpose` gives each statistic random numbers of its own, so that adding one does not change another's interval.
    """
    _, owner = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    count = int(owner.max()) + 1
    rng = np.random.default_rng(np.random.SeedSequence([resampling.seed, *purpose.encode()]))
    drawn = np.array([statistic(_multiplicity(rng, count)[owner]) for _ in range(resampling.draws)])
    kept = drawn[np.isfinite(drawn)]
    tail = 50 * (1 - resampling.level)
    low, high = np.percentile(kept, [tail, 100 - tail]) if len(kept) else (np.nan, np.nan)
    dropped = len(drawn) - len(kept)
    return Interval(value=statistic(np.ones(len(owner))), low=float(low), high=float(high), dropped=dropped)


def clustered_difference(
    first: Callable[[Weights], float],
    second: Callable[[Weights], float],
    clusters: Sequence[str],
    resampling: Resampling,
    purpose: str,
) -> Interval:
    """Interval of first less second of two statistics of the same n observations: both see the same draws."""
    return clustered_interval(lambda weights: first(weights) - second(weights), clusters, resampling, purpose)


def _multiplicity(rng: np.random.Generator, count: int) -> Weights:
    """How often each of `count` clusters is in one draw."""
    return np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
