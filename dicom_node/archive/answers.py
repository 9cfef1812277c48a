"""Questions and their answers: kept with who asked and when, never changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import Engine, select

from dicom_node.archive.tables import answer
from medvlm.contract import Answer, Question


@dataclass(frozen=True)
class StoredAnswer:
    id: str
    study_uid: str
    question: Question
    answer: Answer
    asked_by: str
    created: float


def store_answer(engine: Engine, study_uid: str, asked: Question, given: Answer, by: str, now: float) -> StoredAnswer:
    kept = StoredAnswer(str(uuid.uuid4()), study_uid, asked, given, by, now)
    row = {
        "id": kept.id,
        "study": study_uid,
        "question": asked.model_dump_json(),
        "document": given.model_dump_json(),
        "asked_by": by,
        "created": now,
    }
    with engine.begin() as connection:
        connection.execute(answer.insert().values(row))
    return kept


def answers_of(engine: Engine, study_uid: str) -> tuple[StoredAnswer, ...]:
    """Oldest first."""
    query = select(answer).where(answer.c.study == study_uid).order_by(answer.c.created, answer.c.id)
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(
            StoredAnswer(
                row["id"],
                row["study"],
                Question.model_validate_json(row["question"]),
                Answer.model_validate_json(row["document"]),
                row["asked_by"],
                row["created"],
            )
            for row in connection.execute(query).mappings()
        )
