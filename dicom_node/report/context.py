"""The head of both trees: language, observer, procedure (TID 1204, 1001, 1004), and words that both carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import code, text, uidref
from dicom_node.report.document import EVALUATION_ONLY, Draft
from dicom_node.report.header import header_notes
from dicom_node.report.images import SourceImage
from dicom_node.report.life_cycle import Act, Addend, Person, Reject, StateName
from dicom_node.report.modules import model_parts
from dicom_node.report.moments import clock
from dicom_node.report.person_names import name_text
from dicom_node.report.persons import person_observer
from dicom_node.report.statements import content
from dicom_node.report.version import Version
from dicom_node.report.words import clean_name, printable
from medvlm.contract import FindingName
from medvlm.vocabulary import term

ACTED: Mapping[StateName, str] = MappingProxyType(
    {
        "edited": "Edited by",
        "signed": "Verified by",
        "addended": "Addendum verified by",
        "rejected": "Rejected by",
    }
)


def observation_context(draft: Draft, image: SourceImage, people: Iterable[Person] = ()) -> list[Dataset]:
    """Language, the model as observing device and people beside it, and the procedure reported."""
    procedure = codes.PROCEDURES.get(image.modality, codes.XR)
    return [
        code("HAS CONCEPT MOD", codes.LANGUAGE, codes.ENGLISH_US),
        *device_observer(draft),
        *(item for person in people for item in person_observer(person)),
        code("HAS CONCEPT MOD", codes.PROCEDURE_REPORTED, procedure),
    ]


def device_observer(draft: Draft) -> list[Dataset]:
    """The model as observer (TID 1002, TID 1004)."""
    names = (
        (codes.DEVICE_OBSERVER_NAME, draft.equipment.station_name),
        (codes.DEVICE_OBSERVER_MANUFACTURER, draft.equipment.manufacturer),
        (codes.DEVICE_OBSERVER_MODEL, draft.reading.model.name),
        (codes.DEVICE_OBSERVER_SERIAL, draft.equipment.device_serial_number),
    )
    return [
        code("HAS OBS CONTEXT", codes.OBSERVER_TYPE, codes.DEVICE),
        uidref("HAS OBS CONTEXT", codes.DEVICE_OBSERVER_UID, uids.device_uid(draft.equipment, draft.reading.model)),
        *(text("HAS OBS CONTEXT", name, value) for name, value in names if value.strip()),
    ]


def opening(version: Version) -> list[str]:
    """What every document says first: how far it may be relied on, then who acted last, where and when."""
    acted = [f"{ACTED[version.state]} {_signature(version.acts[-1])}."] if version.acts else []
    if version.is_verified:
        return [*acted, EVALUATION_ONLY]
    last = version.acts[-1] if version.acts else None
    reason = [f"Reason: {printable(last.reason)}"] if isinstance(last, Reject) and last.reason.strip() else []
    return [version.flags.description, EVALUATION_ONLY, *acted, *reason]


def addendum_lines(added: Addend) -> list[str]:
    return [f"Addendum by {_signature(added)}.", *printable(added.text).splitlines()]


def _signature(act: Act) -> str:
    """Who, where and when."""
    return f"{name_text(clean_name(act.person.name))}, {printable(act.person.organisation)}, {clock(act.at)}"


def model_line(draft: Draft) -> str:
    model = draft.reading.model
    return f"Drafted by {model.name} ({', '.join(model_parts(model, digits=12))})."


def not_assessed(version: Version) -> tuple[FindingName, ...]:
    """What neither the model was validated for nor a person has stated."""
    stated = {it.name for it in content(version).statements}
    return tuple(name for name in version.draft.reading.not_assessed if name not in stated)


def not_assessed_line(version: Version) -> str:
    """The same in words; "" where there is none."""
    names = ", ".join(term(name).display.lower() for name in not_assessed(version))
    return f"Not assessed: {names}." if names else ""


def warning_lines(draft: Draft) -> list[str]:
    """The reading's warnings and what the source header could not give."""
    words = (*(warning.words for warning in draft.reading.warnings), *header_notes(draft.sources[0]))
    return [f"Warning: {line.strip()}" for line in words if line.strip()]
