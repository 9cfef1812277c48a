"""How many patients a question needs. Positives run out, not studies: every answer is a number of positives.

    width of a proportion      n = z² p (1 − p) / d²                                              (Buderer)
    proportion against a bar   the least n from which on P(the bound clears the bar | truth) ≥ power   (exact)
    AUROC, variance            V(A) = 0.0099 e^(−a²/2) ((5a² + 8) + (a² + 8)/κ), a = 1.414 Φ⁻¹(A), κ = n₋/n₊
    AUROC against a value      n₊ = (z₁₋α √V(A₀) + z_β √V(A₁))² / (A₁ − A₀)²                       (Obuchowski)
    AUROC, paired difference   n₊ = (z₁₋α + z_β)² (V₁ + V₂ − 2ρ √(V₁V₂)) / Δ², non-inferiority: Δ = true + δ
    two proportions, not worse n = (z₁₋α + z_β)² (p₁(1 − p₁) + p₂(1 − p₂)) / (p₁ − p₂ + δ)² a group (Blackwelder)
    patients with m̄ images     × (1 + (m̄ − 1) ρ), ρ the correlation within a patient

Hanley and McNeil's standard error of an AUROC, which needs no data: with Q₁ = A/(2 − A), Q₂ = 2A²/(1 + A)

    se² = (A(1 − A) + (n₊ − 1)(Q₁ − A²) + (n₋ − 1)(Q₂ − A²)) / (n₊ n₋)

Source: Buderer, Acad Emerg Med 1996;3:895; Obuchowski and McClish, Stat Med 1997;16:1529; Hanley and McNeil,
Radiology 1982;143:29; Blackwelder, Control Clin Trials 1982;3:345; Donner and Klar (clusters).

Worked examples: 0.90 ± 0.05: 139 positives. Truth 0.92 against the bar 0.85, one-sided 95 % Wilson: 124 at power
0.8, 172 at 0.9. AUROC 0.8 against 0.5, power 0.9, κ = 1: 16.6192 (R, pROC 1.18.0). Hanley and McNeil's CT study:
0.8932 with 51 and 58: se 0.0325.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import binom  # type: ignore[import-untyped]

from validation.statistics.estimate import normal_quantile, two_sided

LARGEST = 100_000


def positives_for_width(share: float, half_width: float, level: float = 0.95) -> int:
    return math.ceil(two_sided(level) ** 2 * share * (1 - share) / half_width**2)


def studies_for(positives: float, prevalence: float) -> int:
    """How many studies hold that many positives on average."""
    return math.ceil(positives / prevalence)


def positives_for_lower_bound(truth: float, bar: float, power: float, alpha: float = 0.05) -> int:
    """Wilson's one-sided lower bound at `alpha` has to reach `bar`. Raises `ValueError` if no number will do.

    Power is not monotone in n: it falls where one more failure is not yet allowed. The answer is the first n that
    has the power, as published tables have it.
    """
    if not truth > bar:
        raise ValueError("the truth must lie above the bar")
    n = np.arange(1, LARGEST)
    enough = np.flatnonzero(binom.sf(_fewest_hits(n, bar, alpha) - 1, n, truth) >= power)
    if not len(enough):
        raise ValueError(f"more than {LARGEST} positives")
    return int(n[enough[0]])


def power_of_lower_bound(positives: int, truth: float, bar: float, alpha: float = 0.05) -> float:
    """Exact binomial probability that Wilson's one-sided lower bound reaches `bar`."""
    return float(binom.sf(_fewest_hits(np.array(positives), bar, alpha) - 1, positives, truth))


def auroc_variance(area: float, ratio: float) -> float:
    """Variance of an AUROC times the number of positives, binormal; `ratio` is negatives per positive."""
    a = 1.414 * normal_quantile(area)
    return 0.0099 * math.exp(-(a**2) / 2) * ((5 * a**2 + 8) + (a**2 + 8) / ratio)


def positives_for_auroc(
    area: float, against: float = 0.5, power: float = 0.9, alpha: float = 0.025, ratio: float = 1.0
) -> float:
    """`alpha` is one-sided (0.025 is what R's `power.roc.test` does by default); not rounded."""
    null, true = math.sqrt(auroc_variance(against, ratio)), math.sqrt(auroc_variance(area, ratio))
    z_alpha, z_beta = normal_quantile(1 - alpha), normal_quantile(power)
    return (z_alpha * null + z_beta * true) ** 2 / (area - against) ** 2


def power_of_auroc(
    positives: float, negatives: float, area: float, against: float = 0.5, alpha: float = 0.025
) -> float:
    ratio = negatives / positives
    null, true = math.sqrt(auroc_variance(against, ratio)), math.sqrt(auroc_variance(area, ratio))
    z = (math.sqrt(positives) * abs(area - against) - normal_quantile(1 - alpha) * null) / true
    return 0.5 * math.erfc(-z / math.sqrt(2))


def positives_for_noninferior_auroc(
    old: float,
    new: float,
    margin: float,
    correlation: float,
    power: float = 0.8,
    alpha: float = 0.025,
    ratio: float = 1.0,
) -> float:
    """Both models on the same studies; `correlation` is that of the two areas. Not rounded."""
    v_old, v_new = auroc_variance(old, ratio), auroc_variance(new, ratio)
    variance = v_old + v_new - 2 * correlation * math.sqrt(v_old * v_new)
    return (_z_sum(alpha, power) / _room(new - old + margin)) ** 2 * variance


def group_for_noninferior_proportion(
    old: float, new: float, margin: float, power: float = 0.8, alpha: float = 0.025
) -> int:
    """Observations in each of two independent groups."""
    variance = old * (1 - old) + new * (1 - new)
    return math.ceil((_z_sum(alpha, power) / _room(new - old + margin)) ** 2 * variance)


def design_effect(images_per_patient: float, correlation: float) -> float:
    """By how much to multiply, where patients have several images."""
    return 1 + (images_per_patient - 1) * correlation


def hanley_mcneil_error(area: float, positives: int, negatives: int) -> float:
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return math.sqrt(spread / (positives * negatives))


def chance_of_passing_a_floor(floor: float, positives: int, negatives: int) -> float:
    """P(AUROC > floor) of a model that knows nothing: the null is normal with variance (n + 1) / (12 n₊ n₋)."""
    spread = math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    return 0.5 * math.erfc((floor - 0.5) / spread / math.sqrt(2))


def _fewest_hits(n: npt.NDArray[np.int_], bar: float, alpha: float) -> npt.NDArray[np.float64]:
    """Wilson's bound reaches the bar where the score statistic reaches z."""
    return np.ceil(n * bar + normal_quantile(1 - alpha) * np.sqrt(n * bar * (1 - bar)) - 1e-9)


def _z_sum(alpha: float, power: float) -> float:
    return normal_quantile(1 - alpha) + normal_quantile(power)


def _room(distance: float) -> float:
    if not distance > 0:
        raise ValueError("the true difference lies beyond the margin: no number of patients will do")
    return distance
