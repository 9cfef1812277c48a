"""Calibration on films held apart: Platt's map and the limits of the words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize  # type: ignore[import-untyped]

from medvlm.engine.calibration import Calibration, FindingCalibration
from medvlm.train.films import FINDINGS, Films
from medvlm.train.readout import WORDINGS, Readout

Array = npt.NDArray[np.float64]

_MISSED = 0.10
"""Expected share of the films with a finding that may be called "absent"."""
LEAST_PRESENT = 0.5
"""Nothing is called present that is less likely than not, however rare it is."""
_LIKELIHOOD_RATIO = 2.0
"""The least by which the film must move the odds, either way, before a word is said."""
_VIEW_RIGHT = 0.99


def fit_calibration(read: Readout, films: Films, blanks: Array) -> Calibration:
    """Every finding calibrated; none assessed yet. blanks (m, findings): z of flat pictures, the mid-grey one first."""
    findings = {name: _fit_finding(name, read.z[:, k], films.labels[:, k] > 0.5) for k, name in enumerate(FINDINGS)}
    slopes = np.array([findings[name].slope for name in FINDINGS])
    floor = float(np.percentile(np.abs((blanks[1:] - blanks[0]) * slopes), 95))
    return Calibration(findings=findings, assessed=(), reliance_floor=floor, view_margin=view_margin(read.ap, films.ap))


def _fit_finding(name: str, z: Array, truth: npt.NDArray[np.bool_]) -> FindingCalibration:
    slope, intercept = platt(z, truth)
    probability = 1.0 / (1.0 + np.exp(-(slope * z + intercept)))
    prevalence = float(truth.mean())
    return FindingCalibration(
        slope=slope,
        intercept=intercept,
        present_from=max(best_expected_f1(probability), moved(prevalence, _LIKELIHOOD_RATIO), LEAST_PRESENT),
        absent_to=min(largest_missing(probability, _MISSED), moved(prevalence, 1 / _LIKELIHOOD_RATIO)),
        prevalence=prevalence,
        wordings=WORDINGS[name],
    )


def platt(z: Array, truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of σ(slope·z + intercept) by maximum likelihood, drawn towards slope 1 and intercept 0.

    The pull (variance 1 a parameter) matters only where positives are few. The slope stays positive.
    """

    def loss(parameters: Array) -> float:
        slope, intercept = parameters
        logits = slope * z + intercept
        pull = 0.5 * ((slope - 1.0) ** 2 + intercept**2)
        return float(np.logaddexp(0.0, logits).sum() - logits[truth].sum() + pull)

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), bounds=[(0.05, 5.0), (-10.0, 10.0)]).x
    return float(slope), float(intercept)


def best_expected_f1(probability: Array) -> float:
    """The limit that maximises the F1 to be expected if the probabilities are right."""
    ordered = np.sort(probability)[::-1]
    hits = ordered.cumsum()
    f1 = 2 * hits / (np.arange(1, len(ordered) + 1) + hits[-1])
    return float(ordered[int(f1.argmax())])


def largest_missing(probability: Array, missed: float) -> float:
    """The largest limit under which at most a share `missed` of the expected positives lies."""
    ordered = np.sort(probability)
    below = ordered.cumsum() / ordered.sum()
    return float(ordered[max(0, int(np.searchsorted(below, missed)) - 1)])


def moved(prevalence: float, ratio: float) -> float:
    """The probability after a likelihood ratio; a prevalence of 0 stays one film in ten thousand."""
    odds = max(prevalence, 1e-4) / (1 - min(prevalence, 1 - 1e-4)) * ratio
    return odds / (1 + odds)


def view_margin(ap_log_odds: Array, ap: npt.NDArray[np.bool_]) -> float:
    """The least |log-odds| from which on the view is right in 99 % of films."""
    sizes = np.abs(ap_log_odds)
    right = (ap_log_odds > 0) == ap
    enough = [size for size in np.unique(sizes) if right[sizes >= size].mean() >= _VIEW_RIGHT]
    return float(min(enough, default=np.inf))
