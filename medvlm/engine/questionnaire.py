"""The closed questions of the findings: asked in the vocabulary's wordings, read as calibrated findings."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import numpy as np

from medvlm.contract import Finding, FindingName, Presence
from medvlm.engine.calibration import Calibration
from medvlm.engine.network import Network
from medvlm.engine.prefix_cache import Prefix


def mean_log_odds(
    network: Network, prefix: Prefix, calibration: Calibration, names: Sequence[FindingName]
) -> dict[FindingName, float]:
    """z of each finding, the mean over its wordings: all questions in one packed row over the prefix."""
    wordings = [calibration.findings[name].wordings for name in names]
    z = network.log_odds(prefix, [text for texts in wordings for text in texts])
    ends = np.cumsum([len(texts) for texts in wordings])[:-1]
    return {name: float(part.mean()) for name, part in zip(names, np.split(z, ends), strict=True)}


def finding(
    name: FindingName, z: float, blank: Mapping[FindingName, float], calibration: Calibration, study_uid: str
) -> Finding:
    """A finding of the questionnaire. What a blank image would have said as well is not stated as a finding."""
    map_ = calibration.findings[name]
    probability = map_.probability(z)
    reliance = map_.log_odds(z) - map_.log_odds(blank[name])
    presence: Presence = map_.presence(probability) if abs(reliance) > calibration.reliance_floor else "indeterminate"
    return Finding(
        name=name,
        presence=presence,
        probability=probability,
        calibration=calibration.name,
        image_reliance=reliance,
        tracking_uid=tracking_uid(study_uid, name),
    )


def tracking_uid(study_uid: str, name: str) -> str:
    """The same finding of the same study has the same UID in every version (PS3.5 B.2: 2.25 and a UUID)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{study_uid}/{name}').int}"
