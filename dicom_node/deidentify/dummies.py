"""Values that say nothing, by VR (PS3.5 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydicom.dataelem import DataElement

WORD = "ANONYMIZED"
LOCAL_SCHEME = "99ANON"

DUMMIES: Mapping[str, object] = MappingProxyType(
    {
        **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), WORD),
        **dict.fromkeys(("DS", "IS"), "0"),
        **dict.fromkeys(("OB", "UN"), b"\0\0"),
        **dict.fromkeys(("OW", "OF", "OL", "OD", "OV"), b"\0" * 8),
        **dict.fromkeys(("FD", "FL"), 0.0),
        **dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV", "AT"), 0),
        "AS": "000Y",
        "DA": "20000101",
        "DT": "20000101000000",
        "TM": "000000",
        "UR": "urn:anonymized",
    }
)


def dummy(element: DataElement) -> DataElement:
    """The element with one value that says nothing. Not for sequences and UIDs."""
    if element.keyword == "CodingSchemeDesignator":
        return DataElement(element.tag, element.VR, LOCAL_SCHEME)
    return DataElement(element.tag, element.VR, DUMMIES.get(element.VR, 0))


def emptied(element: DataElement) -> DataElement:
    return DataElement(element.tag, element.VR, [] if element.VR == "SQ" else None)
