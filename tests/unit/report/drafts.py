"""Builders of drafts: readings and source headers as the report's tests need them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from pydicom.dataset import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation

from dicom_node.report import Draft, Equipment, Predecessor
from medvlm.contract import (
    Box,
    Finding,
    ImageSource,
    InScope,
    Laterality,
    ModelIdentity,
    Narrative,
    Presence,
    Reading,
    Sentence,
)
from medvlm.contract import (
    Warning as ReadingWarning,
)
from medvlm.vocabulary import term, terms

ROOT = uuid.UUID("7d8e2c1a-5f60-4b1e-9a33-0c7a5c1f2b44")
STUDY_UID = "2.25.1001"
SERIES_UID = "2.25.1002"
IMAGE_UID = "2.25.1003"
CREATED = datetime(2026, 11, 23, 9, 30, 15, 250000, tzinfo=UTC)

EQUIPMENT = Equipment("MedVLM", "dicom-node", "0.1.0", "MEDVLM", "node-1", ROOT)
MODEL = ModelIdentity(
    name="medvlm-cxr", version="0.1.0", weights_digest="sha256:" + "ab" * 32, calibration="platt-2026-11"
)


def header(**values: object) -> Dataset:
    """The header of a digital radiograph, 2000 columns by 2500 rows; `values` replace elements, None removes one."""
    source = Dataset()
    elements: dict[str, object] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": IMAGE_UID,
        "StudyInstanceUID": STUDY_UID,
        "SeriesInstanceUID": SERIES_UID,
        "Modality": "DX",
        "PatientName": "Specimen^Chest",
        "PatientID": "P-1",
        "PatientBirthDate": "19500102",
        "PatientSex": "F",
        "StudyDate": "20261123",
        "StudyTime": "091500",
        "StudyID": "S-1",
        "AccessionNumber": "A-1",
        "ReferringPhysicianName": "Referrer^Any",
        "StudyDescription": "Chest PA",
        "Rows": 2500,
        "Columns": 2000,
    }
    for keyword, value in (elements | values).items():
        if value is not None:
            setattr(source, keyword, value)
    return source


def box(x0: float = 300, y0: float = 1400, x1: float = 700, y1: float = 2100, **changes: object) -> Box:
    return Box(**({"sop_instance_uid": IMAGE_UID, "x0": x0, "y0": y0, "x1": x1, "y1": y1} | changes))


def finding(
    name: str,
    presence: Presence = "present",
    probability: float = 0.8,
    laterality: Laterality = "unspecified",
    evidence: tuple[Box, ...] = (),
) -> Finding:
    return Finding(
        name=name,
        presence=presence,
        probability=probability,
        calibration="platt-2026-11",
        laterality=laterality,
        evidence=evidence,
        tracking_uid=f"2.25.{uuid.uuid5(ROOT, name).int}",
    )


def reading(**changes: object) -> Reading:
    """A reading as a radiologist meets it: an effusion and an opacity drawn, an undecided mass, the rest absent."""
    shown = (
        finding("abnormality", "present", 0.93),
        finding("effusion", "present", 0.91, "right", (box(),)),
        finding("airspace_opacity", "indeterminate", 0.46, "left", (box(1200, 900, 1500, 1300),)),
        finding("mass", "indeterminate", 0.31),
        finding("pleural_thickening", "indeterminate", 0.35, "right"),
        finding("cardiomegaly", "absent", 0.12),
        finding("pneumothorax", "absent", 0.02),
    )
    values: dict[str, object] = {
        "study_uid": STUDY_UID,
        "model": MODEL,
        "scope": InScope(view="PA"),
        "findings": shown,
        "narrative": narrative(shown),
        "not_assessed": ("fibrosis", "hernia"),
        "warnings": (
            ReadingWarning(code="low_resolution", words="The image has fewer pixels than the model was trained on."),
        ),
        "images": (ImageSource(uri="archive:1", sop_instance_uid=IMAGE_UID),),
        "created": CREATED,
    }
    return Reading(**(values | changes))


def narrative(findings: tuple[Finding, ...]) -> Narrative:
    """A sentence a finding in the vocabulary's words, what is there first."""
    sentences = tuple(Sentence(text=getattr(term(it.name), it.presence)[0], findings=(it.name,)) for it in findings)
    return Narrative(findings=sentences, impression=sentences[1:3])


def draft(**changes: object) -> Draft:
    values: dict[str, object] = {
        "reading": reading(),
        "sources": (header(),),
        "version": 1,
        "predecessors": (),
        "equipment": EQUIPMENT,
    }
    return Draft(**(values | changes))


def crowded_reading(count: int = 30) -> Reading:
    """`count` boxed findings: the most crowded document."""
    names = list(terms())
    many = tuple(
        finding(
            names[index % len(names)], "present", 0.5 + index / 100, "left", (box(x0=10 * index, x1=10 * index + 400),)
        ).model_copy(update={"tracking_uid": f"2.25.{5000 + index}"})
        for index in range(count)
    )
    return reading(findings=many, narrative=narrative(many))


def predecessor(sop_class_uid: str, number: int = 1) -> Predecessor:
    return Predecessor(sop_class_uid, f"2.25.200{number}", "2.25.2000")
