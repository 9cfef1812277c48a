"""The same document in another SOP class, for a peer that refuses the first one."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType

from pydicom.dataset import Dataset

from dicom_node.report.document import FINDINGS, NARRATIVE, Equipment, NotReportable
from dicom_node.report.uids import copy_uid

FALLBACKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {kind.sop_class_uids[0]: kind.sop_class_uids[1:] for kind in (FINDINGS, NARRATIVE)}
)
"""SOP class -> the classes that hold the same tree, best first."""


def as_sop_class(dataset: Dataset, sop_class_uid: str, equipment: Equipment) -> Dataset:
    """The document in `sop_class_uid`, under another SOP Instance UID; the document itself where that is its class.

    Equal to building it in that class from the start. Never send both to one peer: its reader would see every finding
    twice. Raises `NotReportable` for a class that cannot hold the tree.
    """
    if dataset.SOPClassUID == sop_class_uid:
        return dataset
    if sop_class_uid not in FALLBACKS.get(dataset.SOPClassUID, ()):
        raise NotReportable(
            f"SOP class {sop_class_uid} cannot hold this document",
            where=dataset.SOPClassUID,
            way_out="Known: " + ", ".join(FALLBACKS.get(dataset.SOPClassUID, ())) + ".",
        )
    copy = Dataset()
    copy.update(dataset)
    # New elements: the copy shares its elements with the original, and assignment would change both.
    copy.add_new("SOPClassUID", "UI", sop_class_uid)
    copy.add_new("SOPInstanceUID", "UI", copy_uid(equipment, dataset.SOPInstanceUID, sop_class_uid))
    if "PredecessorDocumentsSequence" in dataset:
        copy.add_new("PredecessorDocumentsSequence", "SQ", _predecessors(dataset, sop_class_uid, equipment))
    return copy


def _predecessors(dataset: Dataset, sop_class_uid: str, equipment: Equipment) -> list[Dataset]:
    """The predecessors as the peer has them: it got those, too, in the other class."""
    studies = deepcopy(list(dataset.PredecessorDocumentsSequence))
    for reference in (
        it for study in studies for one in study.ReferencedSeriesSequence for it in one.ReferencedSOPSequence
    ):
        if reference.ReferencedSOPClassUID == dataset.SOPClassUID:
            reference.ReferencedSOPClassUID = sop_class_uid
            reference.ReferencedSOPInstanceUID = copy_uid(equipment, reference.ReferencedSOPInstanceUID, sop_class_uid)
    return studies
