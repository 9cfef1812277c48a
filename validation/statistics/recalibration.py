"""How stated probabilities would have to be bent to be true: slope and intercept on the logit scale.

    logit P(y = 1) = a + b · logit p           b < 1: over-confident (too extreme); b > 1: too timid
    calibration in the large: the a of the same model with b held at 1: > 0 means that too little was stated

Fitted by Newton's method; the covariance is the sandwich B (Σ_c u_c u_cᵀ) B · G/(G − 1) over G clusters (patients), B
the inverse of the information, u_c the score of a cluster. With one observation a cluster it is the usual robust one.

Source: Cox, Biometrika 1958;45:562; Van Calster et al., J Clin Epidemiol 2016;74:167; Liang and Zeger, Biometrika
1986;73:13 (clusters).

Worked example (R 4.2, `glm(y ~ a, binomial)`), i = 0 … 59, y = 1 where i is a multiple of 3, a = (17 i mod 23) + 6 y:
intercept −2.3005910, slope 0.1139199; sandwich errors 0.6865676 and 0.0398536, by clusters of four 0.6683513 and
0.0442342.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from validation.statistics.auroc import Scores, Truth
from validation.statistics.estimate import Estimate, plain

Matrix = npt.NDArray[np.float64]

STEPS, TOLERANCE = 60, 1e-10
SMALLEST = 1e-6
"""Probabilities of exactly 0 or 1 have no logit: they count as this far from the end."""


class Recalibration(BaseModel):
    """NaN where the fit does not exist: one class only, or classes that the probabilities part without error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate


@dataclass(frozen=True)
class Fit:
    """Coefficients (k) of a logistic regression and their covariance (k × k)."""

    coefficients: Scores
    covariance: Matrix


def recalibration(
    truth: Truth, probability: Scores, clusters: Sequence[str] | None = None, level: float = 0.95
) -> Recalibration:
    x = _logit(probability)
    ones = np.ones(len(x))
    both = logistic_fit(truth, np.column_stack([ones, x]), np.zeros(len(x)), clusters)
    alone = logistic_fit(truth, ones[:, None], x, clusters)
    return Recalibration(
        slope=_estimate(both, 1, level),
        intercept=_estimate(both, 0, level),
        in_the_large=_estimate(alone, 0, level),
    )


def logistic_fit(truth: Truth, design: Matrix, offset: Scores, clusters: Sequence[str] | None = None) -> Fit:
    """`design` is n × k with the column of ones where one is wanted; NaN where the likelihood has no maximum."""
    width = design.shape[1]
    nothing = Fit(np.full(width, np.nan), np.full((width, width), np.nan))
    if truth.all() or not truth.any():
        return nothing
    beta = np.zeros(width)
    for _ in range(STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(offset + design @ beta, -500, 500)))
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        if np.linalg.cond(information) > 1 / np.finfo(float).eps:
            return nothing
        step = np.linalg.solve(information, design.T @ (truth - fitted))
        beta = beta + step
        if np.abs(step).max() < TOLERANCE:
            bread: Matrix = np.linalg.inv(information).astype(np.float64)
            return Fit(beta, _sandwich(bread, design * (truth - fitted)[:, None], clusters))
    return nothing


def _sandwich(bread: Matrix, scores: Matrix, clusters: Sequence[str] | None) -> Matrix:
    owner = np.arange(len(scores)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    count = int(owner.max()) + 1
    if count < 2:
        return np.full_like(bread, np.nan)
    summed = np.column_stack([np.bincount(owner, column, minlength=count) for column in scores.T])
    return bread @ (summed.T @ summed) @ bread * count / (count - 1)


def _estimate(fit: Fit, index: int, level: float) -> Estimate:
    return plain(float(fit.coefficients[index]), float(np.sqrt(fit.covariance[index, index])), level)


def _logit(probability: Scores) -> Scores:
    inside = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.log(inside / (1 - inside))
