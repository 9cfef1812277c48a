"""Questions and their answers: kept with who asked and when, never changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import Engine, RowMapping, select

from dicom_node.archive.tables import answer
from medvlm.contract import Answer, Question

STOPPED = "answer_stopped"
"""Warning of an answer that was stopped, or broke off, before its end."""


class AskedQuestion(Question):
    """A question, and what it was about where that is not the study as it was read."""

    series_uid: str | None = None
    prior_uid: str | None = None


@dataclass(frozen=True)
class StoredAnswer:
    """`asked_by` is the subject of a person or machine, `asked_by_name` a PN value or ""."""

    id: str
    study_uid: str
    question: AskedQuestion
    answer: Answer
    asked_by: str
    asked_by_name: str
    created: float

    @property
    def stopped(self) -> bool:
        return any(warning.code == STOPPED for warning in self.answer.warnings)


@dataclass(frozen=True)
class Asker:
    subject: str
    name: str = ""


def store_answer(
    engine: Engine, study_uid: str, asked: AskedQuestion, given: Answer, by: Asker, now: float
) -> StoredAnswer:
    kept = StoredAnswer(str(uuid.uuid4()), study_uid, asked, given, by.subject, by.name, now)
    row = {
        "id": kept.id,
        "study": study_uid,
        "question": asked.model_dump_json(),
        "document": given.model_dump_json(),
        "asked_by": by.subject,
        "asked_by_name": by.name,
        "created": now,
    }
    with engine.begin() as connection:
        connection.execute(answer.insert().values(row))
    return kept


def answers_of(engine: Engine, study_uid: str) -> tuple[StoredAnswer, ...]:
    """Oldest first."""
    query = select(answer).where(answer.c.study == study_uid).order_by(answer.c.created, answer.c.id)
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(_answer(row) for row in connection.execute(query).mappings())


def _answer(row: RowMapping) -> StoredAnswer:
    return StoredAnswer(
        id=row["id"],
        study_uid=row["study"],
        question=AskedQuestion.model_validate_json(row["question"]),
        answer=Answer.model_validate_json(row["document"]),
        asked_by=row["asked_by"],
        asked_by_name=row["asked_by_name"],
        created=row["created"],
    )
