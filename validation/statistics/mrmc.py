"""Reader studies (multi-reader multi-case): do readers do better with one modality than with another?

Obuchowski and Rockette's model with Hillis' degrees of freedom. From the t × r table θ of figures of merit (t
modalities, r readers) come MS(T), MS(R), MS(TR); from the covariances of the t·r figures Var, Cov1 (same reader, other
modality), Cov2 (same modality, other reader), Cov3 (neither), see `mrmc_components.py`. With c = max(Cov2 − Cov3, 0):

    random readers and cases   F = MS(T) / D,  D = MS(TR) + r·c,  ddf = D² / (MS(TR)² / ((t − 1)(r − 1)))
    fixed readers              X² = (t − 1) MS(T) / V,  V = Var − Cov1 + (r − 1) c,  t − 1 degrees of freedom
    fixed cases                F = MS(T) / MS(TR),  (t − 1)(r − 1)
    difference of two          se = √(2/r · D), √(2/r · V) or √(2/r · MS(TR))
    one modality alone         se = √((MS(R)ᵢ + r·max(Cov2ᵢ, 0)) / r),
                               df = (MS(R)ᵢ + r·max(Cov2ᵢ, 0))² / (MS(R)ᵢ² / (r − 1))

Source: Obuchowski and Rockette, Commun Stat Simul Comput 1995;24:285; Hillis, Stat Med 2007;26:596 and 2014;33:330.

Worked example: Van Dyke's study (Iowa OR-DBM MRMC output; 5 readers, 2 modalities, 45 + 69 cases): F 4.46, ddf 15.26,
p 0.0517; difference −0.04380, se 0.02075, −0.08796 to 0.00036. Fixed readers X² 5.476, p 0.0193; fixed cases F 8.70,
p 0.0420. Modality 1 alone: se 0.03317360, df 12.74, 0.82522 to 0.96885.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy import stats  # type: ignore[import-untyped]

from validation.statistics.estimate import Estimate

Table = npt.NDArray[np.float64]
Inference = Literal["random readers and cases", "fixed readers", "fixed cases"]


class Components(BaseModel):
    """Variance and covariances of the figures of merit; `within` has Cov2 of each modality on its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variance: float
    same_reader: float
    """Cov1."""
    same_modality: float
    """Cov2."""
    neither: float
    """Cov3."""
    within: tuple[float, ...]

    @property
    def excess(self) -> float:
        """max(Cov2 − Cov3, 0)."""
        return max(self.same_modality - self.neither, 0.0)


class MeanSquares(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: float
    reader: float
    interaction: float


class Contrast(BaseModel):
    """First modality less second, the mean over readers; `df` is infinite with fixed readers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    second: int
    difference: Estimate
    df: float
    p: float


class OverallTest(BaseModel):
    """Are all modalities the same? `statistic` is F, with fixed readers X²."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inference: Inference
    statistic: float
    numerator_df: float
    denominator_df: float
    p: float
    contrasts: tuple[Contrast, ...]


class SingleModality(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    area: Estimate
    df: float


def mean_squares(table: Table) -> MeanSquares:
    """`table` is t × r, at least 2 × 2."""
    t, r = table.shape
    modality, reader, all_ = table.mean(axis=1), table.mean(axis=0), table.mean()
    residual = table - modality[:, None] - reader[None, :] + all_
    return MeanSquares(
        modality=float(r * ((modality - all_) ** 2).sum() / (t - 1)),
        reader=float(t * ((reader - all_) ** 2).sum() / (r - 1)),
        interaction=float((residual**2).sum() / ((t - 1) * (r - 1))),
    )


def compare_modalities(table: Table, components: Components, inference: Inference, level: float = 0.95) -> OverallTest:
    t, r = table.shape
    ms = mean_squares(table)
    error, ddf = _error_term(ms, components, inference, t, r)
    statistic = _ratio(ms.modality, error) * (t - 1 if inference == "fixed readers" else 1)
    if inference == "fixed readers":
        p = float(stats.chi2.sf(statistic, t - 1))
    else:
        p = float(stats.f.sf(statistic, t - 1, ddf))
    means = table.mean(axis=1)
    se = math.sqrt(2 / r * error)
    pairs = [(i, j) for i in range(t) for j in range(i + 1, t)]
    contrasts = tuple(_contrast(i, j, float(means[i] - means[j]), se, ddf, level) for i, j in pairs)
    return OverallTest(
        inference=inference, statistic=statistic, numerator_df=t - 1, denominator_df=ddf, p=p, contrasts=contrasts
    )


def single_modality(areas: Table, same_modality: float, level: float = 0.95) -> SingleModality:
    """One row of the table (r readers) and its own Cov2; random readers and cases."""
    r = len(areas)
    ms = float(areas.var(ddof=1))
    total = ms + r * max(same_modality, 0.0)
    df = total**2 / (ms**2 / (r - 1)) if ms else math.inf
    return SingleModality(area=_student(float(areas.mean()), math.sqrt(total / r), df, level), df=df)


def _error_term(ms: MeanSquares, components: Components, inference: Inference, t: int, r: int) -> tuple[float, float]:
    """The denominator of the test and its degrees of freedom."""
    plain_df = float((t - 1) * (r - 1))
    if inference == "fixed cases":
        return ms.interaction, plain_df
    if inference == "fixed readers":
        return components.variance - components.same_reader + (r - 1) * components.excess, math.inf
    error = ms.interaction + r * components.excess
    return error, error**2 / (ms.interaction**2 / plain_df) if ms.interaction else math.inf


def _contrast(first: int, second: int, difference: float, se: float, df: float, level: float) -> Contrast:
    estimate = _student(difference, se, df, level)
    p = 2 * float(stats.t.sf(abs(difference) / se, df)) if se else math.nan
    return Contrast(first=first, second=second, difference=estimate, df=df, p=p)


def _student(value: float, se: float, df: float, level: float) -> Estimate:
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    return Estimate(value=value, low=value - half, high=value + half, level=level, error=se)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan
