"""A calibration made for exactly these weights, this adapter and this profile: without one nothing is stated."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from medvlm.contract import ModelIdentity
from medvlm.engine.calibration import CALIBRATION_FILE, Calibration
from medvlm.errors import BadModelFolder
from medvlm.vocabulary import terms


class BoundCalibration(BaseModel):
    """calibration.json of a model that a hospital brings: `Calibration`, and of whom it speaks (`ModelIdentity`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights_digest: str
    adapter_digest: str
    profile: str
    calibration: Calibration


def calibration_for(identity: ModelIdentity, folder: Path) -> Calibration | None:
    """The calibration beside the weights, or in the adapter's folder; None where there is none.

    Raises `BadModelFolder` for a file that is damaged, was made for another model, or names unknown findings: its
    probabilities would be wrong without looking so.
    """
    path = folder / CALIBRATION_FILE
    if not path.is_file():
        return None
    try:
        bound = BoundCalibration.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise BadModelFolder("no calibration that can be read", where=str(path)) from error
    made_for = (bound.weights_digest, bound.adapter_digest, bound.profile)
    if made_for != (identity.weights_digest, identity.adapter_digest, identity.profile):
        way_out = "Fit it again on this model, or take the file away to work without findings."
        raise BadModelFolder("the calibration was made for another model", where=str(path), way_out=way_out)
    unknown = {*bound.calibration.findings, *bound.calibration.assessed} - set(terms())
    if unknown or not set(bound.calibration.assessed) <= set(bound.calibration.findings):
        raise BadModelFolder("the calibration names findings that it cannot state", where=str(path))
    return bound.calibration
