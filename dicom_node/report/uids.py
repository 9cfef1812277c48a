"""UIDs made from content, so that the same reading is the same object and a second delivery a duplicate.

Every UID is 2.25.<integer of a UUIDv5> (PS3.5 B.2) in the node's own namespace.
"""

from __future__ import annotations

import uuid

from dicom_node.report.document import DocumentKind, Draft, Equipment, State
from dicom_node.report.statements import Statement
from dicom_node.report.version import Version
from medvlm.contract import Finding, ModelIdentity


def derived_uid(root: uuid.UUID, *parts: object) -> str:
    return f"2.25.{uuid.uuid5(root, '|'.join(map(str, parts))).int}"


def document_uid(draft: Draft, kind: DocumentKind, state: State) -> str:
    """SOP Instance UID of the document in the first SOP class of its kind."""
    reading = draft.reading
    parts = (kind.name, kind.sop_class_uids[0], reading.study_uid, reading.digest, state.name, draft.version)
    return derived_uid(draft.equipment.uid_root, *parts)


def version_uid(version: Version, kind: DocumentKind, part: int = 0) -> str:
    """SOP Instance UID of a version's document; `part` counts the objects of a kind that needs several, from 0."""
    drafted = document_uid(version.draft, kind, version.flags)
    if not (version.acts or part):
        return drafted
    return derived_uid(version.draft.equipment.uid_root, "version", drafted, version.digest, part)


def copy_uid(equipment: Equipment, original_uid: str, sop_class_uid: str) -> str:
    """SOP Instance UID of the same document in another SOP class: two classes under one UID lose one in an archive."""
    return derived_uid(equipment.uid_root, "copy", original_uid, sop_class_uid)


def series_uid(draft: Draft, kind: DocumentKind) -> str:
    """One series a kind, study and equipment; versions of a document share it (PS3.3 A.1.2.3)."""
    node = draft.equipment
    parts = (node.manufacturer, node.model_name, node.device_serial_number, node.software_version)
    return derived_uid(node.uid_root, "series", kind.name, draft.reading.study_uid, *parts)


def device_uid(equipment: Equipment, model: ModelIdentity) -> str:
    """Device UID of the model: other weights, adapter, profile or calibration are another device."""
    return derived_uid(equipment.uid_root, "device", model.digest)


def observation_uid(draft: Draft, finding: Finding | Statement, region: int = 0) -> str:
    """Observation UID (PS3.3 C.17.3.1): the same for the same finding of a reading in every version."""
    return derived_uid(draft.equipment.uid_root, "observation", draft.reading.digest, finding.tracking_uid, region)


def tracking_uid(draft: Draft, finding: Finding | Statement, region: int) -> str:
    """Tracking UID of one region. Viewers merge groups that share one, so every further region has its own."""
    if region == 0:
        return finding.tracking_uid
    return derived_uid(draft.equipment.uid_root, "region", finding.tracking_uid, region)


def whole_image_uid(draft: Draft, sop_instance_uid: str) -> str:
    """Tracking UID of the group that stands for the whole image."""
    return derived_uid(draft.equipment.uid_root, "whole image", sop_instance_uid)
