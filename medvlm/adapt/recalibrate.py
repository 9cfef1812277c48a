"""A probability for a taught finding: Platt's map on scores of left-out patients, held near a cautious prior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medvlm.engine.calibration import FindingCalibration

Array = npt.NDArray[np.float64]

PRIOR_SLOPE, SLOPE_SPREAD = 0.7, 0.3
PRIOR_INTERCEPT, INTERCEPT_SPREAD = 0.0, 0.5
"""Scores of a dozen are too sure of themselves: the prior slope is below 1, and a dozen films hardly move it."""
_RATIO = 2.0
"""The film must move the odds by so much, either way, before a word is said."""


def recalibrate(z: Array, truth: npt.NDArray[np.bool_], wordings: tuple[str, ...]) -> FindingCalibration:
    """z (n,) of each film when its patient was left out."""
    slope, intercept = platt_with_prior(z, truth)
    prevalence = float(truth.mean())
    odds = prevalence / (1 - prevalence)
    return FindingCalibration(
        slope=slope,
        intercept=intercept,
        present_from=max(0.5, odds * _RATIO / (1 + odds * _RATIO)),
        absent_to=min(0.5, odds / _RATIO / (1 + odds / _RATIO)),
        prevalence=prevalence,
        wordings=wordings,
    )


def platt_with_prior(z: Array, truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope (at least 0.05) and intercept of σ(slope·z + intercept) that maximise the posterior, by Newton's method."""
    design = np.stack([z, np.ones_like(z)], 1)
    centre = np.array([PRIOR_SLOPE, PRIOR_INTERCEPT])
    precision = np.diag([SLOPE_SPREAD**-2, INTERCEPT_SPREAD**-2])
    weights = centre.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (p - truth) + precision @ (weights - centre)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + precision
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    return max(0.05, float(weights[0])), float(weights[1])
