"""Stated probability against observed share, bin by bin.

Bins of equal width cut 0–1 into equal parts, [0, 1/B) … [1 − 1/B, 1]; bins of equal mass hold equally many
observations. A bin without observations is left out. Each observed share has its Wilson interval.

    ECE = Σ_b n_b/n · |observed_b − stated_b|          MCE = max_b |observed_b − stated_b|

**ECE is biased upwards in small samples**: a perfectly calibrated model has ECE > 0. `calibration_error` therefore
gives, beside the figure, its mean and its 95th percentile if every stated probability were true, by simulation on
the same probabilities; a figure below that percentile is no evidence of miscalibration, one above it is.

Source: Naeini, Cooper and Hauskrecht, AAAI 2015; Bröcker and Smith, Weather Forecast 2007;22:651 (the null);
Roelofs et al., AISTATS 2022 (the bias).

Worked example: stated 0.2 0.2 0.8 0.8, true 0 0 1 1, two bins: gaps 0.2 and 0.2, ECE 0.2. Probabilities from
Beta(1, 4), 15 bins, perfectly calibrated: mean ECE 0.066 at n = 200, 0.030 at 1000.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from validation.statistics.auroc import Scores, Truth
from validation.statistics.estimate import Bounds
from validation.statistics.proportions import proportion

Cut = Literal["width", "mass"]
BINS = 15


class Bin(BaseModel):
    """`stated` is the mean probability of the bin, `observed` the share that came true."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    stated: float
    observed: Bounds


class CalibrationError(BaseModel):
    """ECE, and what it would be if the model were perfectly calibrated: mean, and 95th percentile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    largest: float
    """The largest gap of a bin (MCE)."""
    expected: float
    expected_p95: float
    bins: int
    cut: Cut

    @property
    def beyond_chance(self) -> bool:
        return self.value > self.expected_p95


def bin_numbers(probability: Scores, bins: int, cut: Cut) -> npt.NDArray[np.intp]:
    """The bin of each observation, from 0; equal probabilities share a bin when cut by width."""
    if cut == "width":
        return np.minimum((probability * bins).astype(np.intp), bins - 1)
    number = np.empty(len(probability), dtype=np.intp)
    for k, part in enumerate(np.array_split(np.argsort(probability, kind="stable"), bins)):
        number[part] = k
    return number


def reliability(truth: Truth, probability: Scores, bins: int = BINS, cut: Cut = "width") -> tuple[Bin, ...]:
    number = bin_numbers(probability, bins, cut)
    return tuple(
        Bin(
            count=int(here.sum()),
            stated=float(probability[here].mean()),
            observed=proportion(int(truth[here].sum()), int(here.sum())),
        )
        for k in range(bins)
        if (here := number == k).any()
    )


def calibration_error(
    truth: Truth, probability: Scores, seed: int, bins: int = BINS, cut: Cut = "width", draws: int = 500
) -> CalibrationError:
    """At least one observation. The null takes observations as independent: by patient, judge one film each."""
    number = bin_numbers(probability, bins, cut)
    stated = np.bincount(number, probability, minlength=bins)
    count = np.bincount(number, minlength=bins)

    def gaps(outcome: npt.NDArray[np.bool_]) -> Scores:
        return np.abs(np.bincount(number, outcome, minlength=bins) - stated)

    rng = np.random.default_rng(seed)
    null = [gaps(rng.random(len(probability)) < probability).sum() / len(probability) for _ in range(draws)]
    found = gaps(truth)
    return CalibrationError(
        value=float(found.sum() / len(probability)),
        largest=float((found[count > 0] / count[count > 0]).max()),
        expected=float(np.mean(null)),
        expected_p95=float(np.percentile(null, 95)),
        bins=bins,
        cut=cut,
    )
