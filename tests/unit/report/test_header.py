"""Headers as the world sends them become headers as the standard wants them."""

from __future__ import annotations

import warnings
from io import BytesIO

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from dicom_node.report import NotReportable, findings_sr, narrative_sr, to_part10
from dicom_node.report.header import ATTRIBUTES, clean_header, header_notes
from dicom_node.report.version import Version
from tests.unit.report.drafts import draft, header
from tests.unit.report.versions import every_object

TYPE_2 = [attribute.keyword for attribute in ATTRIBUTES if attribute.always]


def written(source: Dataset) -> Dataset:
    """The document of that source, once round through a file."""
    return pydicom.dcmread(BytesIO(to_part10(narrative_sr(draft(sources=(source,))))))


@pytest.mark.parametrize("keyword", TYPE_2)
def test_a_missing_mandatory_attribute_comes_out_empty_in_every_object(keyword: str) -> None:
    source = header(**{keyword: None})
    for kind, document in every_object(Version(draft(sources=(source,)))).items():
        assert keyword in document, kind
        assert not document[keyword].value, kind


def test_an_image_without_a_series_is_refused_in_words_and_never_by_a_traceback() -> None:
    with pytest.raises(NotReportable, match="SeriesInstanceUID"):
        every_object(Version(draft(sources=(header(SeriesInstanceUID=None),))))


@pytest.mark.parametrize("sex", ["U", "X", "UNKNOWN", "f"])
def test_an_unknown_sex_is_left_out_and_said_so(sex: str) -> None:
    source = header(PatientSex=sex)
    assert clean_header(source).PatientSex == ""
    (note,) = header_notes(source)
    assert repr(sex) in note
    assert note in to_part10(findings_sr(draft(sources=(source,)))).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        ("19500102", "19500102"),
        ("1950.01.02", "19500102"),
        ("1950-01-02", "19500102"),
        ("19500230", ""),
        ("195001", ""),
        ("UNKNOWN", ""),
        ("00000000", ""),
        ("", ""),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_birth_date_is_a_date_or_empty(received: str, sent: str) -> None:
    assert clean_header(header(PatientBirthDate=received)).PatientBirthDate == sent


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        ("101530.25", "101530.25"),
        ("10", "10"),
        ("10:15:30", "101530"),
        ("235960", "235960"),
        ("246060", ""),
        ("101575", ""),
        ("noon", ""),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_study_time_is_a_time_or_empty(received: str, sent: str) -> None:
    assert clean_header(header(StudyTime=received)).StudyTime == sent


NAMES = {
    "": "Specimen^Chest",
    "ISO_IR 100": "Müller^Jörg",
    "ISO_IR 101": "Łukasz^Żółć",
    "ISO_IR 109": "Ħal^Ġorġ",
    "ISO_IR 110": "Ķēniņš^Jānis",
    "ISO_IR 126": "Διονυσιος",
    "ISO_IR 127": "قباني^لنزار",
    "ISO_IR 138": "שרון^דבורה",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 148": "Çavuşoğlu^İbrahim",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
    "ISO_IR 166": "นามสกุล^ชื่อ",
    "ISO_IR 192": "Ρopescu^Ана=Popescu^Ана=Рopescu^Aна",  # the groups differ in letters that look alike
    "GB18030": "Wang^XiaoDong=王^小东",
    "GBK": "Wang^XiaoDong=王^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
}


def received(charset: str, name: str) -> Dataset:
    """A header in that character set, as read from its file, and written once already since.

    Such a name object keeps the bytes of its first character set.
    """
    sent = header(PatientName=name, SpecificCharacterSet=charset.split("\\") if charset else None)
    source = pydicom.dcmread(BytesIO(to_part10(sent)))
    str(source.PatientName)
    to_part10(source)
    return source


@pytest.mark.parametrize(("charset", "name"), NAMES.items())
def test_a_name_keeps_its_letters_in_every_object_whatever_it_was_written_in(charset: str, name: str) -> None:
    source = received(charset, name)
    for kind, made in every_object(Version(draft(sources=(source,)))).items():
        document = pydicom.dcmread(BytesIO(to_part10(made)))
        assert document.SpecificCharacterSet == "ISO_IR 192", kind
        assert str(document.PatientName) == name, kind


def test_a_name_in_gb_2312_loses_the_escape_sequences_and_no_letter() -> None:
    """The example of PS3.5 K.2. pydicom cannot write this character set, so the bytes stand here."""
    source = header(SpecificCharacterSet=["", "ISO 2022 IR 58"])
    written_there = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="
    source.PatientName = PersonName(written_there, encodings=convert_encodings(source.SpecificCharacterSet))
    for kind, made in every_object(Version(draft(sources=(source,)))).items():
        assert str(pydicom.dcmread(BytesIO(to_part10(made))).PatientName) == "Zhang^XiaoDong=张^小东", kind


def test_a_long_name_is_cut_by_component_group_and_an_identifier_never() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = header(PatientName=f"{'A' * 70}={'B' * 3}", PatientID="9" * 70)
        clean = clean_header(source)
    assert str(clean.PatientName) == f"{'A' * 64}=BBB"
    assert clean.PatientID == "9" * 70


def test_patient_and_study_are_the_source_s() -> None:
    source, document = header(IssuerOfPatientID="Ward"), written(header(IssuerOfPatientID="Ward"))
    for attribute in ATTRIBUTES:
        assert str(document.get(attribute.keyword, "")) == str(source.get(attribute.keyword, ""))
    assert document.StudyInstanceUID == source.StudyInstanceUID


def test_an_element_that_cannot_be_parsed_counts_as_empty() -> None:
    source = header()
    source.SpecificCharacterSet = "no such set"
    source[0x00281050] = pydicom.DataElement(0x00281050, "DS", None)
    source["PatientName"] = pydicom.DataElement(0x00100010, "PN", b"M\xfcller")
    assert "M" in str(clean_header(source).PatientName)


texts = st.text(max_size=90)
odd = st.dictionaries(st.sampled_from([attribute.keyword for attribute in ATTRIBUTES]), texts)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None)
@given(odd)
def test_any_header_gives_a_document_that_reads_back(values: dict[str, str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = written(header(**values))
        for attribute in ATTRIBUTES:
            value = document.get(attribute.keyword)
            assert attribute.always <= (attribute.keyword in document)
            # What was cleaned once is clean: nothing is lost on a second way round.
            assert str(clean_header(document).get(attribute.keyword, "")) == str("" if value is None else value)
