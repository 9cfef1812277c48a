"""A report of a reading: what it says, who decided what, and where its documents went."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from dicom_node.api.bodies.base import (
    REPORT_ID,
    SOP_INSTANCE_UID,
    STUDY_UID,
    TRACKING_UID,
    Asked,
    Body,
    PlainText,
    asked,
    example,
)
from dicom_node.archive.outbox import DeliveryState
from dicom_node.archive.readings import ReportKind
from dicom_node.report.life_cycle import Decision, StateName
from medvlm.contract import (
    Box,
    FindingName,
    Laterality,
    ModelIdentity,
    Narrative,
    Presence,
    Probability,
    Refusal,
    Warning,
)

Verdict = Literal["accepted", "changed", "rejected", "added"]


class Stated(Body):
    """What the model stated, where a person has stated something else."""

    presence: Presence
    laterality: Laterality
    evidence: tuple[Box, ...]


class ReportFinding(Body):
    tracking_uid: str
    name: FindingName
    display: str
    presence: Presence
    laterality: Laterality
    probability: Probability | None = Field(description="The model's, for the presence it stated; null for a person's.")
    certainty: str = Field(description="The probability in words.")
    evidence: tuple[Box, ...]
    image_reliance: float | None = Field(description="Change of log-odds against a blank image; null for a person's.")
    by: Literal["model", "person"]
    person: str | None = Field(description="PN value of who changed or added it.")
    decision: Verdict | None = Field(description="Null while nobody has decided. A rejected finding stays listed.")
    model: Stated | None


class ReportSentence(Body):
    text: str
    findings: tuple[FindingName, ...]
    by_model: bool


class ReportNarrative(Body):
    findings: tuple[ReportSentence, ...] = ()
    impression: tuple[ReportSentence, ...] = ()
    own: bool = Field(False, description="A person wrote it; otherwise the sentences follow the decisions.")


class Addendum(Body):
    text: str
    person: str
    at: datetime


class NotAssessed(Body):
    name: FindingName
    display: str


class May(Body):
    """What leads on from the report's state for who asks."""

    edit: bool
    sign: bool
    reject: bool
    addend: bool


class Signature(Body):
    name: str
    at: datetime


class DocumentDelivery(Body):
    peer: str
    state: DeliveryState
    attempts: int
    reason: str
    delivered: datetime | None


class ReportDocument(Body):
    """An object made of a version, and where it stands with each receiver."""

    sop_instance_uid: str
    kind: ReportKind
    version: int
    state: str
    deliveries: tuple[DocumentDelivery, ...]


class OwnFinding(Asked):
    name: FindingName
    presence: Presence
    laterality: Laterality = "unspecified"


class OwnRead(Asked):
    """What the radiologist saw before the draft was shown. It is kept as it is and never part of the report."""

    model_config = asked(findings=[{"name": "effusion", "presence": "present", "laterality": "right"}], text="")

    findings: Annotated[tuple[OwnFinding, ...], Field(max_length=200)] = ()
    text: Annotated[PlainText, Field(max_length=10_000)] = ""


class KeptOwnRead(OwnRead):
    at: datetime


REPORT = {
    "id": REPORT_ID,
    "study_uid": STUDY_UID,
    "version": 1,
    "state": "draft",
    "superseded_by": None,
    "hidden": False,
    "drafted": "2026-01-02T10:15:07Z",
    "changed": "2026-01-02T10:15:07Z",
    "model": {"name": "embedded", "version": "1", "weights_digest": "0" * 64},
    "banner": "AI-generated draft. Not verified.",
    "evaluation_only": "For evaluation, not for clinical use.",
    "findings": [
        {
            "tracking_uid": TRACKING_UID,
            "name": "effusion",
            "display": "Pleural effusion",
            "presence": "present",
            "laterality": "right",
            "probability": 0.8,
            "certainty": "likely",
            "evidence": [
                {"sop_instance_uid": SOP_INSTANCE_UID, "frame": 1, "x0": 10, "y0": 900, "x1": 400, "y1": 1200}
            ],
            "image_reliance": 2.1,
            "by": "model",
            "person": None,
            "decision": None,
            "model": None,
        }
    ],
    "narrative": {
        "findings": [{"text": "There is a pleural effusion.", "findings": ["effusion"], "by_model": True}],
        "impression": [{"text": "Pleural effusion.", "findings": ["effusion"], "by_model": True}],
        "own": False,
    },
    "addenda": [],
    "not_assessed": [{"name": "hernia", "display": "Hiatal hernia"}],
    "warnings": [],
    "refusal": None,
    "undecided": [TRACKING_UID],
    "may": {"edit": True, "sign": False, "reject": True, "addend": False},
    "signed_by": None,
    "decisions": [],
    "documents": [],
    "own_read": None,
}


