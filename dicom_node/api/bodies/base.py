"""What every body shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, StringConstraints

STUDY_UID = "1.2.826.0.1.3680043.10.543.1"
SERIES_UID = "1.2.826.0.1.3680043.10.543.1.1"
SOP_INSTANCE_UID = "1.2.826.0.1.3680043.10.543.1.1.1"
REPORT_ID = f"{STUDY_UID}:1:0"
TRACKING_UID = "2.25.329800735698586629295641978511506172918"
"""Identifiers of the examples."""

UID_PATTERN = r"^[0-9]+(\.[0-9]+)*$"

StudyUid = Annotated[
    str,
    Path(pattern=UID_PATTERN, max_length=64, description="Study Instance UID (0020,000D).", examples=[STUDY_UID]),
]
ReportId = Annotated[
    str,
    Path(
        pattern=r"^[0-9.]{1,64}:[0-9]{1,9}:[0-9]{1,9}$", description="The report of one reading.", examples=[REPORT_ID]
    ),
]
"""Path parameters."""

PlainText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
"""Text without control characters: they are refused by XML, HL7 and DICOM, where these words may go."""


class Body(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


class Asked(BaseModel):
    """What comes in: a member that is not known is refused, for it was meant to do something."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def example(**members: Any) -> ConfigDict:
    """The configuration of a body with this example."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [members]})


def asked(**members: Any) -> ConfigDict:
    """The configuration of an incoming body with this example."""
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [members]})


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
