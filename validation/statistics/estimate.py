"""A figure with its interval, on the scale of the figure or of its logit.

    plain      θ ± z·se
    logit      λ = ln(θ / (1 − θ)), se_λ = se / (θ (1 − θ)), interval of λ taken back by 1 / (1 + e^−λ)

The logit form stays inside 0–1, which the plain form leaves near the ends.

Source: Pepe, The Statistical Evaluation of Medical Tests, 2003, §5.2.

Worked example: θ = 0.97, se = 0.02 at 95 %. Plain 0.931 to 1.009. Logit: λ = 3.476, se_λ = 0.687, from 2.129 to
4.823, so 0.894 to 0.992.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from pydantic import BaseModel, ConfigDict


class Bounds(BaseModel):
    """A figure and its two-sided interval at `level`. NaN where it does not exist."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    level: float


class Estimate(Bounds):
    """Bounds that come from a standard error."""

    error: float


def normal_quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def upper_tail(z: float) -> float:
    """P(Z > z) of the standard normal distribution, exact far out where 1 − Φ(z) would be 0."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def two_sided(level: float) -> float:
    """z such that −z to z holds `level` of the standard normal distribution."""
    return normal_quantile(0.5 + level / 2)


def plain(value: float, error: float, level: float) -> Estimate:
    half = two_sided(level) * error
    return Estimate(value=value, low=value - half, high=value + half, level=level, error=error)


def on_logit(value: float, error: float, level: float) -> Estimate:
    """At 0 and at 1 there is no logit, and the interval is the point: it says nothing."""
    if not 0 < value < 1:
        return Estimate(value=value, low=value, high=value, level=level, error=error)
    centre, half = math.log(value / (1 - value)), two_sided(level) * error / (value * (1 - value))
    low, high = expit(centre - half), expit(centre + half)
    return Estimate(value=value, low=low, high=high, level=level, error=error)


def expit(x: float) -> float:
    """The inverse of the logit; safe for any finite x."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
