"""The images that a reader should look at first: Key Object Selection (PS3.3 A.35.4, PS3.16 TID 2010)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_node.report import codes
from dicom_node.report.content import container, image, text
from dicom_node.report.context import device_observer, opening
from dicom_node.report.document import KOS, Draft, require_reportable
from dicom_node.report.identifiers import requests
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.modules import (
    evidence,
    general_equipment,
    made_at,
    merged,
    patient_and_study,
    series,
    sop_common,
)
from dicom_node.report.regions import Region, regions
from dicom_node.report.version import Version, version_of


def key_object_selection(report: Draft | Version) -> Dataset | None:
    """The images that carry a region, "Of Interest"; None where there is none.

    Raises `NotReportable` as the documents do.
    """
    version = version_of(report)
    require_reportable(version.draft)
    placed = regions(version, source_images(version.draft))
    if not placed:
        return None
    images = tuple(dict.fromkeys(region.image for region in placed))
    return merged(
        patient_and_study(version),
        _series(version),
        general_equipment(version.draft),
        _document(version, images),
        container(None, codes.OF_INTEREST, _content(version, images, placed), KOS.template),
        sop_common(version, KOS),
    )


def _series(version: Version) -> Dataset:
    """Key Object Document Series (C.17.6.1)."""
    module = series(version, KOS, "KO")
    module.ReferencedPerformedProcedureStepSequence = []
    return module


def _document(version: Version, images: tuple[SourceImage, ...]) -> Dataset:
    """Key Object Document (C.17.6.2)."""
    made, module = made_at(version), Dataset()
    module.InstanceNumber = version.number
    module.ContentDate = made.date
    module.ContentTime = made.time
    if asked := requests(version.draft.sources[0], version.draft.reading.study_uid):
        module.ReferencedRequestSequence = asked
    module.CurrentRequestedProcedureEvidenceSequence = [evidence(images)]
    return module


def _content(version: Version, images: tuple[SourceImage, ...], placed: tuple[Region, ...]) -> list[Dataset]:
    """TID 2010. An IMAGE has no concept name there (row 8)."""
    marked = ", ".join(dict.fromkeys(region.label for region in placed))
    return [
        *device_observer(version.draft),
        text("CONTAINS", codes.KEY_OBJECT_DESCRIPTION, f"{' '.join(opening(version))} Marked: {marked}."),
        *(image("CONTAINS", None, it.sop_class_uid, it.sop_instance_uid, _frame(it, placed)) for it in images),
    ]


def _frame(source: SourceImage, placed: tuple[Region, ...]) -> list[int] | int | None:
    """The frames with a region; None for a single-frame image."""
    if source.frames == 1:
        return None
    frames = sorted({region.box.frame for region in placed if region.image == source})
    return frames[0] if len(frames) == 1 else frames
