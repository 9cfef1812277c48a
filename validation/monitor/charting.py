"""One rate by week against its baseline, on two charts whose false alarms are a part of one budget a year.

    sudden    hits of the week outside the exact binomial limits
    lasting   EWMA of normal scores outside ± L √(λ/(2 − λ) · (1 − (1 − λ)²ᵗ)); L from the wanted run length

A normal score is Φ⁻¹ of the mid-p of the week's hits: (p̂ − p₀)/σ is too skewed near 0 and 1, where agreement lies, and
would give many times the designed number of false alarms. The baseline is itself an estimate. Both limits are
therefore those of the ends of its interval, so that an unlucky baseline is not an alarm; for the EWMA that widens
each limit by what the end of the interval would shift the score by, averaged as the scores are.

Source: Montgomery, Introduction to Statistical Quality Control, 2013, ch. 7 and 9; Jensen et al., J Qual Technol
2006;38:349 (estimated limits); Lancaster, J Am Stat Assoc 1961;56:223 (mid-p).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.optimize import brentq  # type: ignore[import-untyped]
from scipy.stats import binom, norm  # type: ignore[import-untyped]

from validation.cases import Frozen
from validation.monitor.baseline import FEWEST, Rate
from validation.statistics.control_charts import Ewma, ewma_chart, ewma_run_length

WEEKS_A_YEAR = 52
WEIGHT = 0.2
SMALLEST_LIMIT, LARGEST_LIMIT = 1.5, 6.0
LARGEST_SCORE = 8.0

Alarm = Literal["", "sudden", "lasting"]


class Design(Frozen):
    """False alarms a year that are accepted: over all charts of one kind, half by each rule; and by tests of drift.

    Overrides and refusals, which sum up, have a budget of their own, so that they do not wait for fourteen findings.
    """

    summaries: float = Field(default=0.3, gt=0)
    findings: float = Field(default=0.3, gt=0)
    drift: float = Field(default=0.2, gt=0)


class Week(Frozen):
    """`low` and `high` are the limits of the rate; `ewma_low` and `ewma_high` those of the EWMA of its scores."""

    week: date
    """Its Monday."""
    hits: int
    n: int
    low: float
    high: float
    ewma: float
    ewma_low: float
    ewma_high: float
    alarm: Alarm

    @property
    def rate(self) -> float:
        return self.hits / self.n


class Chart(Frozen):
    """`words` say why there is no chart. `run_length`: weeks until a false alarm by the EWMA, on average."""

    what: Literal["agreement", "override", "refusal"]
    finding: str = ""
    baseline: Rate
    centre: float
    limit: float = 0.0
    run_length: float = 0.0
    detects: float = 0.0
    """Weeks until an alarm by the EWMA, on average, after a shift of one standard deviation of a week's rate."""
    weeks: tuple[Week, ...] = ()
    words: str = ""

    @property
    def alarms(self) -> tuple[Week, ...]:
        return tuple(each for each in self.weeks if each.alarm)


def chart(
    what: Literal["agreement", "override", "refusal"],
    finding: str,
    baseline: Rate,
    weeks: Mapping[date, Rate],
    false_alarms_a_year: float,
) -> Chart:
    """`false_alarms_a_year` is this chart's part of the budget. Weeks without a case are left out."""
    base = Chart(what=what, finding=finding, baseline=baseline, centre=baseline.centre)
    seen = [(week, rate) for week, rate in sorted(weeks.items()) if rate.n]
    if baseline.n < FEWEST:
        return base.model_copy(update={"words": f"the baseline has {baseline.n} cases: fewer than {FEWEST}"})
    if not seen:
        return base.model_copy(update={"words": "no case since the baseline"})
    rule = designed(WEEKS_A_YEAR / (false_alarms_a_year / 2))
    tail = false_alarms_a_year / 2 / WEEKS_A_YEAR / 2
    return base.model_copy(
        update={
            "limit": rule.ewma.limit,
            "run_length": rule.run_length,
            "detects": rule.detects,
            "weeks": _weeks(baseline, seen, rule.ewma, tail),
        }
    )


@dataclass(frozen=True)
class Rule:
    """An EWMA with its mean run lengths in control, and after a shift of one standard deviation."""

    ewma: Ewma
    run_length: float
    detects: float


@cache
def designed(run_length: float) -> Rule:
    """The EWMA with that many weeks between false alarms."""

    def excess(limit: float) -> float:
        return math.log(ewma_run_length(Ewma(weight=WEIGHT, limit=limit)) / run_length)

    ewma = Ewma(weight=WEIGHT, limit=float(brentq(excess, SMALLEST_LIMIT, LARGEST_LIMIT, xtol=1e-3)))
    return Rule(ewma, ewma_run_length(ewma), ewma_run_length(ewma, 1.0))


def _weeks(baseline: Rate, seen: Sequence[tuple[date, Rate]], ewma: Ewma, tail: float) -> tuple[Week, ...]:
    hits, n = (np.array([getattr(rate, key) for _, rate in seen]) for key in ("hits", "n"))
    centre, bounds = baseline.centre, baseline.bounds
    least, most = np.floor(binom.ppf(tail, n, bounds.low)), np.ceil(binom.isf(tail, n, bounds.high))
    spread = np.sqrt(centre * (1 - centre) / n)
    below = _averaged((centre - min(bounds.low, centre)) / spread, ewma)
    above = _averaged((max(bounds.high, centre) - centre) / spread, ewma)
    points = ewma_chart(scores(hits, n, centre), ewma)
    made = []
    for k, (week, rate) in enumerate(seen):
        low, high = points[k].low - below[k], points[k].high + above[k]
        sudden = not least[k] <= rate.hits <= most[k]
        lasting = not low <= points[k].value <= high
        made.append(
            Week(
                week=week,
                hits=rate.hits,
                n=rate.n,
                low=float(max(least[k], 0) / rate.n),
                high=float(min(most[k], rate.n) / rate.n),
                ewma=points[k].value,
                ewma_low=float(low),
                ewma_high=float(high),
                alarm="sudden" if sudden else "lasting" if lasting else "",
            )
        )
    return tuple(made)


def scores(
    hits: np.ndarray[tuple[int], np.dtype[np.int64]], n: np.ndarray[tuple[int], np.dtype[np.int64]], rate: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Normal score of the mid-p of each week's hits; in control its mean is near 0 and its variance at most 1."""
    below = binom.cdf(hits - 1, n, rate)
    middle = below + binom.pmf(hits, n, rate) / 2
    upper = binom.sf(hits, n, rate) + binom.pmf(hits, n, rate) / 2
    # From the nearer tail: 1 − 1e−20 is 1.
    score = np.where(middle < 0.5, norm.ppf(middle), -norm.ppf(upper))
    return np.asarray(np.clip(score, -LARGEST_SCORE, LARGEST_SCORE), dtype=np.float64)


def _averaged(shift: np.ndarray[tuple[int], np.dtype[np.float64]], ewma: Ewma) -> list[float]:
    values, value = [], 0.0
    for each in shift:
        value = ewma.weight * float(each) + (1 - ewma.weight) * value
        values.append(value)
    return values
