"""The messages of PS3.15 A.5.3, each from the facts of one event. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dicom_node.audit import codes
from dicom_node.audit.codes import Code
from dicom_node.audit.message import (
    MINOR_FAILURE,
    SERIOUS_FAILURE,
    SUCCESS,
    Action,
    Event,
    Message,
    Object,
    Outcome,
    Participant,
    as_query,
)
from dicom_node.audit.participants import Application, AuditSource, Who

UNKNOWN: Final = "unknown"
TRAIL: Final = "urn:medvlm:audit-trail"


@dataclass(frozen=True)
class Subject:
    """A study and its patient. `classes`: SOP class UID to number of instances, where that is told."""

    study_uid: str
    patient_id: str
    issuer: str = ""
    classes: Mapping[str, int] = field(default_factory=dict)


def application_activity(source: AuditSource, at: float, *, started: bool) -> Message:
    """A.5.3.1."""
    kind = codes.APPLICATION_START if started else codes.APPLICATION_STOP
    event = Event(codes.APPLICATION_ACTIVITY, "E", at, types=(kind,))
    return Message(event, (_process(source.process, False, codes.APPLICATION),), source)


def audit_log_used(source: AuditSource, at: float, who: Who) -> Message:
    """A.5.3.2: both the person and the process, for both are known."""
    event = Event(codes.AUDIT_LOG_USED, "R", at)
    trail = Object(TRAIL, codes.URI, "Security Audit Log", "2", "13")
    return Message(event, (_caller(who), _process(source.process)), source, (trail,))


def accessed(
    source: AuditSource, at: float, who: Who, subject: Subject, act: Code, action: Action, report_uid: str = ""
) -> Message:
    """A.5.3.6: a study seen or changed; with the report that it was about, if any."""
    event = Event(codes.INSTANCES_ACCESSED, action, at, types=(act,))
    report = (_report(report_uid, subject.study_uid),) if report_uid else ()
    objects = (_study(subject), *report, _patient(subject))
    return Message(event, (_caller(who), _process(source.process)), source, objects)


def transferred(
    source: AuditSource, at: float, sender: Participant, receiver: Participant, subjects: tuple[Subject, ...], new: bool
) -> Message:
    """A.5.3.7: studies of one patient from one application to another. `new`: the receiver (we) did not hold them."""
    event = Event(codes.INSTANCES_TRANSFERRED, "C" if new else "R", at)
    objects = (*map(_study, subjects), _patient(subjects[0]))
    parties = (_with(sender, codes.SOURCE), _with(receiver, codes.DESTINATION))
    return Message(event, parties, source, objects)


def sent(source: AuditSource, at: float, to: Application, subject: Subject) -> Message:
    """DICOM objects of ours to a peer. Whether it held them before we do not know: action R, as A.5.3.7 says."""
    sender, receiver = _process(source.process, True), _process(to)
    return transferred(source, at, sender, receiver, (subject,), new=False)


def received(
    source: AuditSource, at: float, sender: Application, subjects: tuple[Subject, ...], failure: str = ""
) -> Message:
    """Instances from a peer, of one patient. `failure`: how the association ended, when not as it should."""
    message = transferred(source, at, _process(sender, True), _process(source.process), subjects, new=True)
    if not failure:
        return message
    return replace(message, event=replace(message.event, outcome=MINOR_FAILURE, description=failure))


def stored(source: AuditSource, at: float, who: Who, subject: Subject) -> Message:
    """Instances from a caller of the API (STOW-RS)."""
    return transferred(source, at, _caller(who), _process(source.process), (subject,), new=True)


def messaged(source: AuditSource, at: float, to: Application, subject: Subject) -> Message:
    """A.5.3.4: a report sent as a message that is not DICOM's (FHIR, HL7); `to` has its `uri`."""
    parties = (_process(to, False, codes.DESTINATION), _process(source.process, True, codes.SOURCE))
    return _export(source, at, parties, Participant(to.uri, False, uri=to.uri), subject)


def taken_away(source: AuditSource, at: float, who: Who, what: str, subject: Subject) -> Message:
    """A.5.3.4: a person downloads or writes out what the node made of a study."""
    parties = (_with(_caller(who), codes.SOURCE), _process(source.process, False, codes.SOURCE))
    return _export(source, at, parties, Participant(what, False, network=who.network), subject)


