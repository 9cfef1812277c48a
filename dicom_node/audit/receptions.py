"""What associations brought: one message for each and patient, told in the background once it has ended.

The index is the queue: an association that stored something has a row (`association.audited` is false until its
messages are in the chain, set in the same transaction). So receiving waits for nothing here, and nothing is lost:

- killed before the message: the row waits for the next listener;
- killed before the association's end was noted (`ended` is empty): told as cut off once nothing came for
  `GIVEN_UP_SECONDS`, for another listener on the same index may still be receiving it;
- a power cut that took the rows with it: `Intake.replay` makes them again from the files, under an association of its
  own ("replayed").
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, RowMapping, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from dicom_node.archive.tables import association, instance, patient, series, study
from dicom_node.audit import chain, events
from dicom_node.audit.events import UNKNOWN, Subject
from dicom_node.audit.message import to_xml
from dicom_node.audit.participants import Application, AuditSource

GIVEN_UP_SECONDS: Final = 3600.0
# Associations that end together are told in one transaction: modalities that open one for each image cost one a second.
GATHER_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 60.0
AT_MOST: Final = 50
RELEASED: Final = "released"


class Receptions:
    """Tells what was received. `ended` may be called from any thread and returns at once."""

    def __init__(self, engine: Engine, source: AuditSource, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._source = source
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._log: Any = structlog.get_logger()

    def start(self) -> None:
        self._thread.start()

    def ended(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        """Tell what is left, then return."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def tell(self) -> int:
        """Write the messages that are due; returns of how many associations."""
        told = 0
        while due := self._due():
            told += self._write(due)
        return told

    def _run(self) -> None:
        self._wake.set()  # what an earlier process left
        while True:
            self._wake.wait(LOOK_SECONDS)
            self._stopping.wait(GATHER_SECONDS)
            self._wake.clear()
            try:
                self.tell()
            except (SQLAlchemyError, OSError) as error:
                self._log.error("audit.postponed", cause=type(error).__name__)
            except Exception:
                self._log.exception("audit.postponed")  # whatever it is, the next look comes
            if self._stopping.is_set():
                return

    def _due(self) -> list[tuple[str, list[str]]]:
        """(association, its messages), looked up before anything is locked: receiving writes to the same database."""
        before = self._clock() - GIVEN_UP_SECONDS
        with self._engine.connect().execution_options(reading=True) as connection:
            rows = _ended(connection) or _cut_off(connection, before)
            return [(row["id"], _messages(connection, self._source, row)) for row in rows]

    def _write(self, due: list[tuple[str, list[str]]]) -> int:
        """Those that another listener has not told meanwhile."""
        told, now, row = 0, self._clock(), association
        with self._engine.begin() as connection:
            chain.lock(connection)
            for key, messages in due:
                mine = update(row).where((row.c.id == key) & ~row.c.audited).values(audited=True)
                if connection.execute(mine).rowcount == 0:
                    continue
                told += 1
                for message in messages:
                    chain.append(connection, now, message)
        return told


def _ended(connection: Connection) -> Sequence[RowMapping]:
    waiting = ~association.c.audited & association.c.ended.is_not(None)
    query = select(association).where(waiting).order_by(association.c.ended).limit(AT_MOST)
    return connection.execute(query).mappings().all()


def _cut_off(connection: Connection, before: float) -> Sequence[RowMapping]:
    last = select(func.max(instance.c.received)).where(instance.c.association == association.c.id).scalar_subquery()
    waiting = ~association.c.audited & association.c.ended.is_(None) & (association.c.started < before)
    query = select(association, last.label("last")).where(waiting, func.coalesce(last, 0) < before)
    return connection.execute(query.limit(AT_MOST)).mappings().all()


def _messages(connection: Connection, source: AuditSource, row: RowMapping) -> list[str]:
    """One a patient: A.5.3.7 allows no more in one message."""
    name = "@".join(part for part in (row["calling_ae"], row["host"]) if part)
    sender = Application(name or UNKNOWN, row["calling_ae"], row["host"])
    at = row["ended"] or row["last"] or row["started"]
    failure = "" if row["outcome"] == RELEASED else f"association {row['outcome']}"
    by_patient = _brought(connection, row["id"])
    return [to_xml(events.received(source, at, sender, subjects, failure)) for subjects in by_patient]


def _brought(connection: Connection, association_id: str) -> list[tuple[Subject, ...]]:
    """The studies that instances of an association were filed under, by patient. None for duplicates alone."""
    query = (
        select(
            patient.c.patient_id, patient.c.issuer, study.c.uid, instance.c.sop_class_uid, func.count().label("count")
        )
        .select_from(instance)
        .join(series, instance.c.series == series.c.uid)
        .join(study, series.c.study == study.c.uid)
        .join(patient, study.c.patient == patient.c.id)
        .where(instance.c.association == association_id)
        .group_by(patient.c.patient_id, patient.c.issuer, study.c.uid, instance.c.sop_class_uid)
        .order_by(study.c.uid)
    )
    counts: dict[tuple[str, str], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for patient_id, issuer, study_uid, sop_class_uid, count in connection.execute(query):
        counts[patient_id, issuer][study_uid][sop_class_uid] = count
    return [
        tuple(Subject(uid, patient_id, issuer, classes) for uid, classes in studies.items())
        for (patient_id, issuer), studies in counts.items()
    ]
