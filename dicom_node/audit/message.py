"""An audit message and its XML (PS3.15 A.5.1: the schema's elements in their order, each value bounded and legal)."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from dicom_node.audit.codes import Code
from dicom_node.audit.participants import AuditSource

Action = Literal["C", "R", "U", "D", "E"]
Outcome = Literal[0, 4, 8, 12]
SUCCESS: Final = 0
MINOR_FAILURE: Final = 4
SERIOUS_FAILURE: Final = 8

# AuditSourceTypeCode: application server process (A.5.1.2.1).
APPLICATION_SERVER: Final = "4"
# What XML 1.0 (2.2) cannot hold, and a database does not take.
ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LONGEST_VALUE: Final = 1024
LONGEST_QUERY: Final = 16384


@dataclass(frozen=True)
class Event:
    """`at` in seconds since the epoch."""

    code: Code
    action: Action
    at: float
    outcome: Outcome = SUCCESS
    types: tuple[Code, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Participant:
    """`media`: the type of a medium that takes part (CID 405). `uri`: the network is a URI."""

    user_id: str
    requestor: bool
    roles: tuple[Code, ...] = ()
    name: str = ""
    ae_title: str = ""
    network: str = ""
    uri: str = ""
    media: Code | None = None


@dataclass(frozen=True)
class Object:
    """Something that an event was about. A query takes the place of the name (the schema allows one of the two).

    kind, role: ParticipantObjectTypeCode and -Role (A.5.1.2.2). classes: SOP class UID to number of instances.
    contains: the study of an object that is none.
    """

    id: str
    id_type: Code
    name: str
    kind: Literal["1", "2"]
    role: Literal["1", "3", "13"]
    query: bytes | None = None
    details: tuple[tuple[str, bytes], ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    contains: str = ""


@dataclass(frozen=True)
class Message:
    event: Event
    participants: tuple[Participant, ...]
    source: AuditSource
    objects: tuple[Object, ...] = ()


def to_xml(message: Message) -> str:
    """One line of XML, with the declaration."""
    root = Element("AuditMessage")
    _event(root, message.event)
    for participant in message.participants:
        _participant(root, participant)
    source = SubElement(root, "AuditSourceIdentification", AuditSourceID=_token(message.source.source_id))
    if message.source.site:
        source.set("AuditEnterpriseSiteID", _token(message.source.site))
    SubElement(source, "AuditSourceTypeCode", {"csd-code": APPLICATION_SERVER})
    for one in message.objects:
        _object(root, one)
    return '<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root, encoding="unicode")


def date_time(at: float) -> str:
    """UTC with its offset (A.5.2.5: the time zone shall be included)."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _event(root: Element, event: Event) -> None:
    element = SubElement(
        root,
        "EventIdentification",
        EventActionCode=event.action,
        EventDateTime=date_time(event.at),
        EventOutcomeIndicator=str(event.outcome),
    )
    _code(element, "EventID", event.code)
    for kind in event.types:
        _code(element, "EventTypeCode", kind)
    if event.description:
        SubElement(element, "EventOutcomeDescription").text = _text(event.description)


def _participant(root: Element, participant: Participant) -> None:
    element = SubElement(root, "ActiveParticipant", UserID=_token(participant.user_id))
    if participant.ae_title:
        element.set("AlternativeUserID", _token(f"AETITLES={participant.ae_title}"))  # A.5.2.2
    if participant.name:
        element.set("UserName", _token(participant.name))
    element.set("UserIsRequestor", "true" if participant.requestor else "false")
    network = participant.uri or participant.network
    if network:
        element.set("NetworkAccessPointID", _token(network))
        element.set("NetworkAccessPointTypeCode", "5" if participant.uri else _network_type(network))
    for role in participant.roles:
        _code(element, "RoleIDCode", role)
    if participant.media:
        _code(SubElement(element, "MediaIdentifier"), "MediaType", participant.media)


def _network_type(network: str) -> str:
    """1 = machine name, 2 = IP address."""
    try:
        ipaddress.ip_address(network)
    except ValueError:
        return "1"
    return "2"


def _object(root: Element, one: Object) -> None:
    element = SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=_token(one.id),
        ParticipantObjectTypeCode=one.kind,
        ParticipantObjectTypeCodeRole=one.role,
    )
    _code(element, "ParticipantObjectIDTypeCode", one.id_type)
    if one.query is None:
        SubElement(element, "ParticipantObjectName").text = _token(one.name)
    else:
        SubElement(element, "ParticipantObjectQuery").text = _base64(one.query)
    for kind, value in one.details:
        SubElement(element, "ParticipantObjectDetail", type=kind, value=_base64(value))
    if one.classes or one.contains:
        _description(SubElement(element, "ParticipantObjectDescription"), one.classes, one.contains)


def _description(element: Element, classes: Mapping[str, int], contains: str) -> None:
    for uid, count in sorted(classes.items()):
        SubElement(element, "SOPClass", UID=uid, NumberOfInstances=str(count))
    if contains:
        SubElement(SubElement(element, "ParticipantObjectContainsStudy"), "StudyIDs", UID=contains)


def _code(parent: Element, name: str, code: Code) -> None:
    attributes = {"csd-code": code.value, "codeSystemName": code.scheme, "originalText": code.meaning}
    SubElement(parent, name, attributes)


def _token(value: str) -> str:
    """One line, as the schema's tokens are."""
    return " ".join(_text(value).split())[:LONGEST_VALUE]


def _text(value: str) -> str:
    return ILLEGAL.sub("\ufffd", value)[:LONGEST_VALUE]


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def as_query(text: str) -> bytes:
    """UTF-8, bounded so that a message with it stays within what every collector takes (A.6: 32768 octets)."""
    return text.encode("utf-8", errors="replace")[:LONGEST_QUERY].decode("utf-8", errors="ignore").encode()
