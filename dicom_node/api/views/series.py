"""What a study holds: its series and their instances, in the order in which they are shown."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)
from sqlalchemy import Engine, select

from dicom_node.api.bodies.studies import InstanceRow, SeriesRow
from dicom_node.archive.sop_classes import is_image
from dicom_node.archive.studies import Instance, instances_of
from dicom_node.archive.tables import series

SINGLE_FRAME: Final = frozenset(
    {
        ComputedRadiographyImageStorage,
        CTImageStorage,
        DigitalMammographyXRayImageStorageForPresentation,
        DigitalMammographyXRayImageStorageForProcessing,
        DigitalXRayImageStorageForPresentation,
        DigitalXRayImageStorageForProcessing,
        MRImageStorage,
        PositronEmissionTomographyImageStorage,
        SecondaryCaptureImageStorage,
        UltrasoundImageStorage,
    }
)
"""Classes without the Multi-frame module (PS3.3 section A): no file is opened to count their frames."""


def series_of(engine: Engine, root: Path, study_uid: str) -> tuple[SeriesRow, ...]:
    """By Series Number, those without one last."""
    columns = (series.c.uid, series.c.number, series.c.modality, series.c.description)
    with engine.connect().execution_options(reading=True) as connection:
        rows = connection.execute(select(*columns).where(series.c.study == study_uid)).all()
    held = {
        uid: tuple(instances) for uid, instances in groupby(instances_of(engine, study_uid), lambda one: one.series_uid)
    }
    ordered = sorted(rows, key=lambda row: (row.number is None, row.number or 0, row.uid))
    return tuple(
        SeriesRow(
            series_uid=row.uid,
            number=row.number,
            modality=row.modality,
            description=row.description,
            instances=tuple(_instance(root, one) for one in held.get(row.uid, ()) if not one.conflicting),
        )
        for row in ordered
    )


def _instance(root: Path, one: Instance) -> InstanceRow:
    shown = is_image(one.sop_class_uid)
    return InstanceRow(
        sop_instance_uid=one.sop_instance_uid,
        sop_class_uid=one.sop_class_uid,
        number=one.instance_number,
        frames=_frames(root / one.path, one.sop_class_uid) if shown else 0,
        is_image=shown,
    )


def _frames(path: Path, sop_class_uid: str) -> int:
    if sop_class_uid in SINGLE_FRAME:
        return 1
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["NumberOfFrames"], force=True)
        return max(1, int(header.get("NumberOfFrames") or 1))
    except (InvalidDicomError, OSError, ValueError, TypeError, EOFError, NotImplementedError):
        return 1
