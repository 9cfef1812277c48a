"""Studies as the worklist and the reading page show them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from dicom_node.api.bodies.base import SERIES_UID, SOP_INSTANCE_UID, STUDY_UID, Asked, Body, PlainText, asked, example
from dicom_node.archive.studies import StudyState
from dicom_node.report.life_cycle import StateName
from medvlm.contract import Refusal, Warning

Priority = Literal["routine", "stat"]


class ReportStanding(Body):
    """The report of the newest reading, in a line."""

    id: str
    state: StateName
    version: int = Field(description="Number of the version among all of the study: the ETag's.")
    undecided: int = Field(description="Findings that nobody has decided on; 0 once it is signed or rejected.")


class DeliveryCount(Body):
    pending: int = 0
    delivered: int = 0
    parked: int = Field(0, description="Never taken by the peer: a person must look.")


SUMMARY = {
    "study_uid": STUDY_UID,
    "state": "drafted",
    "reason": "",
    "priority": "routine",
    "patient_name": "Sample^Patient",
    "patient_id": "PAT-1",
    "patient_birth_date": "19600101",
    "patient_sex": "F",
    "accession_number": "ACC-1",
    "study_date": "20260102",
    "study_time": "101500",
    "modalities": ["DX"],
    "description": "Chest PA",
    "referring_physician": "",
    "instances": 1,
    "images": 1,
    "first_received": "2026-01-02T10:15:00Z",
    "last_received": "2026-01-02T10:15:00Z",
    "warnings": [],
    "report": {"id": f"{STUDY_UID}:1:0", "state": "draft", "version": 1, "undecided": 2},
    "deliveries": {"pending": 0, "delivered": 2, "parked": 0},
}


class StudySummary(Body):
    """A row of the worklist. Names are PN values (PS3.5 6.2.1); dates DA, times TM, as received."""

    model_config = example(**SUMMARY)

    study_uid: str
    state: StudyState
    reason: str = Field(description="Why it is refused or failed, in words.")
    priority: Priority
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    accession_number: str
    study_date: str
    study_time: str
    modalities: tuple[str, ...]
    description: str
    referring_physician: str
    instances: int
    images: int = Field(description="Instances that a model could read.")
    first_received: datetime
    last_received: datetime
    warnings: tuple[Warning, ...] = Field(description="The newest reading's; none where its report is hidden.")
    report: ReportStanding | None
    deliveries: DeliveryCount


class StudyPage(Body):
    """Last received first. A header `Link: rel="next"` leads on."""

    model_config = example(studies=[SUMMARY])

    studies: tuple[StudySummary, ...]


class InstanceRow(Body):
    sop_instance_uid: str
    sop_class_uid: str
    number: int = Field(description="Instance Number (0020,0013); 0 where it has none.")
    frames: int = Field(description="Frames of the image (0028,0008); 0 where it is no image.")
    is_image: bool


class SeriesRow(Body):
    series_uid: str
    number: int | None
    modality: str
    description: str
    instances: tuple[InstanceRow, ...] = Field(description="By Instance Number. Conflicting duplicates are left out.")


class StudyEvent(Body):
    """Something that happened to the study."""

    at: datetime
    name: str
    fields: dict[str, object]


class StudyDetail(StudySummary):
    """One study: what it holds, what became of it, and what else there is of the patient."""

    model_config = example(
        **SUMMARY,
        series=[
            {
                "series_uid": SERIES_UID,
                "number": 1,
                "modality": "DX",
                "description": "PA",
                "instances": [
                    {
                        "sop_instance_uid": SOP_INSTANCE_UID,
                        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1.1",
                        "number": 1,
                        "frames": 1,
                        "is_image": True,
                    }
                ],
            }
        ],
        refusal=None,
        priors=[],
        events=[{"at": "2026-01-02T10:15:07Z", "name": "study.drafted", "fields": {"version": 1}}],
    )

    series: tuple[SeriesRow, ...]
    refusal: Refusal | None = Field(description="Why the model did not read the study.")
    priors: tuple[StudySummary, ...] = Field(
        description="Other studies of the same patient (same issuer of the patient ID), newest first."
    )
    events: tuple[StudyEvent, ...]


class StudySearch(Asked):
    """What to look for. It stands in the body because patient names never stand in a URL."""

    model_config = asked(text="sample", state=["drafted"])

    text: Annotated[PlainText, Field(max_length=200)] = Field(
        description="Words that all occur in name or ID of the patient, accession number or description."
    )
    state: tuple[StudyState, ...] = ()
    modality: Annotated[str, Field(max_length=16)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class PriorityChange(Asked):
    model_config = asked(priority="stat")

    priority: Priority
