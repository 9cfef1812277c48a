"""From the chain to the collector, in order, behind a position that outlives the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from sqlalchemy import Engine, select, text, update

from dicom_node.archive.tables import audit_position
from dicom_node.audit import chain
from dicom_node.audit.chain import GENESIS, Entry, Head
from dicom_node.audit.collector import Collector
from dicom_node.audit.syslog import Origin, frame
from dicom_node.errors import PeerUnreachable

BATCH: Final = 200
# Any constant does: with the collector it names the shipper's lock among PostgreSQL's advisory locks.
SHIPPING_LOCK: Final = 7034116
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0


def waiting(engine: Engine, collector: Collector) -> int:
    """How many entries the collector does not have yet."""
    head = chain.head(engine)
    return max(0, (head.n if head else 0) - _kept(engine, collector).n)


class Shipper:
    """One a collector. A failed batch is tried again after a wait that doubles; what follows waits with it."""

    def __init__(
        self, engine: Engine, collector: Collector, origin: Origin, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._collector = collector
        self._origin = origin
        self._clock = clock
        self._wait = 0.0
        self._due = 0.0
        self._log: Any = structlog.get_logger()

    def ship(self) -> int:
        """Send what is due; returns how many messages the collector took."""
        if self._clock() < self._due:
            return 0
        with self._alone() as alone:
            return self._ship_all() if alone else 0

    def _ship_all(self) -> int:
        shipped = 0
        try:
            while batch := chain.entries(self._engine, self._position(), BATCH):
                self._collector.deliver(frame(entry, self._origin) for entry in batch)
                self._put(batch[-1])
                shipped += len(batch)
        except PeerUnreachable as error:
            self._postpone(error)
            return shipped
        if shipped:
            self._recovered()
        return shipped

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """False while another worker ships to this collector. On SQLite one worker runs."""
        if self._engine.dialect.name != "postgresql":
            yield True
            return
        lock = text("SELECT pg_try_advisory_xact_lock(:key, hashtext(:collector))")
        with self._engine.begin() as connection:
            yield bool(connection.execute(lock, {"key": SHIPPING_LOCK, "collector": self._collector.name}).scalar())

    def _position(self) -> int:
        """The last number that the collector has, if the chain still holds that entry."""
        kept = _kept(self._engine, self._collector)
        if kept.n == 0:
            return 0
        entry = chain.find(self._engine, kept.n)
        if entry is not None and entry.hash == kept.hash:
            return kept.n
        # Somebody changed the table. What is there now is sent from where it can differ; the collector has the rest.
        head = chain.head(self._engine)
        back = min(kept.n - 1, head.n if head else 0)
        self._log.error("audit.tampered", shipped=str(kept), way_out="`dicom-node audit verify` says where")
        self._put(chain.find(self._engine, back))
        return back

    def _put(self, entry: Entry | None) -> None:
        row, name = audit_position, self._collector.name
        values = {"n": entry.n if entry else 0, "hash": entry.hash if entry else GENESIS, "at": self._clock()}
        with self._engine.begin() as connection:
            if connection.execute(update(row).where(row.c.collector == name).values(values)).rowcount == 0:
                connection.execute(row.insert().values(collector=name, **values))

    def _postpone(self, error: PeerUnreachable) -> None:
        self._wait = min(LONGEST_WAIT, self._wait * 2 or FIRST_WAIT)
        self._due = self._clock() + self._wait
        self._log.warning("audit.collector.away", cause=error.what, seconds=self._wait)

    def _recovered(self) -> None:
        if self._wait:
            self._log.info("audit.collector.back")
        self._wait = 0.0


def _kept(engine: Engine, collector: Collector) -> Head:
    row = audit_position
    query = select(row.c.n, row.c.hash).where(row.c.collector == collector.name)
    with engine.connect().execution_options(reading=True) as connection:
        found = connection.execute(query).first()
    return Head(found.n, found.hash) if found else Head(0, GENESIS)
