"""What people did with a report: one row an act, written once, in the order of the study's versions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, RowMapping, func, select, update
from sqlalchemy.engine import Connection

from dicom_node.archive.tables import act, own_read, reading


@dataclass(frozen=True)
class StoredAct:
    """`number` counts the acts on one reading's report from 1, `version` all versions of the study.

    `document` is the act as JSON. `composed` is when its documents went into the outbox, None before and for edits.
    """

    reading_id: str
    number: int
    study_uid: str
    version: int
    kind: str
    state: str
    person_id: str
    person_name: str
    document: str
    created: float
    composed: float | None = None


@dataclass(frozen=True)
class OwnRead:
    """What a person saw before the draft was shown, as JSON."""

    reading_id: str
    person_id: str
    document: str
    created: float


def next_version(connection: Connection, study_uid: str) -> int:
    """One more than any version of the study, of readings or of acts. The caller holds the study's lock."""
    of_readings = select(func.coalesce(func.max(reading.c.version), 0)).where(reading.c.study == study_uid)
    of_acts = select(func.coalesce(func.max(act.c.version), 0)).where(act.c.study == study_uid)
    return 1 + max(connection.execute(query).scalar_one() for query in (of_readings, of_acts))


def insert_act(connection: Connection, made: StoredAct) -> None:
    values = {**made.__dict__, "study": made.study_uid, "reading": made.reading_id}
    del values["study_uid"], values["reading_id"]
    connection.execute(act.insert().values(values))


def acts_of(connection: Connection, reading_id: str) -> tuple[StoredAct, ...]:
    """Oldest first."""
    query = select(act).where(act.c.reading == reading_id).order_by(act.c.number)
    return tuple(_act(row) for row in connection.execute(query).mappings())


def signatures(engine: Engine, study_uid: str, before: int) -> tuple[int, ...]:
    """The versions in which people signed reports of the study, before that version."""
    these = (act.c.study == study_uid) & (act.c.kind == "sign") & (act.c.version < before)
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(connection.scalars(select(act.c.version).where(these).order_by(act.c.version)))


def uncomposed(engine: Engine) -> tuple[StoredAct, ...]:
    """Acts whose documents are still to be made, in the order of the study's versions."""
    query = select(act).where(act.c.composed.is_(None) & (act.c.kind != "edit")).order_by(act.c.study, act.c.version)
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(_act(row) for row in connection.execute(query).mappings())


def composed(connection: Connection, made: StoredAct, now: float) -> bool:
    """Its documents are in the outbox, by this transaction. False when they were already."""
    this = (act.c.reading == made.reading_id) & (act.c.number == made.number) & act.c.composed.is_(None)
    return connection.execute(update(act).where(this).values(composed=now)).rowcount == 1


def store_own_read(engine: Engine, made: OwnRead) -> OwnRead:
    """Keep it; what the person said first stays."""
    with engine.begin() as connection:
        kept = _own_read(connection, made.reading_id, made.person_id)
        if kept is None:
            values = {**made.__dict__, "reading": made.reading_id}
            del values["reading_id"]
            connection.execute(own_read.insert().values(values))
    return kept or made


def find_own_read(engine: Engine, reading_id: str, person_id: str) -> OwnRead | None:
    with engine.connect().execution_options(reading=True) as connection:
        return _own_read(connection, reading_id, person_id)


def _own_read(connection: Connection, reading_id: str, person_id: str) -> OwnRead | None:
    this = (own_read.c.reading == reading_id) & (own_read.c.person_id == person_id)
    row = connection.execute(select(own_read).where(this)).mappings().one_or_none()
    return OwnRead(row["reading"], row["person_id"], row["document"], row["created"]) if row else None


def _act(row: RowMapping) -> StoredAct:
    renamed = {"study": "study_uid", "reading": "reading_id"}
    return StoredAct(**{renamed.get(key, key): value for key, value in row.items()})
