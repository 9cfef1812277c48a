"""What a model gets wrong when it may leave the cases that it is least sure of to people.

Cases are ordered by confidence, highest first. At coverage k/n the risk is the share of errors among the first k;
cases of equal confidence are taken together, each with the mean risk of its group, so that their order in the file
does not matter. AURC is the mean risk over all coverages.

Source: El-Yaniv and Wiener, J Mach Learn Res 2010;11:1605; Geifman and El-Yaniv, NeurIPS 2017.

Worked example: confidence 0.9 0.8 0.7 0.6, wrong 0 0 1 0: risks 0, 0, 1/3, 1/4 at coverage 1/4 … 1; AURC 0.1458.
At a target risk of 0.1 half of the cases may be answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from validation.statistics.auroc import Scores


@dataclass(frozen=True)
class RiskCoverage:
    """Both of length n; `coverage` rises from 1/n to 1."""

    coverage: Scores
    risk: Scores

    @property
    def area(self) -> float:
        """AURC: lower is better."""
        return float(self.risk.mean())

    def risk_at(self, coverage: float) -> float:
        """Risk where at least that share is answered; `coverage` in (0, 1]."""
        return float(self.risk[np.searchsorted(self.coverage, coverage - 1e-12)])

    def coverage_at(self, risk: float) -> float:
        """The largest share that can be answered at no more than that risk; 0 where there is none."""
        within = np.flatnonzero(self.risk <= risk)
        return float(self.coverage[within[-1]]) if len(within) else 0.0


def risk_coverage(confidence: Scores, wrong: npt.NDArray[np.bool_]) -> RiskCoverage:
    """At least one case."""
    values, group = np.unique(-confidence, return_inverse=True)
    mean = np.bincount(group, wrong, minlength=len(values)) / np.bincount(group, minlength=len(values))
    errors = np.cumsum(mean[np.sort(group)])
    rank = np.arange(1, len(confidence) + 1)
    return RiskCoverage(rank / len(confidence), errors / rank)
