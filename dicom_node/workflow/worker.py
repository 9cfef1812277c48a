"""The worker: looks for complete studies and due deliveries, and hands each to a durable workflow, once."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

import structlog

from dicom_node.archive import outbox
from dicom_node.archive.acts import uncomposed
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.studies import queue, quiet_studies
from dicom_node.settings import Settings
from dicom_node.workflow.engine import DurableWorkflows
from dicom_node.workflow.node import Node
from dicom_node.workflow.study import COMPOSE_ACT, DELIVER_REPORT, DELIVERIES, READ_STUDY, STUDIES, register
from medvlm.client import RemoteModel

log = structlog.get_logger()


def serve(settings: Settings, ready: Callable[[], None], stop: threading.Event) -> None:
    """Run until `stop` is set. Unfinished work of this worker's id goes on first."""
    engine = open_engine(settings.database_url)
    migrate(engine)
    node = Node(settings, engine, RemoteModel(settings.model.url, settings.workflow.read_timeout))
    workflows = DurableWorkflows(
        database_url=settings.workflow_database_url,
        worker_id=settings.workflow.worker_id,
        poll_seconds=settings.workflow.poll_seconds,
    )
    register(workflows, node)
    workflows.launch({STUDIES: settings.workflow.concurrency, DELIVERIES: max(1, len(settings.deliver.receivers)) * 2})
    if stranded := workflows.stranded():
        log.warning("worker.stranded", workflows=stranded, way_out="run the older version until they are done")
    ready()
    start = secrets.token_hex(4)
    try:
        while not stop.wait(settings.workflow.poll_seconds):
            tick(node, workflows, start)
    finally:
        workflows.stop()


def tick(node: Node, workflows: DurableWorkflows, start: str) -> None:
    """One look. Enqueueing names its key, so that a crash between two lines here repeats nothing.

    `start` names this start of the worker: an act whose documents could not be made is tried again once a start.
    """
    now = node.clock()
    for study in quiet_studies(node.engine, now - node.settings.workflow.quiet_seconds):
        work = study.work
        workflows.enqueue(STUDIES, READ_STUDY, work.key, work.study_uid, work.images, work.round)
        if queue(node.engine, work):
            log.info("study.queued", study=study.uid, instances=study.instances)
    for act in uncomposed(node.engine):
        key = f"compose:{act.reading_id}:{act.number}:{start}"
        workflows.enqueue(STUDIES, COMPOSE_ACT, key, act.reading_id, act.number)
    for delivery in outbox.due(node.engine, now):
        key = f"deliver:{delivery.id}:{delivery.attempts}"
        workflows.enqueue(DELIVERIES, DELIVER_REPORT, key, delivery.id, delivery.attempts)
