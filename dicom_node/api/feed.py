"""Changes of studies for whoever listens: one poller a process, and only while anybody does."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from dicom_node.archive.changes import Watch
from dicom_node.archive.worklist import Entry, some_entries

log = structlog.get_logger()
REMEMBERED = 1000


@dataclass(frozen=True)
class Change:
    """`number` counts the changes of this process from 1."""

    number: int
    study: Entry


@dataclass(frozen=True)
class Missed:
    """More has happened than is remembered: the listener looks at everything anew."""

    number: int


class Feed:
    """One event loop. A listener that is slow keeps nothing waiting: it finds its place in what is remembered."""

    def __init__(self, engine: Engine, watch: Watch, poll_seconds: float) -> None:
        self._engine, self._watch, self._poll_seconds = engine, watch, poll_seconds
        self._remembered: deque[Change] = deque(maxlen=REMEMBERED)
        self._newest = 0
        self._listeners = 0
        self._news = asyncio.Condition()
        self._poller: asyncio.Task[None] | None = None
        self._untold: frozenset[str] = frozenset()

    @property
    def newest(self) -> int:
        return self._newest

    @property
    def listeners(self) -> int:
        return self._listeners

    async def begin(self) -> int:
        """The newest change's number, after a look: whatever happens from now on is told after it."""
        if self._poller is None:
            await self._look()
        return self._newest

    async def changes(self, after: int) -> AsyncGenerator[Change | Missed, None]:
        """Everything after that number, without end."""
        self._listeners += 1
        try:
            while True:
                if self._poller is None or self._poller.done():
                    self._poller = asyncio.create_task(self._poll())
                for item in self._since(after):
                    after = item.number
                    yield item
                async with self._news:
                    while self._newest <= after:
                        await self._news.wait()
        finally:
            self._listeners -= 1
            if self._listeners == 0 and self._poller is not None:
                self._poller.cancel()
                self._poller = None

    def _since(self, after: int) -> list[Change | Missed]:
        oldest = self._remembered[0].number if self._remembered else self._newest + 1
        if after < 0 or after > self._newest or after + 1 < oldest:
            return [Missed(self._newest)]
        return [change for change in self._remembered if change.number > after]

    async def _poll(self) -> None:
        while True:
            # The index may be away for a while: listeners wait, as everybody does.
            with contextlib.suppress(Exception):
                await self._look()
            await asyncio.sleep(self._poll_seconds)

    async def _look(self) -> None:
        changed = await run_in_threadpool(self._load)
        if not changed:
            return
        async with self._news:
            for study in changed:
                self._newest += 1
                self._remembered.append(Change(self._newest, study))
            self._news.notify_all()

    def _load(self) -> tuple[Entry, ...]:
        try:
            self._untold |= self._watch.look()
            found = some_entries(self._engine, self._untold) if self._untold else ()
            self._untold = frozenset()
            return found
        except Exception as error:
            log.warning("events.look_failed", kind=type(error).__name__)
            raise
