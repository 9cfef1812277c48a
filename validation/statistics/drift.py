"""Do today's inputs look like those of the validation? A warning, never a proof that the model is worse.

    PSI     Σ_b (qᵢ − pᵢ) ln(qᵢ / pᵢ) over B bins; p of the reference, q of now
    null    without any drift PSI · (1/N + 1/M)⁻¹ is about χ² with B − 1 degrees of freedom
    KS      largest distance of the two empirical distributions, exact p where there are no ties
    kinds   χ² of the table of counts (views, devices)

Bins are those of equal mass of the reference. Half a count is added to each bin, so that an empty one is no infinity.
The usual "0.1 is small, 0.25 is large" is blind to the number of observations; the p-value is not. Several variables
at once: `holm` of `multiplicity.py`.

Source: Siddiqi, Credit Risk Scorecards, 2006 (PSI); Yurdakul, Statistical Properties of Population Stability Index,
2018 (the null); Kolmogorov–Smirnov by scipy.

Worked example, two bins: 50 and 50 against 30 and 70 (no half counts): (−0.2) ln 0.6 + 0.2 ln 1.4 = 0.1695.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.stats import chi2, chi2_contingency, ks_2samp  # type: ignore[import-untyped]

from validation.statistics.multiplicity import holm

Values = npt.NDArray[np.float64]


class Drift(BaseModel):
    """`statistic` is the PSI, the KS distance, or χ²; `p` under no drift, `adjusted` where several were tested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statistic: float
    p: float
    adjusted: float


def population_stability(reference: Values, now: Values, bins: int = 10) -> Drift:
    """At least one value each. Equal values of the reference merge bins."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1]))
    before = np.bincount(np.searchsorted(edges, reference, side="right"), minlength=len(edges) + 1)
    after = np.bincount(np.searchsorted(edges, now, side="right"), minlength=len(edges) + 1)
    statistic = stability_index(before + 0.5, after + 0.5)
    p = float(chi2.sf(statistic / (1 / len(reference) + 1 / len(now)), len(edges))) if len(edges) else 1.0
    return Drift(statistic=statistic, p=p, adjusted=p)


def stability_index(before: npt.ArrayLike, after: npt.ArrayLike) -> float:
    """PSI of counts above 0."""
    p, q = np.asarray(before, dtype=float) / np.sum(before), np.asarray(after, dtype=float) / np.sum(after)
    return float(((q - p) * np.log(q / p)).sum())


def distribution_shift(reference: Values, now: Values) -> Drift:
    found = ks_2samp(reference, now)
    return Drift(statistic=float(found.statistic), p=float(found.pvalue), adjusted=float(found.pvalue))


def mix_shift(reference: Mapping[str, int], now: Mapping[str, int]) -> Drift:
    """Counts by kind; a kind that one side lacks counts as 0 there."""
    kinds = sorted(kind for kind in reference.keys() | now.keys() if reference.get(kind, 0) + now.get(kind, 0))
    table = [[side.get(kind, 0) for kind in kinds] for side in (reference, now)]
    if len(kinds) < 2:
        return Drift(statistic=0.0, p=1.0, adjusted=1.0)
    found = chi2_contingency(table, correction=False)
    return Drift(statistic=float(found.statistic), p=float(found.pvalue), adjusted=float(found.pvalue))


def adjusted(found: Mapping[str, Drift]) -> dict[str, Drift]:
    """Holm's correction over all variables looked at."""
    corrected = holm([each.p for each in found.values()])
    return {
        name: each.model_copy(update={"adjusted": p}) for (name, each), p in zip(found.items(), corrected, strict=True)
    }
