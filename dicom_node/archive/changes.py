"""Which studies have changed since the last look: asked again and again, answered by a few indexed rows.

Nobody writes anything for it: instances must be received at full speed. A look compares what is under way (studies
not read yet, deliveries not made yet) with the look before, and takes what was received and noted meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, func, or_, select

from dicom_node.archive.tables import delivery, event, report, study

UNDER_WAY = ("receiving", "queued", "reading")
OVERLAP_SECONDS = 10.0
"""A row may become visible after a later one (PostgreSQL numbers rows before they are committed)."""


class Watch:
    """One thread at a time. The first look finds nothing: there is no look before it."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine, self._clock = engine, clock
        self._studies: dict[str, tuple[str, Any]] = {}
        self._deliveries: dict[int, tuple[str, int]] = {}
        self._looked: float | None = None
        self._floor = 0
        self._noted: dict[int, float] = {}

    def look(self) -> frozenset[str]:
        """Study Instance UIDs."""
        now, first = self._clock(), self._looked is None
        with self._engine.connect().execution_options(reading=True) as connection:
            if first:
                self._floor = connection.execute(select(func.coalesce(func.max(event.c.id), 0))).scalar_one()
            studies = _studies(connection, (now if self._looked is None else self._looked) - OVERLAP_SECONDS)
            deliveries = _deliveries(connection)
            noted = self._new_events(connection, now)
        changed = {*noted, *_moved(self._studies, studies), *_sent(self._deliveries, deliveries)}
        self._studies, self._deliveries, self._looked = studies, deliveries, now
        return frozenset() if first else frozenset(changed)

    def _new_events(self, connection: Connection, now: float) -> set[str]:
        query = select(event.c.id, event.c.study).where(event.c.id > self._floor).order_by(event.c.id)
        new = set()
        for number, uid in connection.execute(query):
            if number not in self._noted:
                self._noted[number] = now
                new.add(uid)
        settled = [number for number, at in self._noted.items() if at < now - OVERLAP_SECONDS]
        self._floor = max([self._floor, *settled])
        self._noted = {number: at for number, at in self._noted.items() if number > self._floor}
        return new


def _studies(connection: Connection, since: float) -> dict[str, tuple[str, Any]]:
    """State and content of what is under way, and of what was received since."""
    columns = (study.c.uid, study.c.state, study.c.images, study.c.round, study.c.last_received)
    where = or_(study.c.state.in_(UNDER_WAY), study.c.last_received >= since)
    return {row.uid: (row.state, tuple(row)) for row in connection.execute(select(*columns).where(where))}


def _moved(before: Mapping[str, tuple[str, Any]], after: Mapping[str, tuple[str, Any]]) -> set[str]:
    """What looks other than before, and what is no longer under way."""
    left = {uid for uid, (state, _) in before.items() if uid not in after and state in UNDER_WAY}
    return left | {uid for uid, row in after.items() if before.get(uid) != row}


def _deliveries(connection: Connection) -> dict[int, tuple[str, int]]:
    """Study and attempts of each delivery that is still to be made."""
    query = (
        select(delivery.c.id, report.c.study, delivery.c.attempts)
        .join(report, delivery.c.report == report.c.sop_instance_uid)
        .where(delivery.c.state == "pending")
    )
    return {number: (uid, attempts) for number, uid, attempts in connection.execute(query)}


def _sent(before: Mapping[int, tuple[str, int]], after: Mapping[int, tuple[str, int]]) -> set[str]:
    """Studies with a delivery that was made, tried, parked or asked for."""
    return {uid for _, (uid, _) in before.items() ^ after.items()}