def _export(
    source: AuditSource, at: float, parties: tuple[Participant, ...], media: Participant, subject: Subject
) -> Message:
    carrier = replace(_with(media, codes.DESTINATION_MEDIA), media=codes.URI_MEDIA)
    objects = (_study(subject), _patient(subject))
    return Message(Event(codes.EXPORT, "R", at), (*parties, carrier), source, objects)


def imported(source: AuditSource, at: float, who: Who, origin: str, subject: Subject) -> Message:
    """A.5.3.5: files that came from outside; `origin` says from where."""
    parties = (_with(_caller(who), codes.DESTINATION), _process(source.process, False, codes.DESTINATION))
    media = Participant(origin, False, (codes.SOURCE_MEDIA,), media=codes.URI_MEDIA)
    objects = (_study(subject), _patient(subject))
    return Message(Event(codes.IMPORT, "C", at), (*parties, media), source, objects)


def queried(source: AuditSource, at: float, who: Who, text: str) -> Message:
    """A.5.3.10: a search over studies."""
    return _query(source, at, who, text, "studies", (), ())


def asked(source: AuditSource, at: float, who: Who, text: str, subject: Subject) -> Message:
    """A.5.3.10, of a question about a study: a query that is not DICOM's, with the study and patient it is about."""
    objects = (_study(subject), _patient(subject))
    return _query(source, at, who, text, "question", (codes.QUESTION_ASKED,), objects)


def _query(
    source: AuditSource,
    at: float,
    who: Who,
    text: str,
    kind: str,
    types: tuple[Code, ...],
    objects: tuple[Object, ...],
) -> Message:
    event = Event(codes.QUERY, "E", at, types=types)
    parties = (_with(_caller(who), codes.SOURCE), _process(source.process, False, codes.DESTINATION))
    query = Object(kind, codes.SEARCH_CRITERIA, "", "2", "3", query=as_query(text))
    return Message(event, parties, source, (query, *objects))


def denied(source: AuditSource, at: float, who: Who, what: str, study_uid: str = "") -> Message:
    """A.5.3.11: the node kept somebody from what they may not do (a serious failure that was averted)."""
    event = Event(codes.SECURITY_ALERT, "E", at, SERIOUS_FAILURE, (codes.USE_OF_RESTRICTED_FUNCTION,))
    detail = (("Alert Description", as_query(what)),)
    node = Object(source.source_id, codes.NODE_ID, "Node", "2", "13", details=detail)
    study = Object(study_uid, codes.STUDY_INSTANCE_UID, "Study", "2", "13", details=detail)
    parties = (_process(source.process, True), replace(_caller(who), requestor=False))
    return Message(event, parties, source, (study if study_uid else node,))


def authentication(source: AuditSource, at: float, who: Who, kind: Code, ok: bool) -> Message:
    """A.5.3.12: log-in or log-out, the person "authenticated or claimed". The network address is mandatory."""
    outcome: Outcome = SUCCESS if ok else MINOR_FAILURE
    event = Event(codes.USER_AUTHENTICATION, "E", at, outcome, (kind,))
    person = replace(_caller(who), network=who.network or UNKNOWN)
    return Message(event, (person, _process(source.process)), source)


def _caller(who: Who) -> Participant:
    roles = tuple(codes.PERSON_ROLES[name] for name in sorted(who.roles) if name in codes.PERSON_ROLES)
    return Participant(who.user_id or UNKNOWN, True, roles, name=who.name, network=who.network)


def _process(process: Application, requestor: bool = False, *roles: Code) -> Participant:
    return Participant(
        process.user_id, requestor, roles, ae_title=process.ae_title, network=process.network, uri=process.uri
    )


def _with(participant: Participant, role: Code) -> Participant:
    return replace(participant, roles=(role, *participant.roles))


def _study(subject: Subject) -> Object:
    return Object(subject.study_uid, codes.STUDY_INSTANCE_UID, "Study", "2", "3", classes=subject.classes)


def _report(report_uid: str, study_uid: str) -> Object:
    return Object(report_uid, codes.REPORT_NUMBER, "Report", "2", "3", contains=study_uid)


def _patient(subject: Subject) -> Object:
    """By number alone: the schema wants a name in the element, A.5.3 does not want the patient's."""
    return Object(_patient_number(subject), codes.PATIENT_NUMBER, "Patient", "1", "1")


def _patient_number(subject: Subject) -> str:
    """With its issuer in HL7's way (CX), where there is one: numbers alone collide between hospitals."""
    number = subject.patient_id or UNKNOWN
    return f"{number}^^^{subject.issuer}" if subject.issuer else number
