"""The moment of a reading in DICOM's words. The only clock of a document is `Reading.created`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from pydicom.dataset import Dataset

from dicom_node.report.header import read_text


@dataclass(frozen=True)
class Moment:
    """`offset` is the Timezone Offset From UTC of the document, "" where none may be claimed (PS3.3 C.12.1.1.8)."""

    date: str
    time: str
    date_time: str
    offset: str


def moment(created: datetime, source: Dataset) -> Moment:
    """When the reading was made, in the zone of the study.

    The offset of a document also covers the study's date and time, which are copied. So the source's offset is taken
    over and `created` turned to it; where the source has none, none is claimed, `created` keeps its own wall clock,
    and only the date-times carry an offset.
    """
    zone = _zone(read_text(source, "TimezoneOffsetFromUTC"))
    local = created.astimezone(zone) if zone and created.tzinfo else created
    wall_time = local.strftime("%H%M%S.%f")
    date = local.strftime("%Y%m%d").zfill(8)
    return Moment(date, wall_time, f"{date}{wall_time}{_offset(local)}", _offset(datetime(1, 1, 2, tzinfo=zone)))


def _zone(offset: str) -> timezone | None:
    found = re.fullmatch(r"([+-])(\d{2})([0-5]\d)", offset, re.ASCII)
    if not found or offset == "-0000":
        return None
    sign, hours, minutes = found.groups()
    distance = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    return timezone(distance) if timedelta(hours=-12) <= distance <= timedelta(hours=14) else None


def _offset(local: datetime) -> str:
    return local.strftime("%z")[:5]


def clock(at: datetime) -> str:
    """2026-01-31 09:15 UTC, for people."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
