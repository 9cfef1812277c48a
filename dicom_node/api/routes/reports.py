"""`/api/v1/reports` and `/api/v1/studies/{uid}/reports`: reading reports, and what a radiologist does with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from dicom_node.api import reveal
from dicom_node.api.access.callers import Editor, Signer, Viewer
from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies.base import UID_PATTERN, ReportId, StudyUid
from dicom_node.api.bodies.reports import (
    AddendumText,
    Nothing,
    Outgoing,
    OwnRead,
    Rejection,
    Report,
    ReportEdit,
    ReportList,
    VersionList,
)
from dicom_node.api.node import ApiNode, Node, witness
from dicom_node.api.persons import person_of
from dicom_node.api.preconditions import BasedOn, tag
from dicom_node.api.problems import declared
from dicom_node.api.repeats import Once, Repeatable
from dicom_node.api.views import version_changes
from dicom_node.api.views.outgoing import outgoing
from dicom_node.api.views.report import is_hidden, report
from dicom_node.archive import acts
from dicom_node.archive.readings import find_report
from dicom_node.archive.studies import find_study
from dicom_node.errors import NotFound
from dicom_node.report.life_cycle import Act, Addend, Edit, Reject, Sign
from dicom_node.reporting.acting import perform
from dicom_node.reporting.history import OpenReport, open_report, reports_of_study

router = APIRouter(
    prefix="/api/v1", tags=["reports"], route_class=Repeatable, responses=declared(400, 401, 403, 404, 422, 429)
)
ACT = declared(409, 412, 428, 503)

VersionNumber = Annotated[int, Path(ge=1, le=10**9)]
DocumentUid = Annotated[str, Path(pattern=UID_PATTERN, max_length=64, description="SOP Instance UID (0008,0018).")]


@router.get("/studies/{study_uid}/reports", operation_id="list_reports")
def of_study(request: Request, study_uid: StudyUid, by: Viewer, node: Node) -> ReportList:
    """The reports of a study: one a reading, that of the newest reading first."""
    find_study(node.engine, study_uid)
    found = reports_of_study(node.desk, study_uid)
    for one in found:
        node.audit.report_read(witness(request, by), study_uid, one.id)
    return ReportList(reports=tuple(report(node, by, one) for one in found))


@router.get("/reports/{report_id}", operation_id="get_report")
def newest(request: Request, response: Response, report_id: ReportId, by: Viewer, node: Node) -> Report:
    """The report as it stands. Its ETag goes with every edit."""
    opened = open_report(node.desk, report_id)
    node.audit.report_read(witness(request, by), opened.study_uid, opened.id)
    tag(response, opened.version)
    return report(node, by, opened)


@router.get("/reports/{report_id}/versions", operation_id="list_report_versions")
def versions(request: Request, report_id: ReportId, by: Viewer, node: Node) -> VersionList:
    """Everything that was done with the report."""
    opened = open_report(node.desk, report_id)
    node.audit.report_read(witness(request, by), opened.study_uid, opened.id)
    return VersionList(versions=version_changes.versions(opened, hidden=is_hidden(node, by, opened)))


@router.get("/reports/{report_id}/versions/{version}", operation_id="get_report_version")
def as_it_was(request: Request, report_id: ReportId, version: VersionNumber, by: Viewer, node: Node) -> Report:
    """The report as it was in one version."""
    opened = open_report(node.desk, report_id)
    node.audit.report_read(witness(request, by), opened.study_uid, opened.id)
    earlier = opened.as_of(version)
    hidden = is_hidden(node, by, opened)
    return report(node, by, earlier, newest=earlier.version == opened.version, hidden=hidden)


@router.put("/reports/{report_id}", operation_id="edit_report", responses=ACT)
def edit(
    request: Request,
    response: Response,
    report_id: ReportId,
    by: Editor,
    based_on: BasedOn,
    body: ReportEdit,
    node: Node,
) -> Report:
    """Save every decision so far. Saving twice changes nothing; undoing is saving fewer."""
    act = Edit(person=person_of(node.settings, by), at=node.now, decisions=body.decisions, narrative=body.narrative)
    return _act(request, response, node, by, report_id, based_on, act)


@router.post("/reports/{report_id}/sign", operation_id="sign_report", responses=ACT)
def sign(
    request: Request,
    response: Response,
    report_id: ReportId,
    by: Signer,
    based_on: BasedOn,
    _body: Nothing,
    _once: Once,
    node: Node,
) -> Report:
    """Take responsibility for what stands. Every finding has to be decided."""
    act = Sign(person=person_of(node.settings, by), at=node.now)
    return _act(request, response, node, by, report_id, based_on, act)


@router.post("/reports/{report_id}/reject", operation_id="reject_report", responses=ACT)
def reject(
    request: Request,
    response: Response,
    report_id: ReportId,
    by: Signer,
    based_on: BasedOn,
    body: Rejection,
    _once: Once,
    node: Node,
) -> Report:
    """Do not use the draft."""
    act = Reject(person=person_of(node.settings, by), at=node.now, reason=body.reason)
    return _act(request, response, node, by, report_id, based_on, act)


@router.post("/reports/{report_id}/addenda", operation_id="add_addendum", responses=ACT)
def addend(
    request: Request,
    response: Response,
    report_id: ReportId,
    by: Signer,
    based_on: BasedOn,
    body: AddendumText,
    _once: Once,
    node: Node,
) -> Report:
    """Add words to a signed report."""
    act = Addend(person=person_of(node.settings, by), at=node.now, text=body.text)
    return _act(request, response, node, by, report_id, based_on, act)


@router.get("/reports/{report_id}/outgoing", operation_id="preview_report", responses=declared(409))
def would_leave(request: Request, report_id: ReportId, by: Viewer, node: Node) -> Outgoing:
    """What would be sent, and to whom, if the report were signed now."""
    opened = _shown(node, by, report_id)
    node.audit.report_read(witness(request, by), opened.study_uid, opened.id)
    return outgoing(node, by, opened)


@router.get(
    "/reports/{report_id}/documents/{sop_instance_uid}",
    operation_id="get_report_document",
    response_class=Response,
    responses=declared(409) | {200: {"description": "The DICOM file.", "content": {"application/dicom": {}}}},
)
def document(request: Request, report_id: ReportId, sop_instance_uid: DocumentUid, by: Viewer, node: Node) -> Response:
    """One of the report's DICOM objects, as it was made."""
    opened = _shown(node, by, report_id)
    made = find_report(node.engine, sop_instance_uid)
    if made is None or made.reading_id != report_id:
        raise NotFound("no such document of this report", way_out="The report lists its documents.")
    node.audit.exported(witness(request, by), opened.study_uid, "DICOM")
    return Response((node.root / made.path).read_bytes(), media_type="application/dicom")


