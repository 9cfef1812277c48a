"""Are the stated probabilities true? All that is said of them in one record.

ECE never stands without its value under perfect calibration at the same n (`reliability.py`); Brier with its parts;
slope and intercept with intervals by patient.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from validation.metrics.cases import Cases
from validation.statistics.brier import Brier, brier
from validation.statistics.recalibration import Recalibration, recalibration
from validation.statistics.reliability import Bin, CalibrationError, calibration_error, reliability


class Calibration(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    error: CalibrationError
    brier: Brier
    recalibration: Recalibration
    bins: tuple[Bin, ...]


def calibration(cases: Cases, seed: int, level: float = 0.95) -> Calibration | None:
    """Scores must be probabilities. None where there is no case."""
    if not cases.count:
        return None
    return Calibration(
        error=calibration_error(cases.truth, cases.scores, seed),
        brier=brier(cases.truth, cases.scores),
        recalibration=recalibration(cases.truth, cases.scores, cases.patients, level),
        bins=reliability(cases.truth, cases.scores),
    )
