"""`/api/v1/studies`: the worklist, one study, its priority, and reading it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dicom_node.api import cursors
from dicom_node.api.access.callers import Viewer
from dicom_node.api.access.denials import Forbidden
from dicom_node.api.access.gate import Gate
from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies.base import StudyUid, moment
from dicom_node.api.bodies.node import Accepted
from dicom_node.api.bodies.studies import (
    PriorityChange,
    StudyDetail,
    StudyEvent,
    StudyPage,
    StudySearch,
    StudySummary,
)
from dicom_node.api.node import ApiNode, Node, witness
from dicom_node.api.problems import declared
from dicom_node.api.repeats import Once, Repeatable
from dicom_node.api.views.series import series_of
from dicom_node.api.views.study import summary
from dicom_node.archive import worklist
from dicom_node.archive.studies import StudyState, events_of, read_again
from dicom_node.archive.worklist import Sought
from medvlm.contract import Refusal

router = APIRouter(
    prefix="/api/v1/studies", tags=["studies"], route_class=Repeatable, responses=declared(400, 401, 403, 422, 429)
)

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=500, description="From the `Link: rel=next` of the page before.")]


@router.get("", operation_id="list_studies")
def studies(
    request: Request,
    response: Response,
    by: Viewer,
    node: Node,
    state: Annotated[list[StudyState] | None, Query(description="Only studies in these states.")] = None,
    modality: Annotated[str, Query(max_length=16, description="Only studies with a series of this modality.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> StudyPage:
    """Studies, the last received first."""
    sought = Sought(states=tuple(state or ()), modality=modality)
    found = worklist.entries(node.engine, sought, before=cursors.read(cursor), limit=limit + 1)
    if len(found) > limit:
        last = found[limit - 1]
        cursors.lead_on(request, response, cursors.written(last.last_received, last.uid))
    node.audit.queried(witness(request, by), f"studies state={','.join(sought.states)} modality={modality}")
    return _page(node, by, found[:limit])


@router.post("/search", operation_id="search_studies")
def search(request: Request, by: Viewer, node: Node, body: StudySearch) -> StudyPage:
    """Studies by words of the patient's name or ID, accession number or description, the last received first."""
    sought = Sought(tuple(body.text.split()), body.state, body.modality)
    found = worklist.entries(node.engine, sought, limit=body.limit)
    node.audit.queried(witness(request, by), body.model_dump_json())
    return _page(node, by, found)


def _page(node: ApiNode, by: Principal, found: tuple[worklist.Entry, ...]) -> StudyPage:
    return StudyPage(studies=tuple(summary(node, by, one) for one in found))


@router.get("/{study_uid}", operation_id="get_study", responses=declared(404))
def study(request: Request, study_uid: StudyUid, by: Viewer, node: Node) -> StudyDetail:
    """One study: what it holds, its priors, and what has happened to it."""
    found = worklist.entry(node.engine, study_uid)
    node.audit.study_opened(witness(request, by), study_uid)
    scope = found.report.reading.scope if found.report else None
    own: StudySummary = summary(node, by, found)
    return StudyDetail(
        **{name: getattr(own, name) for name in StudySummary.model_fields},
        series=series_of(node.engine, node.root, study_uid),
        refusal=scope if isinstance(scope, Refusal) else None,
        priors=tuple(summary(node, by, one) for one in worklist.priors(node.engine, found)),
        events=tuple(
            StudyEvent(at=moment(at), name=name, fields=fields)
            for at, name, fields in events_of(node.engine, study_uid)
        ),
    )


@router.put("/{study_uid}/priority", operation_id="set_priority", responses=declared(404, 503))
def priority(request: Request, study_uid: StudyUid, by: Viewer, node: Node, body: PriorityChange) -> StudySummary:
    """Put the study first, or back among the others."""
    worklist.entry(node.engine, study_uid)
    node.audit.priority_set(witness(request, by), study_uid)
    worklist.set_priority(node.engine, study_uid, body.priority, node.clock())
    return summary(node, by, worklist.entry(node.engine, study_uid))


def _reader(request: Request, by: Viewer) -> Principal:
    """An administrator (the machine's token too) or a radiologist. Raises `Forbidden`."""
    if by.roles.isdisjoint({"admin", "radiologist"}):
        gate: Gate = request.app.state.gate
        error = Forbidden("this needs the role admin or radiologist", way_out="Who keeps the accounts can give it.")
        raise gate.turn_away(request, by, error, "the role admin or radiologist")
    return by


@router.post(
    "/{study_uid}/readings", operation_id="read_study_again", status_code=202, responses=declared(404, 409, 503)
)
def again(
    request: Request, study_uid: StudyUid, by: Annotated[Principal, Depends(_reader)], _once: Once, node: Node
) -> Accepted:
    """Have the study read again, at once. Its report is then a new draft; the old one stays as it is."""
    worklist.entry(node.engine, study_uid)
    node.audit.read_again(witness(request, by), study_uid)
    read_again(node.engine, study_uid)
    return Accepted(study_uid=study_uid)
