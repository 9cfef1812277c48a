"""Average precision, the area under the precision–recall steps (AUPRC).

    AP = Σ_k (R_k − R_{k−1}) · P_k       over the distinct scores, highest first

P_k and R_k are precision and recall when everything at or above the k-th score is called positive. Not the
trapezoidal area, which is too high. A model that knows nothing has the prevalence as AP: print it beside.

Source: Davis and Goadrich, ICML 2006; Boyd, Eng and Page, ECML 2013.

Worked example: scores 0.9 0.8 0.7 0.6, true 1 0 1 0: steps at recall 1/2 with precision 1 and at 1 with 2/3: 0.8333.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from validation.statistics.auroc import Scores, Truth, Weights


def average_precision(truth: Truth, scores: Scores) -> float:
    """NaN where there is no positive."""
    return weighted_average_precision(truth, scores)(np.ones(len(scores)))


def weighted_average_precision(truth: Truth, scores: Scores) -> Callable[[Weights], float]:
    """As a function of the n weights: the scores are sorted once, however many resamples follow."""
    values, group = np.unique(-scores, return_inverse=True)

    def of(weights: Weights) -> float:
        hits = np.bincount(group, weights * truth, minlength=len(values))
        called = np.cumsum(np.bincount(group, weights, minlength=len(values)))
        if not hits.sum():
            return float("nan")
        precision = np.divide(np.cumsum(hits), called, out=np.zeros(len(values)), where=called > 0)
        return float(hits @ precision / hits.sum())

    return of
