"""What a person did, as documents: signed, addended or rejected versions go to every receiver of the draft.

A saved edit stays in the node: a PACS gets what a person stands for, not every step on the way
(docs/decisions/0004-acts-and-versions.md).
"""

from __future__ import annotations

import structlog

from dicom_node.archive import outbox
from dicom_node.archive.acts import StoredAct, composed
from dicom_node.archive.readings import insert_report
from dicom_node.archive.studies import lock, record
from dicom_node.reporting.desk import followed
from dicom_node.reporting.history import OpenReport, open_report
from dicom_node.workflow.compose import peers_for, write, written
from dicom_node.workflow.node import Node
from dicom_node.workflow.stops import stop_point

log = structlog.get_logger()


def compose_act(node: Node, report_id: str, number: int) -> None:
    """Also of acts before it that have none yet: an addendum's documents name those of the signature.

    Run again it changes nothing: every UID comes from the reading and the acts. Raises `NotReportable` and
    `ReportFailedLint`, which the act's own check has excluded for the structured reports.
    """
    stop_point("compose_act.start")
    report = open_report(node.desk, report_id)
    for row in report.stored[:number]:
        if row.kind != "edit" and row.composed is None:
            _compose(node, report.as_of(row.version), row)


def _compose(node: Node, then: OpenReport, row: StoredAct) -> None:
    made = written(node, then.kept, then.report, followed(node.desk, then.kept, then.version))
    reports = [write(node, then.kept, one) for one in made]
    stop_point("compose_act.middle")
    now = node.clock()
    with node.engine.begin() as connection:
        lock(connection, then.study_uid)
        if not composed(connection, row, now):
            return
        for report in reports:
            insert_report(connection, report)
            outbox.put(connection, report.sop_instance_uid, peers_for(node, report.kind), now)
        record(connection, now, "report.composed", then.study_uid, report=then.id, version=row.version)
    stop_point("compose_act.end")
    log.info("report.composed", study=then.study_uid, version=then.version, state=row.state)
