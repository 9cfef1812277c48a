"""Finding detection: does the probability of a finding tell the studies that have it from those that have not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from medvlm.contract import FindingName, Refusal
from validation.datasets.labels import Labelled
from validation.statistics.auroc import weighted_auroc
from validation.statistics.clustered_bootstrap import Interval, Resampling, clustered_interval


class Detection(BaseModel):
    """One finding. AUROC is over the scored studies: labelled, not refused, and with a probability."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding: FindingName
    scored: int
    positives: int
    patients: int
    refused: int
    refused_positives: int
    not_assessed: int
    """Labelled and in scope, but the reading has no probability of the finding."""
    auroc: Interval | None
    undefined: str = ""
    """Why there is no AUROC; empty where there is one."""


@dataclass(frozen=True)
class _Scored:
    patient: str
    truth: bool
    probability: float


def detect(finding: FindingName, studies: Sequence[Labelled], resampling: Resampling) -> Detection:
    known = [study for study in studies if finding in study.truth]
    refused = [study for study in known if isinstance(study.reading.scope, Refusal)]
    scored = [one for study in known if (one := _score(finding, study)) is not None]
    positives = sum(one.truth for one in scored)
    undefined = _undefined(len(scored), positives)
    return Detection(
        finding=finding,
        scored=len(scored),
        positives=positives,
        patients=len({one.patient for one in scored}),
        refused=len(refused),
        refused_positives=sum(study.truth[finding] for study in refused),
        not_assessed=len(known) - len(refused) - len(scored),
        auroc=None if undefined else _auroc(finding, scored, resampling),
        undefined=undefined,
    )


def _score(finding: FindingName, study: Labelled) -> _Scored | None:
    if isinstance(study.reading.scope, Refusal):
        return None
    for each in study.reading.findings:
        if each.name == finding:
            return _Scored(study.patient, study.truth[finding], each.probability)
    return None


def _undefined(scored: int, positives: int) -> str:
    if not scored:
        return "no study has both a label and a probability"
    if not positives:
        return "no scored study has the finding"
    return "every scored study has the finding" if positives == scored else ""


def _auroc(finding: FindingName, scored: Sequence[_Scored], resampling: Resampling) -> Interval:
    truth = np.array([one.truth for one in scored])
    statistic = weighted_auroc(truth, np.array([one.probability for one in scored]))
    return clustered_interval(statistic, [one.patient for one in scored], resampling, f"auroc.{finding}")
