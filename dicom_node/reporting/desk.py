"""Where reports are worked on: the index, the archive's folder, and the node that signs for the documents."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from pydicom import Dataset, dcmread
from sqlalchemy import Engine

from dicom_node.archive.acts import signatures
from dicom_node.archive.readings import Report, ReportKind, StoredReading, reports_of
from dicom_node.archive.studies import instances_of
from dicom_node.report.document import Draft, Equipment, Predecessor
from dicom_node.settings import Settings

STRUCTURED: tuple[ReportKind, ...] = ("findings", "narrative")
REPLACEABLE = ("draft", "edited", "rejected")


@dataclass(frozen=True)
class Desk:
    engine: Engine
    root: Path
    equipment: Equipment
    clock: Callable[[], float] = field(default=time.time)


def equipment(settings: Settings) -> Equipment:
    """The node as its documents name it."""
    own = settings.equipment
    return Equipment(
        manufacturer="medvlm",
        model_name="medvlm node",
        software_version=version("medvlm"),
        station_name=own.station_name,
        device_serial_number=own.serial_number,
        uid_root=own.uid_namespace,
    )


def draft_of(desk: Desk, kept: StoredReading) -> Draft:
    """The reading with its images' headers and the documents that it replaces."""
    return Draft(
        reading=kept.reading,
        sources=sources(desk, kept),
        version=kept.version,
        predecessors=tuple(predecessor(one) for one in replaced(desk, kept).values()),
        equipment=desk.equipment,
        after_signed=after_signed(desk, kept),
    )


def after_signed(desk: Desk, kept: StoredReading) -> int:
    """How many reports of the study were signed before this reading."""
    return len(signatures(desk.engine, kept.reading.study_uid, kept.version))


def replaced(desk: Desk, kept: StoredReading) -> dict[ReportKind, Report]:
    """The structured reports that this draft replaces: the latest unverified one of each kind since a signature."""
    study_uid = kept.reading.study_uid
    signed = max(signatures(desk.engine, study_uid, kept.version), default=0)
    since = [one for one in reports_of(desk.engine, study_uid) if signed < one.version < kept.version]
    return {one.kind: one for one in since if one.kind in STRUCTURED and one.state in REPLACEABLE}


def followed(desk: Desk, kept: StoredReading, version: int) -> dict[ReportKind, Report]:
    """The structured reports of the same reading that a later version of it follows: the latest of each kind."""
    documents = reports_of(desk.engine, kept.reading.study_uid)
    return {
        one.kind: one
        for one in documents
        if one.kind in STRUCTURED and one.reading_id == kept.id and one.version < version
    }


def predecessor(report: Report) -> Predecessor:
    return Predecessor(report.sop_class_uid, report.sop_instance_uid, report.series_instance_uid)


def sources(desk: Desk, kept: StoredReading) -> tuple[Dataset, ...]:
    """Headers of the images that the reading used, as received."""
    paths = {
        one.sop_instance_uid: one.path
        for one in instances_of(desk.engine, kept.reading.study_uid)
        if not one.conflicting
    }
    used = [image.sop_instance_uid for image in kept.reading.images]
    return tuple(dcmread(desk.root / paths[uid], stop_before_pixels=True, force=True) for uid in used)
