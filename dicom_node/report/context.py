"""The head of both trees: language, observer, procedure (TID 1204, 1001, 1004), and words that both carry."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import code, text, uidref
from dicom_node.report.document import Draft
from dicom_node.report.header import header_notes
from dicom_node.report.images import SourceImage
from dicom_node.report.modules import model_parts
from medvlm.vocabulary import term


def observation_context(draft: Draft, image: SourceImage) -> list[Dataset]:
    """Language, the model as observing device, and the procedure reported."""
    procedure = codes.PROCEDURES.get(image.modality, codes.XR)
    return [
        code("HAS CONCEPT MOD", codes.LANGUAGE, codes.ENGLISH_US),
        code("HAS OBS CONTEXT", codes.OBSERVER_TYPE, codes.DEVICE),
        uidref("HAS OBS CONTEXT", codes.DEVICE_OBSERVER_UID, uids.device_uid(draft.equipment, draft.reading.model)),
        *_device_names(draft),
        code("HAS CONCEPT MOD", codes.PROCEDURE_REPORTED, procedure),
    ]


def _device_names(draft: Draft) -> list[Dataset]:
    names = (
        (codes.DEVICE_OBSERVER_NAME, draft.equipment.station_name),
        (codes.DEVICE_OBSERVER_MANUFACTURER, draft.equipment.manufacturer),
        (codes.DEVICE_OBSERVER_MODEL, draft.reading.model.name),
        (codes.DEVICE_OBSERVER_SERIAL, draft.equipment.device_serial_number),
    )
    return [text("HAS OBS CONTEXT", name, value) for name, value in names if value.strip()]


def model_line(draft: Draft) -> str:
    model = draft.reading.model
    return f"Drafted by {model.name} ({', '.join(model_parts(model, digits=12))})."


def not_assessed_line(draft: Draft) -> str:
    """What the model was not asked or not validated for, in words; "" where the list is empty."""
    names = ", ".join(term(name).display.lower() for name in draft.reading.not_assessed)
    return f"Not assessed: {names}." if names else ""


def warning_lines(draft: Draft) -> list[str]:
    """The reading's warnings and what the source header could not give."""
    words = (*(warning.words for warning in draft.reading.warnings), *header_notes(draft.sources[0]))
    return [f"Warning: {line.strip()}" for line in words if line.strip()]
