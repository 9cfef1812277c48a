"""Dates moved by whole days: their order and the days between them stay (PS3.15 E.3.6)."""

from __future__ import annotations

import re
from datetime import date, timedelta

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

DATE_VRS = frozenset({"DA", "DT", "TM"})

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})(.*)", re.ASCII)


def moved(vr: str, value: str, days: int) -> str | None:
    """A value of VR DA, DT or TM moved; None for one that is no date, as dates of a month or a year only.

    A time of day stays as it is: what moves is its date.
    """
    if vr == "TM" or not value:
        return value
    found = _DATE.fullmatch(value)
    if not found or (vr == "DA" and found[4]):
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{day:%Y%m%d}".zfill(8) + found[4]


def values_of(element: DataElement) -> list[str]:
    """The values of an element as text, however pydicom holds them."""
    value = element.value
    if value is None:
        return []
    return [str(it).strip(" \0") for it in (value if isinstance(value, MultiValue | list | tuple) else [value])]


def moved_element(element: DataElement, days: int) -> DataElement | None:
    """The element with every value moved; None where one is no date."""
    values = [moved(element.VR, value, days) for value in values_of(element)]
    if None in values:
        return None
    return DataElement(element.tag, element.VR, values if len(values) > 1 else "".join(it or "" for it in values))
