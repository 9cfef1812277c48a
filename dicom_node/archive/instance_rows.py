"""The index rows of received instances: patient, study, series, instance, and what happened to them.

The same statements run on SQLite and PostgreSQL.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ClauseElement, Connection, Dialect, bindparam, exists, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from dicom_node.archive import tables
from dicom_node.archive.files import StoredFile
from dicom_node.archive.instance_header import InstanceHeader
from dicom_node.archive.sop_classes import is_image

Outcome = Literal["stored", "duplicate", "conflict"]

RECEIVING: Final = "receiving"
ROUTINE: Final = "routine"
KNOWN_AT_MOST: Final = 4096


@dataclass(frozen=True)
class Association:
    """Who sent. `started` in seconds since the epoch."""

    id: str
    calling_ae: str
    called_ae: str
    host: str
    started: float


@dataclass(frozen=True)
class Received:
    """A whole, named, flushed file and its header. `association`: what brought it, if anything is known of that."""

    header: InstanceHeader
    file: StoredFile
    transfer_syntax_uid: str
    received: float
    association: Association | None = None


class Compiled:
    """A statement compiled once and handed to the driver: SQLAlchemy's way there costs more than the row itself.

    Raises the driver's own errors.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._order = getattr(compiled, "positiontup", None)

    def run(self, connection: Connection, values: dict[str, object]) -> tuple[Any, ...] | None:
        """The first row that comes back, if the statement returns rows."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._sql, [values[name] for name in self._order] if self._order else values)
            row: tuple[Any, ...] | None = cursor.fetchone() if cursor.description else None
            return row
        finally:
            cursor.close()


class InstanceRows:
    """Writes batches of instances; remembers what it has met, so that a series costs its rows once.

    One thread at a time. `forget` after a transaction failed: what it remembered may not be there.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._insert = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
        self._instance = Compiled(self._instance_statement(), dialect)
        self._touched = Compiled(TOUCHED, dialect)
        self._grown = Compiled(GROWN, dialect)
        self.forget()

    def forget(self) -> None:
        self._patients: dict[str, tuple[str, str]] = {}
        self._studies: dict[str, str] = {}
        self._associations: set[str] = set()

    def write(self, connection: Connection, batch: Sequence[Received]) -> list[Outcome]:
        """Index a batch in the caller's transaction; an outcome for each, in order."""
        if len(self._studies) + len(self._patients) + len(self._associations) > KNOWN_AT_MOST:
            self.forget()
        outcomes = [self._write_one(connection, item) for item in batch]
        self._touch_studies(connection, batch, outcomes)
        return outcomes

    def close_association(self, connection: Connection, closed: Association, ended: float, outcome: str) -> None:
        """Only what has sent instances has a row: a PACS that echoes every few seconds leaves none."""
        row = tables.association
        connection.execute(update(row).where(row.c.id == closed.id).values(ended=ended, outcome=outcome))
        self._associations.discard(closed.id)

    def _write_one(self, connection: Connection, item: Received) -> Outcome:
        self._note_association(connection, item.association)
        patient = self._patient_of_study(connection, item)
        study_of_series = self._study_of_series(connection, item.header)
        elsewhere = study_of_series != item.header.study_uid
        found = self._instance.run(connection, _instance_values(item, elsewhere))
        if found is None:
            return "duplicate"
        if patient != (item.header.issuer, item.header.patient_id):
            self._note(connection, "instance.patient_differs", item)
        (conflicting,) = found
        if conflicting:
            self._note(connection, "instance.conflict", item)
            return "conflict"
        return "stored"

    def _note_association(self, connection: Connection, met: Association | None) -> None:
        if met is None or met.id in self._associations:
            return
        values = {
            "id": met.id,
            "calling_ae": met.calling_ae,
            "called_ae": met.called_ae,
            "host": met.host,
            "started": met.started,
            "outcome": "open",
            "audited": False,
        }
        connection.execute(self._insert(tables.association).on_conflict_do_nothing(), values)
        self._associations.add(met.id)

    def _patient_of_study(self, connection: Connection, item: Received) -> tuple[str, str]:
        """(issuer, patient ID) under which the study is filed; files a new study."""
        uid = item.header.study_uid
        if uid not in self._patients:
            found = _filed_under(connection, uid)
            if found is None:
                self._file_study(connection, item)
                found = _filed_under(connection, uid)
            self._patients[uid] = found or ("", "")
        return self._patients[uid]

    def _file_study(self, connection: Connection, item: Received) -> None:
        header, patient = item.header, tables.patient
        names = {"issuer": header.issuer, "patient_id": header.patient_id}
        connection.execute(self._insert(patient).on_conflict_do_nothing(), names)
        key = connection.execute(
            select(patient.c.id).where(patient.c.issuer == header.issuer, patient.c.patient_id == header.patient_id)
        ).scalar_one()
        values = {
            "uid": header.study_uid,
            "patient": key,
            "study_date": header.study_date,
            "study_time": header.study_time,
            "study_id": header.study_id,
            "accession_number": header.accession_number,
            "referring_physician": header.referring_physician,
            "patient_name": header.patient_name,
            "patient_birth_date": header.patient_birth_date,
            "patient_sex": header.patient_sex,
            "description": header.study_description,
            "priority": ROUTINE,
            "state": RECEIVING,
            "reason": "",
            "first_received": item.received,
            "last_received": item.received,
            "images": 0,
            "round": 0,
        }
        connection.execute(self._insert(tables.study).on_conflict_do_nothing(), values)

    def _study_of_series(self, connection: Connection, header: InstanceHeader) -> str:
        """The study under which the series is filed; files a new series under this one."""
        uid, series = header.series_uid, tables.series
        if uid not in self._studies:
            values = {
                "uid": uid,
                "study": header.study_uid,
                "modality": header.modality,
                "number": header.series_number,
                "description": header.series_description,
            }
            connection.execute(self._insert(series).on_conflict_do_nothing(), values)
            filed = connection.execute(select(series.c.study).where(series.c.uid == uid)).scalar_one()
            self._studies[uid] = filed
        return self._studies[uid]

    def _instance_statement(self) -> ReturningInsert[Any]:
        """One statement decides: no row back is the identical instance again; `conflicting` is another content."""
        row = tables.instance
        known = exists(select(row.c.id).where(row.c.sop_instance_uid == bindparam("sop_instance_uid")))
        values: dict[str, Any] = {
            column.name: bindparam(column.name) for column in row.c if column.name not in ("id", "conflicting")
        }
        statement = self._insert(row).values(**values, conflicting=or_(bindparam("elsewhere"), known))
        done = statement.on_conflict_do_nothing(index_elements=[row.c.sop_instance_uid, row.c.sha256])
        return done.returning(row.c.conflicting)

    def _touch_studies(self, connection: Connection, batch: Sequence[Received], outcomes: Sequence[Outcome]) -> None:
        """Anything that comes restarts the quiet time; a new image makes the study one that is due for a reading."""
        images: Counter[str] = Counter()
        latest: dict[str, float] = {}
        for item, outcome in zip(batch, outcomes, strict=True):
            uid = item.header.study_uid
            images[uid] += outcome == "stored" and is_image(item.header.sop_class_uid)
            latest[uid] = max(latest.get(uid, 0.0), item.received)
        for uid in sorted(latest):  # one order for all, so that two listeners never wait for each other
            statement = self._grown if images[uid] else self._touched
            statement.run(connection, {"key": uid, "new": images[uid], "at": latest[uid]})

    def _note(self, connection: Connection, name: str, item: Received) -> None:
        fields = {"sop_instance_uid": item.header.sop_instance_uid, "sha256": item.file.sha256}
        values = {"at": item.received, "name": name, "study": item.header.study_uid, "fields": json.dumps(fields)}
        connection.execute(self._insert(tables.event), values)


