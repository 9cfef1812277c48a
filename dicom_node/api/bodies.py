"""What the API answers. Contract models travel as they are; these describe the node's own things."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dicom_node.archive import answers, outbox, readings, studies
from medvlm.contract import Answer, Question, Reading


class Body(BaseModel):
    model_config = ConfigDict(frozen=True)


class StudySummary(Body):
    study_uid: str
    state: studies.StudyState
    reason: str
    modalities: tuple[str, ...]
    study_date: str
    description: str
    instances: int
    images: int
    first_received: datetime
    last_received: datetime

    @classmethod
    def of(cls, study: studies.Study) -> StudySummary:
        return cls(
            study_uid=study.uid,
            state=study.state,
            reason=study.reason,
            modalities=study.modalities,
            study_date=study.study_date,
            description=study.description,
            instances=study.instances,
            images=study.images,
            first_received=moment(study.first_received),
            last_received=moment(study.last_received),
        )


class StudyPage(Body):
    studies: tuple[StudySummary, ...]


class StudyEvent(Body):
    at: datetime
    name: str
    fields: dict[str, object]


class StudyDetail(StudySummary):
    reading: Reading | None
    events: tuple[StudyEvent, ...]


class DeliveryStatus(Body):
    peer: str
    state: outbox.DeliveryState
    attempts: int
    reason: str
    delivered: datetime | None


class ReportSummary(Body):
    sop_instance_uid: str
    kind: readings.ReportKind
    state: str
    version: int
    sop_class_uid: str
    predecessor: str | None
    created: datetime
    deliveries: tuple[DeliveryStatus, ...]


class ReportList(Body):
    reports: tuple[ReportSummary, ...]


class AnswerRecord(Body):
    id: str
    study_uid: str
    question: Question
    answer: Answer
    asked_by: str
    created: datetime

    @classmethod
    def of(cls, kept: answers.StoredAnswer) -> AnswerRecord:
        return cls(
            id=kept.id,
            study_uid=kept.study_uid,
            question=kept.question,
            answer=kept.answer,
            asked_by=kept.asked_by,
            created=moment(kept.created),
        )


class AnswerList(Body):
    answers: tuple[AnswerRecord, ...]


class Health(Body):
    status: Literal["ready", "live"]


def report_summary(report: readings.Report, sent: tuple[outbox.Delivery, ...]) -> ReportSummary:
    return ReportSummary(
        sop_instance_uid=report.sop_instance_uid,
        kind=report.kind,
        state=report.state,
        version=report.version,
        sop_class_uid=report.sop_class_uid,
        predecessor=report.predecessor,
        created=moment(report.created),
        deliveries=tuple(
            DeliveryStatus(
                peer=one.peer,
                state=one.state,
                attempts=one.attempts,
                reason=one.reason,
                delivered=moment(one.delivered) if one.delivered else None,
            )
            for one in sent
            if one.report == report.sop_instance_uid
        ),
    )


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
