"""How many cases a reader study needs, from the components of a pilot.

With N* = pilot cases / planned cases, c = max(Cov2 − Cov3, 0), d the difference worth finding, two modalities:

    error = Var(TR) + N* (Var − Cov1 + (r − 1) c)
    ms    = Var(TR) + N* (Var − Cov1 − c),  the expected MS(TR)
    ncp   = (r d² / 2) / error,   ddf = error² / (ms² / (r − 1)),   power = P(F(1, ddf; ncp) > F₁₋α(1, ddf))

Readers and cases are both random. The share of positives is that of the pilot.

Source: Hillis, Obuchowski and Berbaum, Acad Radiol 2011;18:129.

Worked example (Van Dyke's components, d = 0.05; RJafroc 2.1.3): 6 readers, 251 cases: ncp 11.6115, ddf 16.127, power
0.89228. For power 0.8, readers 4 5 6 7 8 10: cases 361 213 170 148 134 119.
"""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict
from scipy.stats import f, ncf  # type: ignore[import-untyped]

LARGEST = 2000


class Pilot(BaseModel):
    """Components of a reader study that has been done; `interaction` is Var(TR), 0 where the estimate is below."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interaction: float
    variance: float
    same_reader: float
    same_modality: float
    neither: float
    cases: int


class Power(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    power: float
    ncp: float
    ddf: float


def mrmc_power(pilot: Pilot, readers: int, cases: int, effect: float, alpha: float = 0.05) -> Power:
    """Two modalities, at least two readers."""
    shrink, excess = pilot.cases / cases, max(pilot.same_modality - pilot.neither, 0.0)
    own = pilot.variance - pilot.same_reader
    ms = pilot.interaction + shrink * (own - excess)
    error = ms + readers * shrink * excess
    ncp, ddf = readers * effect**2 / 2 / error, error**2 / (ms**2 / (readers - 1))
    return Power(power=float(ncf.sf(f.isf(alpha, 1, ddf), 1, ddf, ncp)), ncp=ncp, ddf=ddf)


def cases_for(pilot: Pilot, readers: int, effect: float, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """The least number of cases; None where that many readers never reach the power."""
    if not math.isfinite(effect) or mrmc_power(pilot, readers, LARGEST, effect, alpha).power < power:
        return None
    low, high = 1, LARGEST
    while low < high:
        middle = (low + high) // 2
        if mrmc_power(pilot, readers, middle, effect, alpha).power >= power:
            high = middle
        else:
            low = middle + 1
    return low
