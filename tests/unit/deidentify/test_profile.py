"""The standard's table, row by row (D1)."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import Comprehensive3DSRStorage, DigitalXRayImageStorageForPresentation

from dicom_node.deidentify import Wording
from dicom_node.deidentify.options import Options
from dicom_node.deidentify.profile import Row, row_of, rows, type_of
from tests.unit.deidentify.studies import KEY, deidentifier

VALUES: dict[str, object] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"), "ZWIEBELMANN"),
    **{"AS": "077Y", "DA": "20261123", "DT": "20261123101112", "TM": "101112", "DS": "4711", "IS": "4711"},
    **dict.fromkeys(("OB", "OW", "UN"), b"ZWIEBELMANN!"),
    **{"UI": "1.2.3.4711.1", "FD": 4711.0, "FL": 4711.0, "US": 4711, "UL": 4711, "SS": 4711, "SL": 4711},
}
LISTED = sorted(tag for tag in rows() if tag.isalnum() and "x" not in tag and tag != "private")


def test_the_table_is_whole() -> None:
    told = json.loads(files("dicom_node.deidentify").joinpath("profile.json").read_text("utf-8"))
    assert told["provenance"]["rows"] == len(rows()) == 621
    assert {action for row in rows().values() for action in row.basic.split("/")} == {"X", "Z", "D", "U", "U*"}


@pytest.mark.parametrize("tag", LISTED)
def test_every_row_is_followed_inside_sequences_inside_sequences(tag: str) -> None:
    kept = _nested(tag, "removed")
    basic = rows()[tag].basic
    if tag == "00100010":
        assert str(kept.value) == KEY.pseudonym("|PID-4711-X")
    elif basic == "X":
        assert kept is None
    elif kept.VR == "SQ" and (basic.endswith(("D", "U*")) or rows()[tag].structured_content):
        assert [str(it.get("PatientComments", "")) for it in kept.value] == [""]
    elif basic in {"Z", "X/Z"}:
        assert not kept.value
    else:
        assert kept.value
        assert "4711.1" not in str(kept.value)
        assert str(kept.value) != str(VALUES[kept.VR])


@pytest.mark.parametrize("tag", [tag for tag in LISTED if rows()[tag].full_dates])
def test_every_row_of_dates_follows_its_option(tag: str) -> None:
    kept, moved = _nested(tag, "kept"), _nested(tag, "shifted")
    assert kept.value == VALUES[kept.VR]
    if kept.VR in {"DA", "DT"}:
        assert str(moved.value) != VALUES[moved.VR]
        assert str(moved.value)[8:] == str(VALUES[moved.VR])[8:]
    elif kept.VR == "TM":
        assert moved.value == VALUES["TM"]


def _nested(tag: str, dates: str) -> DataElement | None:
    """What is left of the attribute two sequences down."""
    inner, middle, whole = Dataset(), Dataset(), Dataset()
    inner.add(_element(tag))
    middle.PredecessorDocumentsSequence = [inner]
    whole.SOPClassUID = DigitalXRayImageStorageForPresentation
    whole.ReferencedRequestSequence = [middle]
    made = deidentifier(dates=dates, wording=Wording()).deidentified(whole)  # type: ignore[arg-type]
    return made.ReferencedRequestSequence[0].PredecessorDocumentsSequence[0].get(Tag(int(tag, 16)))


def _element(tag: str) -> DataElement:
    vr = dictionary_VR(int(tag, 16)).split(" or ")[0]
    item = Dataset()
    item.PatientComments = "ZWIEBELMANN"
    return DataElement(Tag(int(tag, 16)), vr, [item] if vr == "SQ" else VALUES[vr])


def test_private_curve_and_overlay_groups_leave_nothing() -> None:
    for tag in (0x00090010, 0x00091001, 0x50000010, 0x501E3000, 0x60000010, 0x60003000, 0x60021500):
        row = row_of(Tag(tag))
        assert row is not None
        assert row.action(Options(), "") == "X"


@pytest.mark.parametrize(
    ("basic", "needed", "action"),
    [
        *(("X/Z/D", needed, action) for needed, action in (("3", "X"), ("2", "Z"), ("1", "D"), ("", "D"))),
        *(("X/D", needed, action) for needed, action in (("3", "X"), ("2", "D"), ("1", "D"), ("", "D"))),
        *(("Z/D", needed, action) for needed, action in (("3", "Z"), ("2", "Z"), ("1", "D"), ("", "D"))),
        *(("X/Z", needed, action) for needed, action in (("3", "X"), ("2", "Z"), ("1", "Z"), ("", "Z"))),
        *(("X", needed, action) for needed, action in (("3", "X"), ("2", "Z"), ("1", "D"), ("", "X"))),
        *(("X/Z/U*", needed, action) for needed, action in (("3", "X"), ("2", "Z"), ("1", "U"), ("", "U"))),
    ],
)
def test_a_conditional_row_leaves_no_more_than_the_type_needs(basic: str, needed: str, action: str) -> None:
    assert Row("any", basic).action(Options(), needed) == action


def test_the_type_comes_from_the_instance_s_own_kind() -> None:
    date = Tag(0x00080023)
    assert keyword_for_tag(date) == "ContentDate"
    assert type_of(Comprehensive3DSRStorage, date) == "1"
    assert type_of(DigitalXRayImageStorageForPresentation, date) == "2"
    assert type_of(DigitalXRayImageStorageForPresentation, Tag(0x00081050)) == "3"
    assert type_of("1.2.3", date) == ""
    assert type_of(Comprehensive3DSRStorage, date, "VerifyingObserverSequence") == ""


def test_what_the_table_removes_and_the_standard_requires_keeps_its_place() -> None:
    state = "1.2.840.10008.5.1.4.1.1.11.1"
    assert type_of(state, Tag(0x00700082)) == "1"
    assert type_of(Comprehensive3DSRStorage, Tag(0x00700082)) == "3"
    assert type_of(Comprehensive3DSRStorage, Tag(0x00401001), "ReferencedRequestSequence") == "2"
    assert type_of(Comprehensive3DSRStorage, Tag(0x00080201)) == "3"
