"""Mean squared error of probabilities, and what it is made of.

    BS = 1/n Σ (pᵢ − yᵢ)²                 skill = 1 − BS / (ȳ (1 − ȳ)): against always saying the prevalence
    BS = reliability − resolution + uncertainty + within

over bins: reliability = Σ n_b/n (p̄_b − ȳ_b)², resolution = Σ n_b/n (ȳ_b − ȳ)², uncertainty = ȳ (1 − ȳ). `within` is
what the probabilities of one bin differ among themselves (variance less twice the covariance with the outcome); it
is 0 where each bin holds one value, and then the three terms are Murphy's.

Source: Brier, Mon Weather Rev 1950;78:1; Murphy, J Appl Meteorol 1973;12:595; Stephenson, Coelho and Jolliffe,
Weather Forecast 2008;23:752 (within).

Worked example: p = 0.2 0.2 0.8 0.8, y = 0 0 1 0: BS = 0.19; reliability 0.065, resolution 0.0625, uncertainty 0.1875.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from validation.statistics.auroc import Scores, Truth
from validation.statistics.reliability import BINS, Cut, bin_numbers


class Brier(BaseModel):
    """`skill` is NaN where all outcomes are the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float
    skill: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier(truth: Truth, probability: Scores, bins: int = BINS, cut: Cut = "width") -> Brier:
    """At least one observation."""
    number = bin_numbers(probability, bins, cut)
    share = np.bincount(number, minlength=bins) / len(truth)
    used = share > 0
    stated = _mean_by_bin(number, probability, bins)[used]
    observed = _mean_by_bin(number, truth.astype(float), bins)[used]
    score, prevalence = float(np.mean((probability - truth) ** 2)), float(truth.mean())
    reliability = float(share[used] @ (stated - observed) ** 2)
    resolution = float(share[used] @ (observed - prevalence) ** 2)
    uncertainty = prevalence * (1 - prevalence)
    return Brier(
        score=score,
        skill=1 - score / uncertainty if uncertainty else float("nan"),
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within=score - (reliability - resolution + uncertainty),
    )


def _mean_by_bin(number: np.ndarray, values: Scores, bins: int) -> Scores:
    count = np.bincount(number, minlength=bins)
    return np.bincount(number, values, minlength=bins) / np.maximum(count, 1)
