"""The outbox: which report goes to which peer, and how that stands.

    pending → delivered;  pending → parked (the peer will never take it: a person must look)

Rows are written with the report in one transaction, so that no report is forgotten and none is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Engine, Select, func, select, update
from sqlalchemy.engine import Connection

from dicom_node.archive.studies import lock
from dicom_node.archive.tables import delivery, report, study

DeliveryState = Literal["pending", "delivered", "parked"]


@dataclass(frozen=True)
class Delivery:
    id: int
    report: str
    study_uid: str
    kind: str
    version: int
    peer: str
    state: DeliveryState
    attempts: int
    next_attempt: float
    sent_sop_class_uid: str | None
    reason: str
    delivered: float | None


def put(connection: Connection, report_uid: str, peers: Sequence[str], now: float) -> None:
    rows = [
        {"report": report_uid, "peer": peer, "state": "pending", "attempts": 0, "next_attempt": now, "reason": ""}
        for peer in peers
    ]
    if rows:
        connection.execute(delivery.insert(), rows)


def due(engine: Engine, now: float) -> tuple[Delivery, ...]:
    """What may be sent now: for each peer and study the oldest version first, so that predecessors arrive first."""
    return _select(engine, (delivery.c.state == "pending") & (delivery.c.next_attempt <= now))


def of_study(engine: Engine, study_uid: str) -> tuple[Delivery, ...]:
    return _select(engine, report.c.study == study_uid)


def find(engine: Engine, delivery_id: int) -> Delivery | None:
    return next(iter(_select(engine, delivery.c.id == delivery_id)), None)


def choose_class(engine: Engine, delivery_id: int, sop_class_uid: str) -> None:
    """Remember the SOP class before the first byte leaves, so that a repeat is the same object."""
    with engine.begin() as connection:
        connection.execute(
            update(delivery).where(delivery.c.id == delivery_id).values(sent_sop_class_uid=sop_class_uid)
        )


def delivered(engine: Engine, done: Delivery, now: float, witness: Callable[[Connection], None] | None = None) -> None:
    """The peer confirmed. The study is delivered when nothing of its newest version is left to send.

    `witness` is called last in the same transaction: what it raises leaves the delivery as it was.
    """
    with engine.begin() as connection:
        # Two reports confirmed at once must not each see the other as still open.
        lock(connection, done.study_uid)
        values = {"state": "delivered", "attempts": done.attempts + 1, "delivered": now, "reason": ""}
        connection.execute(update(delivery).where(delivery.c.id == done.id).values(values))
        if not connection.scalar(_open_deliveries(done.study_uid)):
            drafted = (study.c.uid == done.study_uid) & (study.c.state == "drafted")
            connection.execute(update(study).where(drafted).values(state="delivered"))
        if witness is not None:
            witness(connection)


def postponed(engine: Engine, failed: Delivery, reason: str, next_attempt: float) -> None:
    values = {"attempts": failed.attempts + 1, "next_attempt": next_attempt, "reason": reason}
    _update(engine, failed, values)


def parked(engine: Engine, refused: Delivery, reason: str) -> None:
    _update(engine, refused, {"state": "parked", "attempts": refused.attempts + 1, "reason": reason})


def release(engine: Engine, study_uid: str, now: float) -> int:
    """Send what is parked or waiting again, at once. Returns how many."""
    reports = select(report.c.sop_instance_uid).where(report.c.study == study_uid)
    open_rows = delivery.c.report.in_(reports) & (delivery.c.state != "delivered")
    with engine.begin() as connection:
        values = {"state": "pending", "next_attempt": now, "reason": ""}
        return connection.execute(update(delivery).where(open_rows).values(values)).rowcount


def _update(engine: Engine, row: Delivery, values: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(update(delivery).where(delivery.c.id == row.id).values(values))


def _open_deliveries(study_uid: str) -> Select[int]:
    joined = delivery.join(report, delivery.c.report == report.c.sop_instance_uid)
    still_open = (report.c.study == study_uid) & (delivery.c.state != "delivered")
    return select(func.count()).select_from(joined).where(still_open)


def _select(engine: Engine, where: ColumnElement[bool]) -> tuple[Delivery, ...]:
    query = (
        select(delivery, report.c.study.label("study_uid"), report.c.kind, report.c.version)
        .join(report, delivery.c.report == report.c.sop_instance_uid)
        .where(where)
        .order_by(report.c.version, delivery.c.id)
    )
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(Delivery(**row) for row in connection.execute(query).mappings())
