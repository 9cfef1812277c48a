"""The difference of two shares of independent groups, p₁ − p₂.

Newcombe's hybrid: with the Wilson intervals l₁ u₁ and l₂ u₂,

    d − √((p₁ − l₁)² + (u₂ − p₂)²)   to   d + √((u₁ − p₁)² + (p₂ − l₂)²)

Miettinen and Nurminen: every δ that the score test does not reject,

    (d − δ)² = z² · (p̃₁(1 − p̃₁)/n₁ + p̃₂(1 − p̃₂)/n₂) · N/(N − 1),   p̃ the likeliest shares with p̃₁ − p̃₂ = δ

The restricted likelihood has one maximum; it is found by a bounded search, not by the cubic's closed form, which
loses its digits where the cubic has a double root (the packaged versions that use it fail on small tables).

Source: Newcombe, Stat Med 1998;17:873, methods 10 and 6; Miettinen and Nurminen, Stat Med 1985;4:213.

Worked example (Newcombe, table II, a): 56/70 − 48/80 = 0.2: hybrid 0.0524 to 0.3339; Miettinen–Nurminen 0.0528 to
0.3382.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq  # type: ignore[import-untyped]

from validation.statistics.estimate import Bounds, two_sided
from validation.statistics.proportions import proportion

EDGE, BESIDE = 1e-12, 1e-9


@dataclass(frozen=True)
class Counts:
    """`hits` of `trials`; at least one trial."""

    hits: int
    trials: int

    @property
    def share(self) -> float:
        return self.hits / self.trials


def newcombe(first: Counts, second: Counts, level: float = 0.95) -> Bounds:
    a, b = proportion(first.hits, first.trials, level), proportion(second.hits, second.trials, level)
    d = a.value - b.value
    low = d - math.hypot(a.value - a.low, b.high - b.value)
    high = d + math.hypot(a.high - a.value, b.value - b.low)
    return Bounds(value=d, low=low, high=high, level=level)


def miettinen_nurminen(first: Counts, second: Counts, level: float = 0.95) -> Bounds:
    d, z = first.share - second.share, two_sided(level)

    def beyond(delta: float) -> float:
        return abs(d - delta) - z * math.sqrt(_variance(first, second, delta))

    # Beside d, not at it: where d is ±1 the variance there is 0 too, and d would pass for a root.
    low = -1.0 if beyond(-1 + EDGE) <= 0 else brentq(beyond, -1 + EDGE, d - BESIDE, xtol=1e-12)
    high = 1.0 if beyond(1 - EDGE) <= 0 else brentq(beyond, d + BESIDE, 1 - EDGE, xtol=1e-12)
    return Bounds(value=d, low=float(low), high=float(high), level=level)


def _variance(first: Counts, second: Counts, delta: float) -> float:
    """Of the difference, at the restricted maximum, with the correction N / (N − 1)."""
    q = _restricted_share(first, second, delta)
    p, total = min(max(q + delta, 0.0), 1.0), first.trials + second.trials
    return (p * (1 - p) / first.trials + q * (1 - q) / second.trials) * total / (total - 1)


def _restricted_share(first: Counts, second: Counts, delta: float) -> float:
    """p̃₂ that makes the tables likeliest under p̃₁ = p̃₂ + δ: the root of the falling slope of the log-likelihood."""
    low, high = max(0.0, -delta) + EDGE, min(1.0, 1.0 - delta) - EDGE
    if low >= high:
        return (low + high) / 2

    def slope(q: float) -> float:
        return _slope(first, q + delta) + _slope(second, q)

    if slope(low) <= 0:
        return low
    return high if slope(high) >= 0 else float(brentq(slope, low, high, xtol=1e-14))


def _slope(counts: Counts, p: float) -> float:
    p = min(max(p, EDGE), 1 - EDGE)
    return counts.hits / p - (counts.trials - counts.hits) / (1 - p)
