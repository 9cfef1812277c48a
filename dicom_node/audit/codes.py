"""Every code that an audit message holds. A row: value, scheme, meaning, source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RFC_3881: Final = "RFC-3881"
OWN: Final = "99MEDVLM"


@dataclass(frozen=True)
class Code:
    value: str
    scheme: str
    meaning: str
    source: str


def _event(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning, "PS3.16 CID 400")


def _event_type(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning, "PS3.16 CID 401")


def _alert(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning, "PS3.16 CID 403")


def _role(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning, "PS3.16 CID 402")


def _object_id(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning, "PS3.16 CID 404")


def _object_id_3881(value: str, meaning: str) -> Code:
    return Code(value, RFC_3881, meaning, "PS3.15 A.5.1.2.4")


def _own(value: str, meaning: str) -> Code:
    return Code(value, OWN, meaning, "this node: PS3.15 A.5.2 leaves EventTypeCode and RoleIDCode open")


APPLICATION_ACTIVITY: Final = _event("110100", "Application Activity")
AUDIT_LOG_USED: Final = _event("110101", "Audit Log Used")
INSTANCES_ACCESSED: Final = _event("110103", "DICOM Instances Accessed")
INSTANCES_TRANSFERRED: Final = _event("110104", "DICOM Instances Transferred")
EXPORT: Final = _event("110106", "Export")
IMPORT: Final = _event("110107", "Import")
QUERY: Final = _event("110112", "Query")
SECURITY_ALERT: Final = _event("110113", "Security Alert")
USER_AUTHENTICATION: Final = _event("110114", "User Authentication")
EVENTS: Final = (
    APPLICATION_ACTIVITY,
    AUDIT_LOG_USED,
    INSTANCES_ACCESSED,
    INSTANCES_TRANSFERRED,
    EXPORT,
    IMPORT,
    QUERY,
    SECURITY_ALERT,
    USER_AUTHENTICATION,
)

APPLICATION_START: Final = _event_type("110120", "Application Start")
APPLICATION_STOP: Final = _event_type("110121", "Application Stop")
LOGIN: Final = _event_type("110122", "Login")
LOGOUT: Final = _event_type("110123", "Logout")
USE_OF_RESTRICTED_FUNCTION: Final = _alert("110132", "Use of Restricted Function")
EVENT_TYPES: Final = (APPLICATION_START, APPLICATION_STOP, LOGIN, LOGOUT, USE_OF_RESTRICTED_FUNCTION)

APPLICATION: Final = _role("110150", "Application")
DESTINATION: Final = _role("110152", "Destination Role ID")
SOURCE: Final = _role("110153", "Source Role ID")
DESTINATION_MEDIA: Final = _role("110154", "Destination Media")
SOURCE_MEDIA: Final = _role("110155", "Source Media")
ROLES: Final = (APPLICATION, DESTINATION, SOURCE, DESTINATION_MEDIA, SOURCE_MEDIA)

STUDY_INSTANCE_UID: Final = _object_id("110180", "Study Instance UID")
NODE_ID: Final = _object_id("110182", "Node ID")
OBJECT_IDS: Final = (STUDY_INSTANCE_UID, NODE_ID)

URI_MEDIA: Final = Code("110037", "DCM", "URI", "PS3.16 CID 405")

PATIENT_NUMBER: Final = _object_id_3881("2", "Patient Number")
REPORT_NUMBER: Final = _object_id_3881("9", "Report Number")
SEARCH_CRITERIA: Final = _object_id_3881("10", "Search Criteria")
URI: Final = _object_id_3881("12", "URI")

# What an act on a study was: the event's own code says only that it was updated.
STUDY_OPENED: Final = _own("study-opened", "Study opened")
IMAGES_READ: Final = _own("images-read", "Images read")
REPORT_READ: Final = _own("report-read", "Report read")
REPORT_EDITED: Final = _own("report-edited", "Report edited")
REPORT_SIGNED: Final = _own("report-signed", "Report signed")
REPORT_REJECTED: Final = _own("report-rejected", "Report rejected")
REPORT_ADDENDED: Final = _own("report-addended", "Report addended")
OWN_READ_KEPT: Final = _own("own-read-kept", "Own read kept")
READ_AGAIN: Final = _own("read-again", "Reading asked for again")
PRIORITY_SET: Final = _own("priority-set", "Priority set")
QUESTION_ASKED: Final = _own("question-asked", "Question to the model")

# Roles of persons in this node (RoleIDCode is multi-valued: these come beside the standard's).
PERSON_ROLES: Final = {
    name: _own(name, meaning)
    for name, meaning in (
        ("viewer", "Viewer"),
        ("radiologist", "Radiologist"),
        ("admin", "Administrator"),
        ("machine", "Machine"),
    )
}
