"""From log-odds to calibrated probabilities and to words: the numbers that stand beside the weights."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from medvlm.contract import Presence
from medvlm.errors import BadModelFolder

CALIBRATION_FILE = "calibration.json"


class FindingCalibration(BaseModel):
    """Platt's map p = σ(slope·z + intercept) and the limits of the words.

    `prevalence` is that of the calibration films; `wordings` the questions over which z is averaged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float
    intercept: float
    present_from: float
    absent_to: float
    prevalence: float
    wordings: tuple[str, ...]

    def log_odds(self, z: float) -> float:
        return self.slope * z + self.intercept

    def probability(self, z: float) -> float:
        return 1.0 / (1.0 + math.exp(-self.log_odds(z)))

    def presence(self, probability: float) -> Presence:
        if probability >= self.present_from:
            return "present"
        return "absent" if probability <= self.absent_to else "indeterminate"


class Calibration(BaseModel):
    """Every finding that can be asked, those that may be stated, and what a blank image moves.

    `reliance_floor`: a change of log-odds against a blank image that is smaller says that the image was not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    findings: dict[str, FindingCalibration]
    assessed: tuple[str, ...]
    reliance_floor: float
    view_margin: float

    @property
    def name(self) -> str:
        """Changes with any number of the calibration."""
        return "platt-" + hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def load_calibration(folder: Path) -> Calibration:
    """Raises `BadModelFolder` when the file is missing or damaged."""
    try:
        return Calibration.model_validate_json((folder / CALIBRATION_FILE).read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise BadModelFolder("no calibration that can be read", where=str(folder / CALIBRATION_FILE)) from error
