"""The header for the index: the plain walk against pydicom, and hostile data sets."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom.dsutils import create_file_meta

from dicom_node.archive.files import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    data_set_offset,
    file_meta,
)
from dicom_node.archive.instance_header import INDEXED, is_uid, read_header, walk
from dicom_node.archive.sop_classes import is_image
from dicom_node.errors import CannotUnderstand
from tests.builders import bytes_of, ct_slice, data_set_of


def encoded(ds: Dataset, syntax: str) -> bytes:
    ds.file_meta.TransferSyntaxUID = syntax
    return data_set_of(bytes_of(ds))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("first", [{}, {"ReferencedStudySequence": [Dataset()]}, {"StudyDescription": ""}])
def test_the_header_is_the_same_in_every_encoding(syntax: str, first: dict[str, Any]) -> None:
    ds = ct_slice(**first)
    if syntax == ExplicitVRBigEndian:
        del ds.PixelData
    header = read_header(BytesIO(encoded(ds, syntax)), syntax)
    assert header is not None
    assert (header.sop_instance_uid, header.study_uid, header.series_uid) == (
        ds.SOPInstanceUID,
        ds.StudyInstanceUID,
        ds.SeriesInstanceUID,
    )
    assert (header.modality, header.patient_id, header.study_date, header.instance_number) == (
        "CT",
        "PAT-1",
        "20260102",
        1,
    )


texts = st.text(st.characters(codec="ascii", exclude_characters="\\\0", categories=["L", "N", "Z"]), max_size=40)


@settings(deadline=None, max_examples=30)
@given(texts, texts, st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian]))
def test_the_plain_walk_finds_what_pydicom_finds(description: str, patient_id: str, syntax: str) -> None:
    ds = ct_slice(StudyDescription=description, PatientID=patient_id)
    raw = encoded(ds, syntax)
    found = walk(raw, explicit=syntax == ExplicitVRLittleEndian)
    oracle = dcmread(BytesIO(raw), force=True, specific_tags=list(INDEXED))
    assert found is not None
    if syntax == ExplicitVRLittleEndian:
        raws = {tag: oracle.get_item(tag).value or b"" for tag in INDEXED if tag in oracle}
        assert found == raws | {0x00080005: b"ISO_IR 192"}  # which pydicom has decoded already


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_damaged_header_is_read_or_refused_in_words(data: st.DataObject) -> None:
    syntax = data.draw(st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]))
    raw = bytearray(encoded(ct_slice(), ExplicitVRLittleEndian))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    try:
        header = read_header(BytesIO(raw), syntax)
    except CannotUnderstand:
        return
    assert header is not None
    assert all(map(is_uid, (header.sop_instance_uid, header.study_uid, header.series_uid)))
    assert "\0" not in repr(header)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("charset", ["ISO_IR 100", ["", "ISO 2022 IR 87"]])
def test_the_character_set_holds_on_both_ways_through_the_header(syntax: str, charset: Any) -> None:
    ds = ct_slice()
    del ds.PixelData
    ds.SpecificCharacterSet = charset
    ds.StudyDescription = "Übung" if charset == "ISO_IR 100" else "検査"
    header = read_header(BytesIO(encoded(ds, syntax)), syntax)
    assert header is not None
    assert header.study_description == ds.StudyDescription


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 192", "Müller^Jörg=山田^太郎"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 144", "Люкceмбypг"),
    ],
)
def test_a_name_is_decoded_part_by_part_as_pydicom_does(syntax: str, charset: Any, name: str) -> None:
    ds = ct_slice()
    del ds.PixelData
    ds.SpecificCharacterSet = charset
    ds.PatientName = ds.ReferringPhysicianName = name
    header = read_header(BytesIO(encoded(ds, syntax)), syntax)
    assert header is not None
    assert (header.patient_name, header.referring_physician) == (name, name)


@pytest.mark.parametrize(("sent", "kept"), [("19700131", "19700131"), ("1970.01.31", "19700131"), ("ca. 1970", "")])
def test_who_was_examined_when_is_indexed_as_sent_and_a_date_that_is_none_is_not_kept(sent: str, kept: str) -> None:
    ds = ct_slice(PatientSex="F", StudyTime="101500", StudyID="S-1", SeriesNumber=3)
    ds.add_new("PatientBirthDate", "LO", sent)
    header = read_header(BytesIO(encoded(ds, ImplicitVRLittleEndian)), ImplicitVRLittleEndian)
    assert header is not None
    assert (header.patient_birth_date, header.patient_sex, header.study_time) == (kept, "F", "101500")
    assert (header.study_id, header.series_number) == ("S-1", 3)


def test_sequences_nested_beyond_all_reason_are_refused() -> None:
    begin = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises(CannotUnderstand):
        read_header(BytesIO(begin * 20_000), ExplicitVRLittleEndian)


def test_a_header_that_has_not_all_arrived_is_not_guessed() -> None:
    raw = encoded(ct_slice(), ExplicitVRLittleEndian)
    whole = read_header(BytesIO(raw), ExplicitVRLittleEndian)
    for end in range(0, 700, 13):
        assert read_header(BytesIO(raw[:end]), ExplicitVRLittleEndian, whole=False) in (None, whole)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2"])
@pytest.mark.parametrize("calling_ae", ["A", "PACS", "SIXTEEN_LETTERS_"])
def test_file_meta_is_byte_for_byte_pydicom_s(syntax: str, calling_ae: str) -> None:
    raw = file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", syntax, calling_ae)
    meta = create_file_meta(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uid="1.2.3",
        transfer_syntax=syntax,
        implementation_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version=IMPLEMENTATION_VERSION_NAME,
    )
    meta.SourceApplicationEntityTitle = calling_ae
    buffer = BytesIO()
    write_file_meta_info(buffer, meta)
    assert raw == bytes(128) + b"DICM" + buffer.getvalue()
    assert data_set_offset(BytesIO(raw)) == len(raw)


@pytest.mark.parametrize(
    ("sop_class_uid", "image"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", True),
        ("1.2.840.10008.5.1.4.1.1.2.1", True),
        ("1.2.840.10008.5.1.4.1.1.1.1", True),
        ("1.2.840.10008.5.1.4.1.1.7", True),
        ("1.2.840.10008.5.1.4.1.1.6.2", True),
        ("1.2.840.10008.5.1.4.1.1.88.34", False),
        ("1.2.840.10008.5.1.4.1.1.88.59", False),
        ("1.2.840.10008.5.1.4.1.1.11.1", False),
        ("1.2.840.10008.5.1.4.1.1.66.4", False),
        ("1.2.840.10008.5.1.4.1.1.481.3", False),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", False),
        ("1.3.12.2.1107.5.9.1", False),
    ],
)
def test_images_are_told_from_what_speaks_of_them(sop_class_uid: str, image: bool) -> None:
    assert is_image(sop_class_uid) is image


def test_a_value_representation_that_nobody_knows_is_said_to_the_sender() -> None:
    # Found by fuzzing: pydicom converts the value of an unknown representation after the parse, and raises only then.
    element = b"\x08\x00\x16\x00S\x02\x00\x00\x00\x00\x00\x08"
    with pytest.raises(CannotUnderstand):
        read_header(BytesIO(element), ImplicitVRLittleEndian)
    with pytest.raises(CannotUnderstand):
        read_header(BytesIO(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192" + element), ExplicitVRLittleEndian)
