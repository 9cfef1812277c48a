"""`/api/v1/studies`: list, look, reports, questions."""

from __future__ import annotations

import base64
import json
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from dicom_node.api import asking
from dicom_node.api.access import Caller
from dicom_node.api.bodies import (
    AnswerList,
    AnswerRecord,
    ReportList,
    StudyDetail,
    StudyEvent,
    StudyPage,
    StudySummary,
    moment,
    report_summary,
)
from dicom_node.api.problems import declared
from dicom_node.archive import outbox
from dicom_node.archive.answers import answers_of
from dicom_node.archive.readings import find_report, latest_reading, reports_of
from dicom_node.archive.studies import StudyState, events_of, find_study, list_studies
from dicom_node.errors import NotFound
from medvlm.contract import Question

router = APIRouter(prefix="/api/v1/studies", tags=["studies"], responses=declared(401, 404, 422))

StudyUid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="Study Instance UID (0020,000D).")]


@router.get("")
def studies(
    request: Request,
    response: Response,
    _caller: Caller,
    state: Annotated[list[StudyState] | None, Query(description="Only studies in these states.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="From the `Link: rel=next` of the page before.")] = None,
) -> StudyPage:
    """Studies, the last received first."""
    found = list_studies(
        request.app.state.engine, states=state or (), before=_position(cursor) if cursor else None, limit=limit + 1
    )
    if len(found) > limit:
        last = found[limit - 1]
        following = request.url.include_query_params(cursor=_cursor(last.last_received, last.uid))
        response.headers["Link"] = f'<{following}>; rel="next"'
    return StudyPage(studies=tuple(StudySummary.of(study) for study in found[:limit]))


@router.get("/{study_uid}")
def study(request: Request, study_uid: StudyUid, _caller: Caller) -> StudyDetail:
    """One study with its newest reading and what has happened to it."""
    engine = request.app.state.engine
    found = find_study(engine, study_uid)
    kept = latest_reading(engine, study_uid)
    return StudyDetail(
        **StudySummary.of(found).model_dump(),
        reading=kept.reading if kept else None,
        events=tuple(
            StudyEvent(at=moment(at), name=name, fields=fields) for at, name, fields in events_of(engine, study_uid)
        ),
    )


@router.get("/{study_uid}/reports")
def reports(request: Request, study_uid: StudyUid, _caller: Caller) -> ReportList:
    """Every version of the reports, and where each stands with each peer."""
    engine = request.app.state.engine
    find_study(engine, study_uid)
    sent = outbox.of_study(engine, study_uid)
    return ReportList(reports=tuple(report_summary(one, sent) for one in reports_of(engine, study_uid)))


@router.get("/{study_uid}/reports/{sop_instance_uid}/file", response_class=Response)
def report_file(request: Request, study_uid: StudyUid, sop_instance_uid: StudyUid, _caller: Caller) -> Response:
    """The report's DICOM file."""
    report = find_report(request.app.state.engine, sop_instance_uid)
    if report is None or report.study_uid != study_uid:
        raise NotFound("no such report in this study", way_out="`GET …/reports` lists them.")
    content = (request.app.state.settings.archive.root / report.path).read_bytes()
    return Response(content, media_type="application/dicom", headers={"Cache-Control": "no-store"})


@router.post("/{study_uid}/questions", status_code=201, responses=declared(409, 502, 503))
def ask(request: Request, study_uid: StudyUid, question: Question, by: Caller) -> AnswerRecord:
    """Ask the model about the study. The answer is kept, and is never part of a report by itself."""
    state = request.app.state
    return AnswerRecord.of(asking.ask(state.engine, state.model, study_uid, question, by))


@router.get("/{study_uid}/questions")
def questions(request: Request, study_uid: StudyUid, _caller: Caller) -> AnswerList:
    """What has been asked about the study, oldest first."""
    engine = request.app.state.engine
    find_study(engine, study_uid)
    return AnswerList(answers=tuple(AnswerRecord.of(one) for one in answers_of(engine, study_uid)))


def _cursor(when: float, uid: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([when, uid]).encode()).decode()


def _position(cursor: str) -> tuple[float, str]:
    try:
        when, uid = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return float(when), str(uid)
    except (ValueError, TypeError):
        raise HTTPException(422, "query.cursor: use the one that the page before gave.") from None
