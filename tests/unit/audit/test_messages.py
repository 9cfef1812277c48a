"""Audit messages against the standard's schema (PS3.15 A.5.1.1) and the tables of A.5.3."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from dicom_node.audit import codes, events
from dicom_node.audit.chain import Entry
from dicom_node.audit.events import Subject
from dicom_node.audit.message import Message, to_xml
from dicom_node.audit.participants import ANONYMOUS, Application, AuditSource, Who
from dicom_node.audit.reading import summary

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("audit_message.rng")))
NODE = AuditSource("MEDVLM", "Site", Application("dicom-node api", "MEDVLM", "node.example"))
WHO = Who("reader@hospital.example", "Reader^Anna", ("radiologist", "viewer"), "10.0.0.7")
PACS = Application("PACS@pacs.example", "PACS", "pacs.example")
STUDY = Subject("1.2.3", "PAT-1", "H1", {"1.2.840.10008.5.1.4.1.1.2": 3})
AT = 1_790_000_000.25

MESSAGES: dict[str, Callable[[Who, str], Message]] = {
    "start": lambda who, text: events.application_activity(NODE, AT, started=True),
    "stop": lambda who, text: events.application_activity(NODE, AT, started=False),
    "audit log used": lambda who, text: events.audit_log_used(NODE, AT, who),
    "study opened": lambda who, text: events.accessed(NODE, AT, who, STUDY, codes.STUDY_OPENED, "R"),
    "report signed": lambda who, text: events.accessed(NODE, AT, who, STUDY, codes.REPORT_SIGNED, "U", text),
    "sent": lambda who, text: events.sent(NODE, AT, PACS, STUDY),
    "received": lambda who, text: events.received(NODE, AT, PACS, (STUDY, Subject("1.2.4", text)), "it was cut off"),
    "stored": lambda who, text: events.stored(NODE, AT, who, STUDY),
    "messaged": lambda who, text: events.messaged(
        NODE, AT, Application("fhir", uri="https://fhir.example/r4"), Subject("1.2.3", text)
    ),
    "taken away": lambda who, text: events.taken_away(NODE, AT, who, text, STUDY),
    "imported": lambda who, text: events.imported(NODE, AT, who, text, STUDY),
    "queried": lambda who, text: events.queried(NODE, AT, who, text),
    "asked": lambda who, text: events.asked(NODE, AT, who, text, STUDY),
    "denied": lambda who, text: events.denied(NODE, AT, who, text),
    "denied on a study": lambda who, text: events.denied(NODE, AT, who, text, "1.2.3"),
    "login": lambda who, text: events.authentication(NODE, AT, who, codes.LOGIN, True),
    "login failed": lambda who, text: events.authentication(NODE, AT, who, codes.LOGIN, False),
}


def parsed(message: Message) -> etree._Element:
    xml = to_xml(message)
    assert "\n" not in xml
    root = etree.fromstring(xml.encode())
    SCHEMA.assertValid(root)
    return root


def ids(root: etree._Element, code: str) -> list[str]:
    path = f"ParticipantObjectIdentification[ParticipantObjectIDTypeCode/@csd-code='{code}']/@ParticipantObjectID"
    return [str(value) for value in root.xpath(path)]


@pytest.mark.parametrize("name", MESSAGES)
@given(who=st.builds(Who, st.text(), st.text(), st.just(("admin",)), st.text()), text=st.text(max_size=200))
def test_every_message_keeps_to_the_schema_whatever_the_words_in_it(name: str, who: Who, text: str) -> None:
    parsed(MESSAGES[name](who, text))


@pytest.mark.parametrize("name", MESSAGES)
def test_at_most_one_participant_is_the_requestor(name: str) -> None:
    root = parsed(MESSAGES[name](WHO, "x"))
    assert len(root.xpath("ActiveParticipant[@UserIsRequestor='true']")) <= 1


def test_the_schema_would_notice_a_message_that_is_not_one() -> None:
    root = parsed(MESSAGES["study opened"](WHO, ""))
    root.remove(root.find("AuditSourceIdentification"))
    assert not SCHEMA.validate(root)


def test_an_opened_study_names_the_reader_the_study_and_the_patients_number_but_no_patient_name() -> None:
    root = parsed(MESSAGES["study opened"](WHO, ""))
    (reader,) = root.xpath("ActiveParticipant[@UserIsRequestor='true']")
    assert dict(reader.attrib) == {
        "UserID": "reader@hospital.example",
        "UserName": "Reader^Anna",
        "UserIsRequestor": "true",
        "NetworkAccessPointID": "10.0.0.7",
        "NetworkAccessPointTypeCode": "2",
    }
    assert reader.xpath("RoleIDCode/@csd-code") == ["radiologist", "viewer"]
    assert root.find("EventIdentification").get("EventDateTime") == "2026-09-21T14:13:20.250+00:00"
    assert ids(root, "110180") == ["1.2.3"]
    assert ids(root, "2") == ["PAT-1^^^H1"]
    assert root.xpath("//ParticipantObjectName/text()") == ["Study", "Patient"]


def test_a_signature_names_the_report_and_its_study() -> None:
    root = parsed(MESSAGES["report signed"](WHO, "1.2.3:1:0"))
    assert root.xpath("EventIdentification/EventTypeCode/@originalText") == ["Report signed"]
    assert ids(root, "9") == ["1.2.3:1:0"]
    assert root.xpath("//ParticipantObjectContainsStudy/StudyIDs/@UID") == ["1.2.3"]


def test_a_transfer_has_one_source_and_one_destination() -> None:
    root = parsed(MESSAGES["sent"](WHO, ""))
    by_role = {str(one.find("RoleIDCode").get("csd-code")): one for one in root.findall("ActiveParticipant")}
    assert {code: one.get("AlternativeUserID") for code, one in by_role.items()} == {
        "110153": "AETITLES=MEDVLM",
        "110152": "AETITLES=PACS",
    }
    assert root.find("EventIdentification").get("EventActionCode") == "R"
    assert root.xpath("//SOPClass/@NumberOfInstances") == ["3"]


def test_what_was_asked_is_in_the_query_in_base64() -> None:
    root = parsed(MESSAGES["asked"](WHO, "Ist da ein Pneumothorax? <&>"))
    (query,) = root.xpath("//ParticipantObjectQuery/text()")
    assert base64.b64decode(query).decode() == "Ist da ein Pneumothorax? <&>"


@pytest.mark.parametrize("sign", ["x", "ä", "€", "𝄞"])
def test_a_question_of_any_length_stays_within_what_every_collector_takes(sign: str) -> None:
    root = parsed(MESSAGES["asked"](WHO, "y" + sign * 20_000))
    assert len(etree.tostring(root)) <= 32_000  # of the 32768 octets, some are the header's
    (query,) = root.xpath("//ParticipantObjectQuery/text()")
    assert set(base64.b64decode(query).decode()) == {"y", sign}


def test_a_denial_says_in_words_what_was_denied_and_to_whom() -> None:
    root = parsed(MESSAGES["denied on a study"](ANONYMOUS, "POST /reports/{id}/sign: needs radiologist"))
    event = root.find("EventIdentification")
    assert (event.get("EventOutcomeIndicator"), event.find("EventTypeCode").get("csd-code")) == ("8", "110132")
    (value,) = root.xpath("//ParticipantObjectDetail[@type='Alert Description']/@value")
    assert base64.b64decode(value).decode() == "POST /reports/{id}/sign: needs radiologist"
    assert root.xpath("ActiveParticipant[@UserIsRequestor='false']/@UserID") == ["anonymous"]


def test_a_login_has_a_network_address_even_when_none_is_known() -> None:
    root = parsed(MESSAGES["login failed"](ANONYMOUS, ""))
    assert root.xpath("ActiveParticipant[1]/@NetworkAccessPointID") == ["unknown"]
    assert root.find("EventIdentification").get("EventOutcomeIndicator") == "4"


def test_an_entry_reads_back_as_it_was_told() -> None:
    told = summary(Entry(7, AT, to_xml(MESSAGES["report signed"](WHO, "r-1")), "", ""))
    assert (told.n, told.event, told.kind, told.outcome) == (7, "DICOM Instances Accessed", "Report signed", "success")
    assert (told.who, told.name, told.network) == ("reader@hospital.example", "Reader^Anna", "10.0.0.7")
    assert (told.study_uids, told.report_uid, told.patient_id) == (("1.2.3",), "r-1", "PAT-1^^^H1")
    assert told.others == ("dicom-node api",)
