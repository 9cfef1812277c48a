"""The DICOM JSON of data sets as devices write them: one bad element never costs the rest."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian

from dicom_node.archive.dicom_json import INSTANCE, DicomJson
from tests.builders import bytes_of, ct_slice


def as_json(dataset: Dataset) -> dict[str, Any]:
    return json.loads(DicomJson().text(dataset).replace(INSTANCE, ""))


def raw(tag: int, vr: str | None, value: bytes) -> Dataset:
    """A data set with one element as it stands in a file."""
    dataset = Dataset()
    dataset._dict[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, vr is None, True)
    dataset.set_original_encoding(vr is None, True)
    return dataset


@pytest.mark.parametrize(
    ("tag", "vr", "value", "told"),
    [
        (0x00181151, "IS", b"12.5 ", {"vr": "IS", "Value": ["12.5"]}),
        (0x00280030, "DS", b"a\\0.5 ", {"vr": "DS", "Value": ["a", 0.5]}),
        (0x00280030, "DS", b"0.5\\0.25", {"vr": "DS", "Value": [0.5, 0.25]}),
        (0x00280030, "DS", b"1e999\\1_0", {"vr": "DS", "Value": ["1e999", "1_0"]}),
        (0x00280030, "DS", b"  ", {"vr": "DS"}),
        (0x00200013, "IS", b"+007", {"vr": "IS", "Value": [7]}),
        (0x00080020, "DA", b"1993.04.30", {"vr": "DA", "Value": ["1993.04.30"]}),
        (0x00189073, "FD", b"\0\0\0\0\0\0\xf8\x7f", {"vr": "FD", "Value": ["nan"]}),
        (0x00080008, "CS", b"ORIGINAL\\\\AXIAL", {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}),
        (0x00100010, "PN", b"A^B=\\C", {"vr": "PN", "Value": [{"Alphabetic": "A^B"}, {"Alphabetic": "C"}]}),
        (0x00100020, "LO", b"", {"vr": "LO"}),
        (0x00080018, "UI", b"1.2.3\0", {"vr": "UI", "Value": ["1.2.3"]}),
    ],
)
def test_values_are_told_as_they_are(tag: int, vr: str, value: bytes, told: dict[str, Any]) -> None:
    assert as_json(raw(tag, vr, value)) == {f"{tag:08X}": told}


def test_ambiguous_elements_of_implicit_files_get_their_vr() -> None:
    one = ct_slice(transfer_syntax_uid=ImplicitVRLittleEndian)
    one.SmallestImagePixelValue = -5
    found = as_json(dcmread(io.BytesIO(bytes_of(one)), stop_before_pixels=True))
    assert found["00280106"] == {"vr": "SS", "Value": [-5]}


def test_what_repeats_is_converted_once_and_what_depends_on_the_rest_is_not_shared() -> None:
    converter = DicomJson()
    latin, utf8 = raw(0x00100010, "PN", b"M\xc3\xbcller"), raw(0x00100010, "PN", b"M\xc3\xbcller")
    latin.SpecificCharacterSet, utf8.SpecificCharacterSet = "ISO_IR 100", "ISO_IR 192"
    first, second = (json.loads(converter.text(one))["00100010"] for one in (latin, utf8))
    assert first["Value"] == [{"Alphabetic": "MÃ¼ller"}]
    assert second["Value"] == [{"Alphabetic": "Müller"}]
    assert converter.text(utf8) == converter.text(utf8)


def test_group_lengths_and_file_meta_are_left_out() -> None:
    dataset = raw(0x00080000, "UL", b"\x04\0\0\0")
    dataset.PatientID = "A"
    assert list(as_json(dataset)) == ["00100020"]


def test_content_trees_are_inline_at_any_depth() -> None:
    top = tree = Dataset()
    for level in range(40):
        tree.TextValue = f"level {level}"
        below = Dataset()
        tree.ContentSequence = [below]
        tree = below
    text = DicomJson().text(top)
    assert "level 39" in text
    assert "BulkDataURI" not in text


@given(
    st.sampled_from(["IS", "DS", "DA", "TM", "PN", "LO", "UI", "FD", "US", "AT", "OB", "SQ", "UN", "UT", "CS", None]),
    st.binary(max_size=40),
    st.sampled_from([0x00080005, 0x00100010, 0x00280030, 0x00081140, 0x00280106, 0x00091001, 0x7FE00010]),
)
def test_any_bytes_give_valid_json(vr: str | None, value: bytes, tag: int) -> None:
    dataset = raw(tag, vr, value)
    text = DicomJson().text(dataset).replace(INSTANCE, "")
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert all(len(element["vr"]) == 2 for element in found.values())
    text.encode("utf-8", "replace")
