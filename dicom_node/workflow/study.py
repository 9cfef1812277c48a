"""The order of the steps, for a study, for what a person did with its report, and for a delivery."""

from __future__ import annotations

from functools import partial

import structlog

from dicom_node.archive.studies import Work, move
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.compose_act import compose_act
from dicom_node.workflow.deliver import deliver, postpone_unforeseen
from dicom_node.workflow.describe import describe
from dicom_node.workflow.engine import DurableWorkflows, Run
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read

log = structlog.get_logger()

STUDIES, DELIVERIES = "studies", "deliveries"
READ_STUDY, COMPOSE_ACT, DELIVER_REPORT = "read_study", "compose_act", "deliver_report"


def register(workflows: DurableWorkflows, node: Node) -> None:
    workflows.workflow(READ_STUDY, partial(read_study, node))
    workflows.workflow(COMPOSE_ACT, partial(compose_acted, node))
    workflows.workflow(DELIVER_REPORT, partial(deliver_report, node))


def read_study(node: Node, run: Run, study_uid: str, images: int, round_: int) -> None:
    """describe → assemble → read → compose. What no step foresaw ends the study as failed, never in silence."""
    work = Work(study_uid, images, round_)
    try:
        run("describe", describe, node, work)
        assembled = run("assemble", assemble, node, work)
        if assembled is not None and run("read", read, node, work, assembled):
            run("compose", compose, node, work)
    except Exception as error:
        run("fail", fail, node, work, type(error).__name__)


def fail(node: Node, work: Work, kind: str) -> None:
    log.error("study.failed", study=work.study_uid, reason=kind, exc_info=True)
    move(node.engine, work, "failed", f"internal error ({kind}): the worker's log says more; then `dicom-node retry`")


def compose_acted(node: Node, run: Run, report_id: str, number: int) -> None:
    """The documents of what a person did. What fails is tried again by the next start of a worker."""
    try:
        run("compose", compose_act, node, report_id, number)
    except Exception as error:
        log.error("report.failed", report=report_id, number=number, kind=type(error).__name__, exc_info=True)


def deliver_report(node: Node, run: Run, delivery_id: int, attempt: int) -> None:
    try:
        run("deliver", deliver, node, delivery_id, attempt)
    except Exception as error:
        log.error("delivery.failed", kind=type(error).__name__, exc_info=True)
        run("postpone", postpone_unforeseen, node, delivery_id, attempt, type(error).__name__)
