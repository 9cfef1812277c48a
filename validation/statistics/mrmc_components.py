"""Variance and covariances of the t·r AUROCs of a reader study, from the ratings.

    jackknife   cov = (n − 1)/n · Σ_k (θ₍ₖ₎ − θ̄₍·₎)(θ₍ₖ₎ − θ̄₍·₎)ᵀ over n cases (or patients) left out one at a time
    DeLong      the covariance of `delong.py`

The t·r × t·r matrix is then averaged: Var over its diagonal, Cov1 over pairs of the same reader, Cov2 over pairs of
the same modality, Cov3 over the rest.

Source: Obuchowski and Rockette 1995; Hillis, Obuchowski, Schartz and Berbaum, Stat Med 2005;24:1579 (jackknife).

Worked example (Van Dyke, see `mrmc.py`): jackknife Var 0.00080229, Cov1 0.00034661, Cov2 0.00034407, Cov3 0.00023903;
DeLong 0.00079213, 0.00034201, 0.00033953, 0.00023585.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from validation.statistics.auroc import Truth, weighted_auroc
from validation.statistics.delong import areas
from validation.statistics.mrmc import Components, Table

Ratings = npt.NDArray[np.float64]
Covariance = Literal["jackknife", "delong"]


def components(
    truth: Truth, ratings: Ratings, covariance: Covariance = "jackknife", patients: Sequence[str] | None = None
) -> tuple[Table, Components]:
    """The t × r table of AUROCs, and its components.

    `ratings` is t × r × n without gaps. `patients` of length n where some patients have several cases.
    """
    t, r, n = ratings.shape
    flat = ratings.reshape(t * r, n)
    matrix = _jackknife(truth, flat, patients) if covariance == "jackknife" else areas(truth, flat, patients).covariance
    table = np.array([weighted_auroc(truth, row)(np.ones(n)) for row in flat]).reshape(t, r)
    return table, _averaged(matrix.reshape(t, r, t, r))


def _jackknife(truth: Truth, flat: Ratings, patients: Sequence[str] | None) -> Ratings:
    owner = np.arange(len(truth)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    count = int(owner.max()) + 1
    left_out = [(owner != k).astype(float) for k in range(count)]
    figures = [weighted_auroc(truth, row) for row in flat]
    theta = np.array([[of(weights) for weights in left_out] for of in figures])
    deviation = theta - theta.mean(axis=1, keepdims=True)
    return (count - 1) / count * deviation @ deviation.T


def _averaged(matrix: Ratings) -> Components:
    t, r = matrix.shape[:2]
    same_t = np.eye(t, dtype=bool)[:, None, :, None]
    same_r = np.eye(r, dtype=bool)[None, :, None, :]

    def mean(where: npt.NDArray[np.bool_]) -> float:
        return float(matrix[np.broadcast_to(where, matrix.shape)].mean())

    off = ~np.eye(r, dtype=bool)
    return Components(
        variance=mean(same_t & same_r),
        same_reader=mean(~same_t & same_r),
        same_modality=mean(same_t & ~same_r),
        neither=mean(~same_t & ~same_r),
        within=tuple(float(matrix[i, :, i, :][off].mean()) for i in range(t)),
    )
