"""Area under the receiver operating characteristic, as the Mann–Whitney probability.

    AUROC = Σᵢ Σⱼ wᵢ wⱼ ψ(xᵢ, yⱼ) / (Σᵢ wᵢ · Σⱼ wⱼ),   ψ = 1 where xᵢ > yⱼ, ½ where xᵢ = yⱼ, 0 where xᵢ < yⱼ

over positives i with score x and negatives j with score y: the chance that a positive scores above a negative.
A weight counts how often an observation is there; all are 1 but in a resample.

Source: Bamber, J Math Psychol 1975;12:387; Hanley and McNeil, Radiology 1982;143:29.

Worked example (Hanley and McNeil, Table I, CT images rated 1 to 5): 58 normal 33 6 6 11 2, 51 abnormal 3 2 2 11 33.
Of 58 · 51 = 2958 pairs 2487 are won and 310 tied: (2487 + 155) / 2958 = 0.8932.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Truth = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float64]


def auroc(truth: Truth, scores: Scores) -> float:
    """AUROC of n observations; NaN where there is no positive or no negative."""
    return weighted_auroc(truth, scores)(np.ones(len(scores)))


def weighted_auroc(truth: Truth, scores: Scores) -> Callable[[Weights], float]:
    """AUROC as a function of the n weights: the scores are sorted once, however many resamples follow."""
    values, group = np.unique(scores, return_inverse=True)

    def of(weights: Weights) -> float:
        positives = np.bincount(group, weights * truth, minlength=len(values))
        negatives = np.bincount(group, weights * ~truth, minlength=len(values))
        pairs = positives.sum() * negatives.sum()
        if not pairs:
            return float("nan")
        below = np.cumsum(negatives) - negatives
        return float(positives @ (below + negatives / 2) / pairs)

    return of
