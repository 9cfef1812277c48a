"""The HL7 v2 message: valid, in step with the SR, and unbreakable by text (T17)."""

from __future__ import annotations

import base64
import re

import pytest
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from dicom_node.report import NotReportable, uids
from dicom_node.report.document import FINDINGS, NARRATIVE
from dicom_node.report.hl7 import Routing, control_id, oru_r01
from dicom_node.report.hl7.er7 import escaped, segment
from dicom_node.report.words import printable
from tests.unit.report.drafts import draft, header, reading
from tests.unit.report.versions import PDF, every_state

STATES = {
    "draft": ("P", "P"),
    "edited": ("P", "P"),
    "signed": ("F", "F"),
    "addended": ("C", "C"),
    "rejected": ("X", "D"),
}
UNESCAPED = {"E": "\\", "F": "|", "S": "^", "R": "~", "T": "&", ".br": "\n"}


def unescaped(text: str) -> str:
    return re.sub(r"\\([^\\]*)\\", lambda found: UNESCAPED[found[1]], text)


def segments(message: bytes, name: str) -> list[list[str]]:
    return [line.split("|") for line in message.decode().split("\r") if line.startswith(name)]


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_valid_to_a_second_library(state: str) -> None:
    message = oru_r01(every_state()[state], Routing("H", "RIS", "H"), pdf=PDF).decode()
    assert parse_message(message, find_groups=True).validate()


@pytest.mark.parametrize("state", STATES)
def test_statuses_follow_the_state_and_the_first_line_says_it(state: str) -> None:
    version = every_state()[state]
    message = oru_r01(version)
    (order,), lines = segments(message, "OBR"), segments(message, "OBX")
    assert order[25] == STATES[state][0]
    deleted = {"D"} if state != "draft" else set()  # what an editor removed
    assert {line[11] for line in lines} == {STATES[state][1]} | deleted
    assert ("not verified" in lines[0][5].lower()) == (not version.is_verified)
    assert (order[32:] != []) == version.is_verified


@pytest.mark.parametrize("state", STATES)
def test_it_carries_the_sop_instance_uids_and_a_control_id_of_its_own(state: str) -> None:
    versions = every_state()
    message = oru_r01(versions[state])
    for kind in (FINDINGS, NARRATIVE):
        assert uids.version_uid(versions[state], kind).encode() in message
    assert segments(message, "MSH")[0][9] == control_id(versions[state])
    assert len({control_id(version) for version in versions.values()}) == len(versions)


def test_certainty_is_the_srs_number_in_percent() -> None:
    numbers = [line[5:7] for line in segments(oru_r01(draft()), "OBX") if line[2] == "NM"]
    assert numbers == [[f"{100 * it.probability:.1f}", "%^Percent^UCUM"] for it in reading().findings]


def test_a_finding_keeps_its_number_from_version_to_version() -> None:
    def number(state: str) -> dict[str, str]:
        lines = segments(oru_r01(every_state()[state]), "OBX")
        return {line[3]: line[4] for line in lines if line[2] == "CWE" and "Laterality" not in line[3]}

    assert number("draft").items() <= number("edited").items()


def test_the_name_is_given_in_every_script_with_suffix_before_prefix() -> None:
    name = "Yamada^Tarou^^Dr^Jr=山田^太郎=やまだ^たろう"
    (patient,) = segments(oru_r01(draft(sources=(header(PatientName=name),))), "PID")
    assert patient[5] == "Yamada^Tarou^^Jr^Dr^^L^A~山田^太郎^^^^^L^I~やまだ^たろう^^^^^L^P"


def test_a_patient_without_an_id_is_refused() -> None:
    with pytest.raises(NotReportable, match="patient ID"):
        oru_r01(draft(sources=(header(PatientID=None),)))


def test_the_printed_page_comes_back_byte_for_byte() -> None:
    (line,) = (line for line in segments(oru_r01(draft(), pdf=PDF), "OBX") if line[2] == "ED")
    assert base64.b64decode(line[5].split("^")[4]) == PDF


def test_the_same_version_is_the_same_bytes() -> None:
    assert oru_r01(draft(), pdf=PDF) == oru_r01(draft(), pdf=PDF)


@given(st.text())
def test_no_text_breaks_a_segment_and_none_is_lost(text: str) -> None:
    sent = escaped(text)
    assert not set("|^~&\r\n") & set(sent)
    assert unescaped(sent) == printable(text.replace("\r\n", "\n")).replace("\r", "\n")


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=4))
def test_fields_and_components_come_apart_as_they_were_put_together(fields: list[tuple[str, str]]) -> None:
    read = segment("ZZZ", fields).split("|")[1:]
    said = [tuple(unescaped(part) for part in [*field.split("^"), "", ""][:2]) for field in read]
    wanted = [tuple(unescaped(escaped(part)) for part in field) for field in fields]
    assert said == wanted[: len(said)]
    assert not any(part for field in wanted[len(said) :] for part in field)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_a_patient_of_any_name_leaves_a_readable_message(name: str) -> None:
    message = oru_r01(draft(sources=(header(StudyDescription=name, AccessionNumber=name),)))
    assert [line[:3] for line in message.decode().split("\r")][:3] == ["MSH", "PID", "OBR"]