class Report(Body):
    """A version of a report. Its ETag is the version's number in quotes."""

    model_config = example(**REPORT)

    id: str
    study_uid: str
    version: int
    state: StateName
    superseded_by: str | None = Field(description="The report of a newer reading of the study.")
    hidden: bool = Field(description="The node shows the draft only after the radiologist's own read.")
    drafted: datetime
    changed: datetime
    model: ModelIdentity
    banner: str
    evaluation_only: str
    findings: tuple[ReportFinding, ...]
    narrative: ReportNarrative
    addenda: tuple[Addendum, ...]
    not_assessed: tuple[NotAssessed, ...] = Field(description="What the model did not look for.")
    warnings: tuple[Warning, ...]
    refusal: Refusal | None
    undecided: tuple[str, ...] = Field(description="Tracking UIDs of the findings to decide on before signing.")
    may: May
    signed_by: Signature | None
    decisions: tuple[Decision, ...] = Field(description="What a PUT would send to change nothing.")
    documents: tuple[ReportDocument, ...]
    own_read: KeptOwnRead | None = Field(description="Of who asks.")


class ReportList(Body):
    """The reports of a study, that of the newest reading first."""

    model_config = example(reports=[REPORT])

    reports: tuple[Report, ...]


class ReportVersion(Body):
    version: int
    state: StateName
    kind: Literal["draft", "edit", "sign", "addend", "reject"]
    person: str | None = Field(description="PN value; null for the draft.")
    at: datetime
    changes: tuple[str, ...] = Field(description="What differs from the version before, in words.")


class VersionList(Body):
    """Oldest first."""

    model_config = example(
        versions=[
            {
                "version": 1,
                "state": "draft",
                "kind": "draft",
                "person": None,
                "at": "2026-01-02T10:15:07Z",
                "changes": [],
            }
        ]
    )

    versions: tuple[ReportVersion, ...]


class Receiver(Body):
    name: str
    kind: Literal["dicom", "fhir", "hl7"]
    objects: tuple[str, ...]


class Outgoing(Body):
    """What would leave if the report were signed now."""

    model_config = example(
        title="Chest PA",
        html="<!DOCTYPE html>…",
        receivers=[{"name": "pacs", "kind": "dicom", "objects": ["findings", "narrative"]}],
        undecided=[],
        not_assessed=["Hiatal hernia"],
    )

    title: str
    html: str = Field(description="The page as it would be signed: self-contained, for a sandboxed frame.")
    receivers: tuple[Receiver, ...]
    undecided: tuple[str, ...]
    not_assessed: tuple[str, ...]


class ReportEdit(Asked):
    """All decisions so far and, where the person wrote it, the whole narrative: saving twice changes nothing."""

    model_config = asked(decisions=[{"verdict": "accepted", "tracking_uid": TRACKING_UID}], narrative=None)

    decisions: Annotated[tuple[Decision, ...], Field(max_length=1000)]
    narrative: Narrative | None = None


class Nothing(Asked):
    model_config = asked()


class Rejection(Asked):
    model_config = asked(reason="Wrong side marker.")

    reason: Annotated[PlainText, Field(max_length=1000)] = ""


class AddendumText(Asked):
    model_config = asked(text="Compared with the CT of the same day: unchanged.")

    text: Annotated[PlainText, Field(min_length=1, max_length=10_000, pattern=r"\S")]
