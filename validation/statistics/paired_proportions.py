"""Two models' decisions on the same observations: b right by the first only, c right by the second only, n in all.

    McNemar, exact    b of b + c under a fair coin, two-sided
    McNemar, χ²       (|b − c| − k)² / (b + c), k = 1 with the correction of continuity, else 0
    difference        (b − c)/n; interval of Bonett and Price: p₁ = (b + 1)/(n + 2), p₂ = (c + 1)/(n + 2),
                      p₁ − p₂ ± z √((p₁ + p₂ − (p₁ − p₂)²)/(n + 2))

Where a patient has several images use `clustered_difference` of `clustered_bootstrap.py` instead.

Source: McNemar, Psychometrika 1947;12:153; Bonett and Price, J Educ Behav Stat 2012;37:479; Fagerland, Lydersen and
Laake, Stat Med 2014;33:2850 (which recommends the last).

Worked example, the table [[101, 121], [59, 33]]: exact p 4.434e-06; χ² 21.356, with the correction 20.672.
"""

from __future__ import annotations

import math

from scipy.stats import binomtest, chi2  # type: ignore[import-untyped]

from validation.statistics.estimate import Bounds, two_sided


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Two-sided p; 1 where the models never disagree."""
    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0


def mcnemar_chi_square(first_only: int, second_only: int, continuity: bool = True) -> tuple[float, float]:
    """χ² with one degree of freedom, and p. For many discordant pairs (25 and more)."""
    discordant = first_only + second_only
    if not discordant:
        return 0.0, 1.0
    distance = max(abs(first_only - second_only) - int(continuity), 0)
    statistic = distance**2 / discordant
    return statistic, float(chi2.sf(statistic, 1))


def paired_difference(first_only: int, second_only: int, total: int, level: float = 0.95) -> Bounds:
    """Share right of the first model less that of the second, at least one observation."""
    p, q = (first_only + 1) / (total + 2), (second_only + 1) / (total + 2)
    half = two_sided(level) * math.sqrt((p + q - (p - q) ** 2) / (total + 2))
    low, high = max(p - q - half, -1.0), min(p - q + half, 1.0)
    return Bounds(value=(first_only - second_only) / total, low=low, high=high, level=level)
