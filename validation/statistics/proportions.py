"""A share of n independent trials: Wilson's interval, and the exact one of Clopper and Pearson.

    Wilson            (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
    Clopper–Pearson   quantiles of Beta(k, n − k + 1) and Beta(k + 1, n − k): never holds less than it says

Zero failures are not zero risk: the one-sided upper bound after n trials without one is 1 − α^(1/n).
Where a patient has several images the trials are not independent: see `clustered_bootstrap.py`.

Source: Newcombe, Stat Med 1998;17:857; Clopper and Pearson, Biometrika 1934;26:404; both by scipy.

Worked example (Newcombe): 81 of 263: Wilson 0.2553 to 0.3662, Clopper–Pearson 0.2527 to 0.3676. 0 of 20: upper end
0.161 and 0.168. To show that at most 5, 2, 1 % fail: 59, 149, 299 trials without failure.
"""

from __future__ import annotations

import math
from typing import Literal

from scipy.stats import binomtest  # type: ignore[import-untyped]

from validation.statistics.estimate import Bounds

Method = Literal["wilson", "exact"]


def proportion(hits: int, trials: int, level: float = 0.95, method: Method = "wilson") -> Bounds:
    """NaN bounds, 0 to 1, where there was no trial: nothing is known."""
    if not trials:
        return Bounds(value=math.nan, low=0.0, high=1.0, level=level)
    found = binomtest(hits, trials).proportion_ci(level, method=method)
    return Bounds(value=hits / trials, low=float(found.low), high=float(found.high), level=level)


def upper_bound_without_failure(trials: int, alpha: float = 0.05) -> float:
    """The largest risk that `trials` without a single failure leave open."""
    return 1 - alpha ** (1 / trials) if trials else 1.0


def trials_without_failure(risk: float, alpha: float = 0.05) -> int:
    """How many trials without failure bring the upper bound down to `risk`."""
    return math.ceil(math.log(alpha) / math.log1p(-risk))
