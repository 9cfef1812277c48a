"""`/api/v1/studies/{uid}/questions`: asking the model about a study, and what was asked before."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from dicom_node.api.access.callers import Viewer
from dicom_node.api.asking import Prepared, ask, prepare
from dicom_node.api.bodies.questions import AnswerList, AnswerRecord, Ask, Suggestions
from dicom_node.api.conversation import Conversation, told_again
from dicom_node.api.node import Node, witness
from dicom_node.api.problems import declared
from dicom_node.api.repeats import Once, Repeatable
from dicom_node.api.reveal import RevealedStudy
from dicom_node.api.views.suggestions import suggested
from dicom_node.archive.answers import answers_of
from dicom_node.archive.idempotency import Kept
from dicom_node.archive.readings import latest_reading
from medvlm.contract import never

EVENT_STREAM = "text/event-stream"


class Answered(Repeatable):
    """An answer that was given before comes again in the form that is asked for now."""

    def again(self, request: Request, kept: Kept) -> Response:
        if not _streamed(request):
            return super().again(request, kept)
        return told_again(AnswerRecord.model_validate_json(kept.body))


router = APIRouter(
    prefix="/api/v1/studies/{study_uid}",
    tags=["questions"],
    route_class=Answered,
    responses=declared(400, 401, 403, 404, 409, 422, 429),
)

STREAM: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The answer; or, for `Accept: text/event-stream`, the events `text` (TextPart), `answer` "
        "(AnswerRecord), `error` (Problem) and at last `end`. Closing the connection stops the model.",
        "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
    }
}


def _streamed(request: Request) -> bool:
    return EVENT_STREAM in request.headers.get("accept", "")


def _prepared(node: Node, study_uid: RevealedStudy, body: Ask) -> Prepared:
    """Every check, before a stream has begun."""
    return prepare(node, study_uid, body)


@router.post(
    "/questions",
    operation_id="ask_question",
    status_code=201,
    response_model=AnswerRecord,
    responses=STREAM | declared(502, 503),
)
def question(
    request: Request, by: Viewer, prepared: Annotated[Prepared, Depends(_prepared)], once: Once, node: Node
) -> Response | AnswerRecord:
    """Ask the model about the study. The answer is kept, and is never part of a report by itself."""
    node.audit.asked(witness(request, by), prepared.study_uid, prepared.question.text)
    if _streamed(request):
        return Conversation(node, prepared, by, once, request.app.state.threads)
    return AnswerRecord.of(ask(node, prepared, by, lambda _text: None, never))


@router.get("/questions", operation_id="list_questions")
def questions(request: Request, study_uid: RevealedStudy, by: Viewer, node: Node) -> AnswerList:
    """What has been asked about the study, oldest first."""
    node.audit.study_opened(witness(request, by), study_uid)
    return AnswerList(answers=tuple(AnswerRecord.of(one) for one in answers_of(node.engine, study_uid)))


@router.get("/suggestions", operation_id="suggest_questions")
def suggestions(request: Request, study_uid: RevealedStudy, by: Viewer, node: Node) -> Suggestions:
    """Questions that the model can answer about this study; none while it has not been read."""
    node.audit.study_opened(witness(request, by), study_uid)
    kept = latest_reading(node.engine, study_uid)
    return Suggestions(questions=suggested(kept.reading) if kept else ())
