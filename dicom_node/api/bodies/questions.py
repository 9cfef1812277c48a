"""Questions on a study and their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dicom_node.api.bodies.base import STUDY_UID, Asked, Body, asked, example, moment
from dicom_node.archive import answers
from medvlm.contract import Answer, Box, Question

Uid = Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")]


class Ask(Asked):
    """A question: on the study as it was read, on one of its series, about a region, or against a prior."""

    model_config = asked(text="Is there a pleural effusion?")

    text: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]
    region: Box | None = Field(None, description="A place on one image of the study.")
    series_uid: Uid | None = Field(None, description="Ask about this series instead of what was read.")
    prior_uid: Uid | None = Field(None, description="An earlier study of the same patient to compare with.")


ANSWER = {
    "id": "5b8a3a60-6f52-4f39-8f0c-0d5a3a2d9f10",
    "study_uid": STUDY_UID,
    "question": {"text": "Is there a pleural effusion?", "region": None, "series_uid": None, "prior_uid": None},
    "answer": {
        "part": "answer",
        "kind": "yes_no",
        "text": "Yes. There is a pleural effusion.",
        "probability": 0.8,
        "finding": "effusion",
        "refusal": None,
        "evidence": [],
        "image_reliance": 2.1,
        "model": {"name": "embedded", "version": "1", "weights_digest": "0" * 64},
        "warnings": [],
    },
    "stopped": False,
    "asked_by": "token",
    "asked_by_name": "",
    "created": "2026-01-02T10:20:00Z",
}


class AnswerRecord(Body):
    """An answer as it was given. It is never changed, and never part of a report by itself."""

    model_config = example(**ANSWER)

    id: str
    study_uid: str
    question: answers.AskedQuestion
    answer: Answer
    stopped: bool = Field(description="It was stopped, or broke off: `answer.text` is what had been said.")
    asked_by: str = Field(description="Subject of the person or machine that asked.")
    asked_by_name: str = Field(description="PN value of the person; empty for a machine.")
    created: datetime

    @classmethod
    def of(cls, kept: answers.StoredAnswer) -> AnswerRecord:
        return cls(
            id=kept.id,
            study_uid=kept.study_uid,
            question=kept.question,
            answer=kept.answer,
            stopped=kept.stopped,
            asked_by=kept.asked_by,
            asked_by_name=kept.asked_by_name,
            created=moment(kept.created),
        )


class AnswerList(Body):
    """Oldest first."""

    model_config = example(answers=[ANSWER])

    answers: tuple[AnswerRecord, ...]


class Suggestions(Body):
    model_config = example(questions=["Is there a pleural effusion?", "Where is the pleural effusion?"])

    questions: tuple[str, ...] = Field(description="Questions that the model can answer about this study.")


class TextPart(Body):
    """`event: text` of a streamed answer: a piece of it, as it is written."""

    model_config = example(text="Yes. ")

    text: str


__all__ = ["Answer", "AnswerList", "AnswerRecord", "Ask", "Question", "Suggestions", "TextPart"]
