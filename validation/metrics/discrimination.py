"""Does the probability tell the studies that have a finding from those that have not?

AUROC with the patient-clustered DeLong interval and, as its cross-check, that of the patient bootstrap: where the
widths differ by more than a fifth the row is flagged. Average precision with its bootstrap interval, always beside
the prevalence, which is what a model that knows nothing would have.
"""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict

from validation.metrics.cases import Cases
from validation.statistics.auroc import weighted_auroc
from validation.statistics.average_precision import weighted_average_precision
from validation.statistics.clustered_bootstrap import Interval, Resampling, clustered_interval
from validation.statistics.delong import auroc_estimate
from validation.statistics.estimate import Estimate

WIDEST_DISAGREEMENT = 0.2


class Discrimination(BaseModel):
    """Figures are None where `undefined` says why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    positives: int
    patients: int
    prevalence: float
    auroc: Estimate | None = None
    auroc_resampled: Interval | None = None
    average_precision: Interval | None = None
    undefined: str = ""

    @property
    def intervals_disagree(self) -> bool:
        """The closed form and the bootstrap differ by more than a fifth of the width."""
        if self.auroc is None or self.auroc_resampled is None:
            return False
        closed, resampled = (each.high - each.low for each in (self.auroc, self.auroc_resampled))
        if math.isnan(closed) or math.isnan(resampled):
            return True
        return abs(closed - resampled) > WIDEST_DISAGREEMENT * max(closed, resampled)


def discrimination(cases: Cases, resampling: Resampling, purpose: str) -> Discrimination:
    """`purpose` (a finding) names the random numbers, so that another finding does not change these intervals."""
    counts = Discrimination(
        count=cases.count,
        positives=cases.positives,
        patients=cases.patient_count,
        prevalence=cases.positives / cases.count if cases.count else math.nan,
        undefined=cases.undefined,
    )
    if counts.undefined:
        return counts
    area, precision = (of(cases.truth, cases.scores) for of in (weighted_auroc, weighted_average_precision))
    return counts.model_copy(
        update={
            "auroc": auroc_estimate(cases.truth, cases.scores, cases.patients, resampling.level),
            "auroc_resampled": clustered_interval(area, cases.patients, resampling, f"auroc.{purpose}"),
            "average_precision": clustered_interval(precision, cases.patients, resampling, f"ap.{purpose}"),
        }
    )