_study = tables.study
TOUCHED: Final = update(_study).where(_study.c.uid == bindparam("key")).values(last_received=bindparam("at"))
GROWN: Final = (
    update(_study)
    .where(_study.c.uid == bindparam("key"))
    .values(
        last_received=bindparam("at"),
        images=_study.c.images + bindparam("new"),
        state=literal_column(f"'{RECEIVING}'"),
        reason=literal_column("''"),
    )
)


def _filed_under(connection: Connection, study_uid: str) -> tuple[str, str] | None:
    patient, study = tables.patient, tables.study
    row = connection.execute(
        select(patient.c.issuer, patient.c.patient_id)
        .join(study, study.c.patient == patient.c.id)
        .where(study.c.uid == study_uid)
    ).first()
    return None if row is None else (row.issuer, row.patient_id)


def _instance_values(item: Received, elsewhere: bool) -> dict[str, object]:
    header = item.header
    return {
        "sop_instance_uid": header.sop_instance_uid,
        "sha256": item.file.sha256,
        "series": header.series_uid,
        "sop_class_uid": header.sop_class_uid,
        "transfer_syntax_uid": item.transfer_syntax_uid,
        "path": item.file.path,
        "size": item.file.size,
        "received": item.received,
        "association": item.association.id if item.association else "",
        "instance_number": header.instance_number,
        "elsewhere": elsewhere,
    }
