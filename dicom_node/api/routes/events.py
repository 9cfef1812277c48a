"""Server-sent events: studies as they change, for a worklist and for one study.

Every check is in a dependency: an error inside a stream comes too late for a status. A stream ends after some
minutes, so that who comes back (EventSource does by itself) is asked again who it is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from dicom_node.api import problems
from dicom_node.api.access.callers import Viewer
from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies.base import StudyUid
from dicom_node.api.bodies.node import ReportChanged
from dicom_node.api.feed import Missed
from dicom_node.api.node import ApiNode, Node
from dicom_node.api.problems import declared
from dicom_node.api.views.study import summary
from dicom_node.archive import worklist
from dicom_node.archive.worklist import Entry

STREAM_SECONDS = 600.0
PROCESS = secrets.token_hex(4)
"""Numbers of changes are this process's own: those of another one name nothing here."""

UNKNOWN = -1

router = APIRouter(prefix="/api/v1", tags=["events"], responses=declared(401, 403, 422, 429))

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=64, description="Of the last event seen: what followed it comes first."),
]


def _known(node: Node, study_uid: StudyUid, _by: Viewer) -> str:
    """Raises `NotFound`."""
    return worklist.entry(node.engine, study_uid).uid


@router.get("/events", operation_id="watch_node", response_class=EventSourceResponse)
async def of_node(by: Viewer, node: Node, last_event_id: LastEventId = None) -> AsyncIterator[ServerSentEvent]:
    """Every study as it changes: `study` (StudySummary) and `report` (ReportChanged); `reset` where more has happened
    than is remembered: fetch the list anew."""
    async with aclosing(_stream(node, by, last_event_id, None)) as stream:
        async for event in stream:
            yield event


@router.get(
    "/studies/{study_uid}/events",
    operation_id="watch_study",
    response_class=EventSourceResponse,
    responses=declared(404),
)
async def of_study(
    by: Viewer, node: Node, study_uid: Annotated[str, Depends(_known)], last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """One study: first as it is, then as it changes. After `reset`, fetch it anew."""
    async with aclosing(_stream(node, by, last_event_id, study_uid)) as stream:
        async for event in stream:
            yield event


async def _stream(
    node: ApiNode, by: Principal, last: str | None, study_uid: str | None
) -> AsyncGenerator[ServerSentEvent, None]:
    ends = asyncio.get_running_loop().time() + STREAM_SECONDS
    try:
        async with aclosing(_told(node, by, last, study_uid)) as told:
            while True:
                # Around the wait alone: a timeout must not strike while the reader has the event.
                async with asyncio.timeout_at(ends):
                    event = await anext(told)
                yield event
    except TimeoutError:
        pass
    except Exception as error:
        yield ServerSentEvent(event="error", data=problems.of_error(error))
    yield ServerSentEvent(event="end", raw_data="{}")


async def _told(
    node: ApiNode, by: Principal, last: str | None, study_uid: str | None
) -> AsyncGenerator[ServerSentEvent, None]:
    newest = await node.feed.begin()
    after = newest if last is None else _number(last)
    reports: dict[str, tuple[str, int]] = {}
    yield ServerSentEvent(comment="open", id=_id(newest if last is None else after))
    if study_uid is not None and last is None:
        now = await run_in_threadpool(worklist.entry, node.engine, study_uid)
        for event in await run_in_threadpool(_events, node, by, now, newest, reports):
            yield event
    async with aclosing(node.feed.changes(after)) as changes:
        async for change in changes:
            if isinstance(change, Missed):
                yield ServerSentEvent(event="reset", raw_data="{}", id=_id(change.number))
            elif study_uid is None or change.study.uid == study_uid:
                for event in await run_in_threadpool(_events, node, by, change.study, change.number, reports):
                    yield event


def _events(
    node: ApiNode, by: Principal, study: Entry, number: int, reports: dict[str, tuple[str, int]]
) -> list[ServerSentEvent]:
    """The study, and its report where that has another version than was told last."""
    told = [ServerSentEvent(event="study", data=summary(node, by, study), id=_id(number))]
    if study.report is not None and reports.get(study.uid) != (study.report.reading_id, study.report.version):
        reports[study.uid] = (study.report.reading_id, study.report.version)
        changed = ReportChanged(
            id=study.report.reading_id, study_uid=study.uid, version=study.report.version, state=study.report.state
        )
        told.append(ServerSentEvent(event="report", data=changed, id=_id(number)))
    return told


def _id(number: int) -> str:
    return f"{PROCESS}-{number}"


def _number(event_id: str) -> int:
    """The change's number; one that is never reached for another process's."""
    process, _, number = event_id.partition("-")
    return int(number) if process == PROCESS and number.isdecimal() and len(number) < 16 else UNKNOWN
