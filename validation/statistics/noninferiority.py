"""Is the new model not worse than the old by more than a margin fixed beforehand?

    H₀: new − old ≤ −δ.   bound = d − z₁₋α·se;   p = 1 − Φ((d + δ) / se);   shown where bound > −δ

d the difference new − old of a figure of which more is better, δ > 0 the margin. The test is one-sided. That a
difference is not significant is no evidence of non-inferiority, so there is no such outcome here: where the interval
straddles −δ the answer is "undecided".

Source: Blackwelder, Control Clin Trials 1982;3:345; FDA, Non-Inferiority Clinical Trials, 2016; for AUROC Obuchowski,
Acad Radiol 1997;4:755.

Worked example: d = −0.004, se = 0.006, δ = 0.02, α = 0.025: bound −0.0158 > −0.02, p = 0.0038: met.
"""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict

from validation.statistics.bounds import Outcome
from validation.statistics.estimate import normal_quantile, upper_tail


class NonInferiority(BaseModel):
    """`bound` is the one-sided lower bound of new − old."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    difference: float
    error: float
    margin: float
    alpha: float
    bound: float
    p: float
    outcome: Outcome


def noninferior(difference: float, error: float, margin: float, alpha: float = 0.025) -> NonInferiority:
    """Raises `ValueError` for a margin that is not above 0: without one there is nothing to show."""
    if not margin > 0:
        raise ValueError("a margin of non-inferiority must be above 0")
    half = normal_quantile(1 - alpha) * error
    return NonInferiority(
        difference=difference,
        error=error,
        margin=margin,
        alpha=alpha,
        bound=difference - half,
        p=upper_tail((difference + margin) / error) if error else math.nan,
        outcome=_outcome(difference, half, margin),
    )


def _outcome(difference: float, half: float, margin: float) -> Outcome:
    # Without spread, or without a figure, nothing is known: two identical files are not a proof.
    if math.isnan(difference) or not half > 0:
        return "undecided"
    if difference - half > -margin:
        return "met"
    return "not met" if difference + half < -margin else "undecided"