@router.post("/reports/{report_id}/own-read", operation_id="keep_own_read", responses=declared(409, 503))
def own_read(
    request: Request, response: Response, report_id: ReportId, by: Editor, body: OwnRead, _once: Once, node: Node
) -> Report:
    """Write down what you saw before you see the draft. What was written first stays."""
    opened = open_report(node.desk, report_id)
    node.audit.own_read_kept(witness(request, by), opened.study_uid, report_id)
    kept = acts.OwnRead(report_id, by.subject, body.model_dump_json(), node.clock())
    acts.store_own_read(node.engine, kept)
    tag(response, opened.version)
    return report(node, by, opened)


def _shown(node: ApiNode, by: Principal, report_id: str) -> OpenReport:
    """Raises `NotFound` and `OwnReadFirst`."""
    opened = open_report(node.desk, report_id)
    if is_hidden(node, by, opened):
        raise reveal.own_read_first()
    return opened


def _act(
    request: Request, response: Response, node: ApiNode, by: Principal, report_id: str, based_on: int, act: Act
) -> Report:
    """The act and its audit message, both or neither."""
    study_uid = _shown(node, by, report_id).study_uid
    who = witness(request, by)

    def witnessed(connection: Connection) -> None:
        trail = node.audit.within(connection)
        told: dict[str, Callable[..., None]] = {
            "edit": trail.report_edited,
            "sign": trail.report_signed,
            "reject": trail.report_rejected,
            "addend": trail.report_addended,
        }
        told[act.kind](who, study_uid, report_id)

    after = perform(node.desk, report_id, based_on, act, witnessed)
    tag(response, after.version)
    return report(node, by, after)
