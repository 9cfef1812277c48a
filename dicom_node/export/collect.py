"""What there is to export: the instances of a study and every object that was made of it, in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from dicom_node.archive.readings import readings_of, reports_of
from dicom_node.archive.studies import find_study, instances_of
from medvlm.contract import Reading


@dataclass(frozen=True)
class Stored:
    """One object in the archive. `second`: another content came first under its UID."""

    path: Path
    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    second: bool = False


def stored_of(engine: Engine, root: Path, study_uid: str) -> tuple[Stored, ...]:
    """Raises `NotFound`."""
    find_study(engine, study_uid)
    received = (
        Stored(root / it.path, study_uid, it.series_uid, it.sop_class_uid, it.sop_instance_uid, it.conflicting)
        for it in instances_of(engine, study_uid)
    )
    made = (
        Stored(root / it.path, study_uid, it.series_instance_uid, it.sop_class_uid, it.sop_instance_uid)
        for it in reports_of(engine, study_uid)
    )
    return (*received, *made)


def readings_in(engine: Engine, study_uid: str) -> tuple[Reading, ...]:
    return tuple(kept.reading for kept in readings_of(engine, study_uid))
