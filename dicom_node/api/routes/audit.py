"""`/api/v1/audit`: the audit trail, for administrators. Reading it is itself an entry."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dicom_node.api import cursors
from dicom_node.api.access.callers import Admin
from dicom_node.api.bodies.base import moment
from dicom_node.api.bodies.node import AuditPage, AuditRecord
from dicom_node.api.node import Node, witness
from dicom_node.api.problems import declared
from dicom_node.audit import chain
from dicom_node.audit.reading import summary

router = APIRouter(prefix="/api/v1", tags=["audit"], responses=declared(401, 403, 422, 429))


@router.get("/audit", operation_id="list_audit_records")
def records(
    request: Request,
    response: Response,
    by: Admin,
    node: Node,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        int | None, Query(ge=1, le=2**62, description="From the `Link: rel=next` of the page before.")
    ] = None,
) -> AuditPage:
    """Audit messages (PS3.15 A.5), the newest first."""
    node.audit.audit_read(witness(request, by))
    found = chain.newest(node.engine, before=cursor, limit=limit + 1)
    if len(found) > limit:
        cursors.lead_on(request, response, str(found[limit - 1].n))
    return AuditPage(records=tuple(_record(one) for one in found[:limit]))


def _record(entry: chain.Entry) -> AuditRecord:
    told = summary(entry)
    return AuditRecord(
        n=entry.n,
        at=moment(entry.at),
        event=told.event,
        kind=told.kind,
        action=told.action,
        outcome=told.outcome,
        who=told.who,
        name=told.name,
        network=told.network,
        study_uids=told.study_uids,
        report_uid=told.report_uid,
        patient_id=told.patient_id,
        message=entry.message,
        previous=entry.previous,
        hash=entry.hash,
    )
