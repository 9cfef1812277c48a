"""A streamed answer: the model works in a thread of its own, whose words become server-sent events.

Who closes the connection stops the model. The thread keeps what was said, so that no answer that anybody has read is
lost.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from dicom_node.api import problems
from dicom_node.api.access.principal import Principal
from dicom_node.api.asking import Prepared, ask
from dicom_node.api.bodies.questions import AnswerRecord, TextPart
from dicom_node.api.node import ApiNode
from dicom_node.api.repeats import Claim

log = structlog.get_logger()
KEEPALIVE_SECONDS = 10.0
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


Tell = Callable[[str, BaseModel], None]


class End(BaseModel):
    """`event: end`: nothing follows."""


def event(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json(exclude_none=isinstance(data, problems.Problem)))


def told_again(record: AnswerRecord) -> EventSourceResponse:
    """An answer that was given before."""
    return EventSourceResponse(iter((event("answer", record), event("end", End()))), headers=STREAM_HEADERS)


class Conversation(EventSourceResponse):
    """`text` as it is written, `answer` or `error`, then `end`. However it ends, the model's work ends with it."""

    def __init__(
        self, node: ApiNode, prepared: Prepared, by: Principal, claim: Claim, threads: ThreadPoolExecutor
    ) -> None:
        self._node, self._prepared, self._by, self._claim, self._threads = node, prepared, by, claim, threads
        self._stopped = threading.Event()
        self._begun = False
        super().__init__(self._events(), headers=STREAM_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stopped.set()
            if not self._begun:  # the client left before the first word was asked for
                await run_in_threadpool(self._claim.release)

    async def _events(self) -> AsyncIterator[bytes]:
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[bytes]()

        def tell(name: str, data: BaseModel) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, event(name, data))

        ended = event("end", End())
        self._threads.submit(self._work, tell)
        self._begun = True
        while True:
            try:
                told = await asyncio.wait_for(queue.get(), KEEPALIVE_SECONDS)
            except TimeoutError:
                told = KEEPALIVE_COMMENT
            yield told
            if told == ended:
                return

    def _work(self, tell: Tell) -> None:
        try:
            kept = ask(
                self._node,
                self._prepared,
                self._by,
                lambda text: tell("text", TextPart(text=text)),
                self._stopped.is_set,
            )
            record = AnswerRecord.of(kept)
            self._claim.keep(201, {"content-type": "application/json"}, record.model_dump_json())
            tell("answer", record)
        except Exception as error:
            log.warning("question.failed", study=self._prepared.study_uid, kind=type(error).__name__)
            self._claim.release()
            tell("error", problems.of_error(error))
        finally:
            tell("end", End())
