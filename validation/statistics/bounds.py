"""A threshold is judged by the interval, never by the point.

    at least t:   met where low ≥ t;  not met where high < t;   undecided where the interval straddles t
    at most t:    met where high ≤ t; not met where low > t;    undecided where the interval straddles t

"Met" at level 95 % is a one-sided test at 2.5 %. An undecided criterion is never rounded up: the cure is more data.

Worked example: sensitivity 0.91 with the interval 0.86 to 0.95 is met for "at least 0.85", undecided for "at least
0.90", not met for "at least 0.96".
"""

from __future__ import annotations

import math
from typing import Literal

Outcome = Literal["met", "not met", "undecided"]


def at_least(low: float, high: float, threshold: float) -> Outcome:
    if math.isnan(low) or math.isnan(high):
        return "undecided"
    if low >= threshold:
        return "met"
    return "not met" if high < threshold else "undecided"


def at_most(low: float, high: float, threshold: float) -> Outcome:
    return at_least(-high, -low, -threshold)
