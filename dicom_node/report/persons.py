"""People in a document: as participants, verifying observers, and observers of a finding."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_node.report import codes
from dicom_node.report.content import code, item, text
from dicom_node.report.life_cycle import Edit, Person, Reject
from dicom_node.report.moments import moment
from dicom_node.report.person_names import name_text
from dicom_node.report.version import Version
from dicom_node.report.words import clean_name, one_line

LOCAL_SCHEME = "L"
"""Coding Scheme Designator of a user code: a local one, without meaning outside the organisation."""


def participants(version: Version) -> list[Dataset]:
    """Participant items (C.17.2): who typed something in as ENT, who took responsibility as ATTEST."""
    return [
        _participant("ENT" if isinstance(act, Edit | Reject) else "ATTEST", act.person, _date_time(version, index))
        for index, act in enumerate(version.acts)
    ]


def verifying_observers(version: Version) -> list[Dataset]:
    """Verifying Observer items (C.17.2): who verified this very version. None while it is unverified."""
    if not version.is_verified:
        return []
    person, observer = version.acts[-1].person, Dataset()
    observer.VerifyingObserverName = clean_name(person.name)
    observer.VerifyingObserverIdentificationCodeSequence = [_user_code(person)]
    observer.VerifyingOrganization = one_line(person.organisation, 64)
    observer.VerificationDateTime = _date_time(version, len(version.acts) - 1)
    return [observer]


def person_observer(person: Person) -> list[Dataset]:
    """Observer context of a person (TID 1002, TID 1003)."""
    return [
        code("HAS OBS CONTEXT", codes.OBSERVER_TYPE, codes.PERSON),
        item("PNAME", "HAS OBS CONTEXT", codes.PERSON_OBSERVER_NAME, PersonName=clean_name(person.name)),
        text("HAS OBS CONTEXT", codes.PERSON_OBSERVER_ORGANIZATION, person.organisation),
        code("HAS OBS CONTEXT", codes.PERSON_OBSERVER_ROLE, codes.ROLES[person.role]),
    ]


def _participant(kind: str, person: Person, when: str) -> Dataset:
    """Identified Person or Device (C.17-3b)."""
    participant = Dataset()
    participant.ParticipationType = kind
    participant.ParticipationDateTime = when
    participant.ObserverType = "PSN"
    participant.PersonName = clean_name(person.name)
    participant.PersonIdentificationCodeSequence = [_user_code(person)]
    participant.InstitutionName = one_line(person.organisation, 64)
    participant.InstitutionCodeSequence = []
    return participant


def _user_code(person: Person) -> Dataset:
    """Code Sequence item; an identifier too long for SH goes into Long Code Value (PS3.3 8.1)."""
    user, value = Dataset(), one_line(person.id, 64)
    if len(value) > 16:
        user.LongCodeValue = value
    else:
        user.CodeValue = value
    user.CodingSchemeDesignator = LOCAL_SCHEME
    user.CodeMeaning = one_line(name_text(clean_name(person.name)), 64)
    return user


def _date_time(version: Version, index: int) -> str:
    return moment(version.acts[index].at, version.draft.sources[0]).date_time
