"""The node itself: health, what happened in it, and its audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from dicom_node.api.bodies.base import REPORT_ID, STUDY_UID, Body, example
from dicom_node.report.life_cycle import StateName


class Health(Body):
    model_config = example(status="ready")

    status: Literal["ready", "live"]


class Accepted(Body):
    """The work was taken on; the study's events tell how it goes."""

    model_config = example(study_uid=STUDY_UID)

    study_uid: str


class ReportChanged(Body):
    """`event: report`: a report has a new version."""

    model_config = example(id=REPORT_ID, study_uid=STUDY_UID, version=2, state="edited")

    id: str
    study_uid: str
    version: int
    state: StateName


class AuditRecord(Body):
    """An audit message (PS3.15 A.5) and its place in the chain."""

    n: int
    at: datetime
    event: str = Field(description="What happened, in words.")
    kind: str = Field(description="Which act, in words.")
    action: str = Field(description="C created, R read, U updated, D deleted, E executed.")
    outcome: str
    who: str
    name: str
    network: str
    study_uids: tuple[str, ...]
    report_uid: str
    patient_id: str
    message: str = Field(description="The whole message, XML.")
    previous: str
    hash: str = Field(description="SHA-256 over `previous` and this message.")


class AuditPage(Body):
    """Newest first. A header `Link: rel="next"` leads on."""

    model_config = example(
        records=[
            {
                "n": 1,
                "at": "2026-01-02T10:15:00Z",
                "event": "Application Activity",
                "kind": "Application Start",
                "action": "E",
                "outcome": "success",
                "who": "api",
                "name": "",
                "network": "",
                "study_uids": [],
                "report_uid": "",
                "patient_id": "",
                "message": "<AuditMessage>…</AuditMessage>",
                "previous": "0" * 64,
                "hash": "5e88489862c5a3bdfb0b3a3bb29b2f9d" * 2,
            }
        ]
    )

    records: tuple[AuditRecord, ...]
