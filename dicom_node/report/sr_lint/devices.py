"""The model as source, as contributing equipment and as observer: one device under one UID (PS3.3 C.12.1, C.17.2)."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from dicom_node.report import codes
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.life_cycle import PARTICIPANTS, participants
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Subject, coded, key, sequence

EQUIPMENT = "ContributingEquipmentSequence"


def the_model_is_source(subject: Subject) -> Iterator[Fault]:
    """The AI stays the source of the content in every state."""
    sources = participants(subject, "SOURCE", "DEV")
    if not any(_is_complete(it, "DeviceUID", "Manufacturer", "ManufacturerModelName") for it in sources):
        yield Fault("no device with its UID takes part as source", PARTICIPANTS)


def the_model_is_contributing_equipment(subject: Subject) -> Iterator[Fault]:
    needed = ("DeviceUID", "Manufacturer", "ManufacturerModelName", "SoftwareVersions")
    if not any(_is_complete(it, *needed) for it in _processing_equipment(subject)):
        yield Fault("no processing equipment with its UID, model and versions has contributed", EQUIPMENT)


def the_model_is_observer(subject: Subject) -> Iterator[Fault]:
    if not any(item.text("UID") for item in subject.everywhere(codes.DEVICE_OBSERVER_UID)):
        yield Fault("the tree has no Device Observer UID", subject.root.where)


def device_uids_agree(subject: Subject) -> Iterator[Fault]:
    stated = {
        "ParticipantSequence": [read_text(it, "DeviceUID") for it in participants(subject, "SOURCE", "DEV")],
        EQUIPMENT: [read_text(it, "DeviceUID") for it in _processing_equipment(subject)],
        "Device Observer UID": [item.text("UID") for item in subject.everywhere(codes.DEVICE_OBSERVER_UID)],
    }
    uids = {uid for values in stated.values() for uid in values if uid}
    if len(uids) > 1:
        yield Fault("source, contributing equipment and observer are different devices", ", ".join(stated))


def _processing_equipment(subject: Subject) -> tuple[Dataset, ...]:
    return tuple(
        it
        for it in sequence(subject.document, EQUIPMENT)
        if coded(it, "PurposeOfReferenceCodeSequence") == key(codes.PROCESSING_EQUIPMENT)
    )


def _is_complete(dataset: Dataset, *keywords: str) -> bool:
    return all(read_text(dataset, keyword) for keyword in keywords)
