"""Step 1: from what was received to what a model is asked to read, by reference.

Refuses to go on where the images of one study name different patients: no finding may land on the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from dicom_node.archive.sop_classes import is_image
from dicom_node.archive.studies import Instance, Work, instances_of, is_current, move
from dicom_node.workflow.node import Node
from dicom_node.workflow.stops import stop_point
from medvlm.contract import ImageSource, StudyContext, StudyInput, View
from medvlm.patient_age import age_in_years

log = structlog.get_logger()

CONTEXT_TAGS = [
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyDate",
    "ViewPosition",
    "ReasonForTheRequestedProcedure",
]
VIEWS: dict[str, View] = {"PA": "PA", "AP": "AP", "LL": "LATERAL", "RL": "LATERAL", "LATERAL": "LATERAL"}


@dataclass(frozen=True)
class Identity:
    """What must agree within a study."""

    patient_id: str
    issuer: str
    birth_date: str


def assemble(node: Node, work: Work) -> str | None:
    """The study as JSON of `StudyInput`, or None when it goes no further (newer work is due, or it failed)."""
    stop_point("assemble.start")
    if not is_current(node.engine, work):
        return None
    images = readable(instances_of(node.engine, work.study_uid))
    headers = [header for image in images if (header := read_header(node.root / image.path)) is not None]
    stop_point("assemble.middle")
    if len(identities(headers)) > 1:
        _fail(
            node, work, "the images of this study name more than one patient: correct them at the PACS and send again"
        )
        return None
    move(node.engine, work, "reading")
    study = study_input(work.study_uid, node.root, images, headers)
    stop_point("assemble.end")
    return study.model_dump_json()


def _fail(node: Node, work: Work, reason: str) -> None:
    move(node.engine, work, "failed", reason)
    log.warning("study.failed", study=work.study_uid, reason=reason)


def readable(instances: Iterable[Instance]) -> tuple[Instance, ...]:
    """The images; of two contents under one UID the first received."""
    return tuple(one for one in instances if not one.conflicting and is_image(one.sop_class_uid))


def read_header(path: Path) -> Dataset | None:
    """The few elements needed here, or None for a file that pydicom cannot read (the model will say why)."""
    try:
        return dcmread(path, stop_before_pixels=True, specific_tags=CONTEXT_TAGS, force=True)
    except (InvalidDicomError, OSError, ValueError, EOFError, NotImplementedError):
        return None


def identities(headers: Iterable[Dataset]) -> frozenset[Identity]:
    """Who the images say they show."""
    return frozenset(
        Identity(_text(one, "PatientID"), _text(one, "IssuerOfPatientID"), _text(one, "PatientBirthDate"))
        for one in headers
    )


def study_input(uid: str, root: Path, images: Iterable[Instance], headers: list[Dataset]) -> StudyInput:
    sources = tuple(
        ImageSource(
            uri=(root / one.path).as_uri(), sop_class_uid=one.sop_class_uid, sop_instance_uid=one.sop_instance_uid
        )
        for one in images
    )
    return StudyInput(study_uid=uid, images=sources, context=context(headers[0]) if headers else StudyContext())


def context(header: Dataset) -> StudyContext:
    sex = _text(header, "PatientSex")
    return StudyContext(
        sex=sex if sex in ("M", "F", "O") else "",
        age_years=age_in_years(
            _text(header, "PatientAge"), _text(header, "PatientBirthDate"), _text(header, "StudyDate")
        ),
        view=VIEWS.get(_text(header, "ViewPosition").upper(), "unknown"),
        indication=_text(header, "ReasonForTheRequestedProcedure")[:1000],
    )


def _text(header: Dataset, keyword: str) -> str:
    try:
        return str(header.get(keyword) or "").strip(" \0")
    except (ValueError, TypeError, LookupError):  # an element that pydicom cannot convert
        return ""
