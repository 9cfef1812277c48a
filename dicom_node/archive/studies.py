"""Studies and their instances: what is due, what is there, and how a study's state moves.

    receiving → queued → reading → drafted → delivered;  refused, failed

A transition out of `receiving` names the number of images it saw: when more have come meanwhile it changes
nothing, so that a late image is never overlooked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Engine, RowMapping, Select, func, select, update
from sqlalchemy.engine import Connection

from dicom_node.archive.tables import event, instance, series, study
from dicom_node.errors import NotFound

StudyState = Literal["receiving", "queued", "reading", "drafted", "delivered", "refused", "failed"]


@dataclass(frozen=True)
class Work:
    """The work on exactly these images of a study, in this round of asking for it."""

    study_uid: str
    images: int
    round: int

    @property
    def key(self) -> str:
        """The workflow's id and the reading's: the same work runs once and gives one reading."""
        return f"{self.study_uid}:{self.images}:{self.round}"


@dataclass(frozen=True)
class Study:
    uid: str
    state: StudyState
    reason: str
    instances: int
    images: int
    round: int
    modalities: tuple[str, ...]
    study_date: str
    description: str
    first_received: float
    last_received: float

    @property
    def work(self) -> Work:
        return Work(self.uid, self.images, self.round)


@dataclass(frozen=True)
class Instance:
    sop_instance_uid: str
    sop_class_uid: str
    series_uid: str
    modality: str
    path: str
    instance_number: int
    conflicting: bool


def quiet_studies(engine: Engine, before: float) -> tuple[Study, ...]:
    """Studies still receiving whose last instance came before that time."""
    with engine.connect().execution_options(reading=True) as connection:
        where = (study.c.state == "receiving") & (study.c.last_received <= before)
        rows = connection.execute(_studies().where(where).order_by(study.c.last_received)).mappings().all()
        return tuple(_study(connection, row) for row in rows)


def list_studies(
    engine: Engine, *, states: Sequence[str] = (), before: tuple[float, str] | None = None, limit: int = 100
) -> tuple[Study, ...]:
    """Newest first. `before` is the (last_received, uid) of the last row of the page before."""
    query = _studies().order_by(study.c.last_received.desc(), study.c.uid.desc()).limit(limit)
    if states:
        query = query.where(study.c.state.in_(states))
    if before:
        when, uid = before
        query = query.where((study.c.last_received < when) | ((study.c.last_received == when) & (study.c.uid < uid)))
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(_study(connection, row) for row in connection.execute(query).mappings().all())


def find_study(engine: Engine, uid: str) -> Study:
    """Raises `NotFound`."""
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(_studies().where(study.c.uid == uid)).mappings().one_or_none()
        if row is None:
            raise NotFound("no such study", way_out="`dicom-node studies` lists what has been received.")
        return _study(connection, row)


def instances_of(engine: Engine, uid: str) -> tuple[Instance, ...]:
    """Every instance of a study, in the order of series, Instance Number and UID."""
    query = (
        select(instance, series.c.modality)
        .join(series, instance.c.series == series.c.uid)
        .where(series.c.study == uid)
        .order_by(instance.c.series, instance.c.instance_number, instance.c.sop_instance_uid, instance.c.id)
    )
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(_instance(row) for row in connection.execute(query).mappings())


def is_current(engine: Engine, work: Work) -> bool:
    """False once later images, or a person, have asked for newer work on the study."""
    with engine.connect().execution_options(reading=True) as connection:
        return connection.scalar(select(study.c.uid).where(_current(work))) is not None


def move(engine: Engine, work: Work, state: StudyState, reason: str = "") -> bool:
    """Set the state, unless newer work on the study is due. Says whether it was set."""
    with engine.begin() as connection:
        return move_within(connection, work, state, reason)


def move_within(connection: Connection, work: Work, state: StudyState, reason: str = "") -> bool:
    values = {"state": state, "reason": reason}
    return connection.execute(update(study).where(_current(work)).values(values)).rowcount == 1


def queue(engine: Engine, work: Work) -> bool:
    """From receiving to queued, and from nowhere else: the work may already be further on."""
    waiting = _current(work) & (study.c.state == "receiving")
    with engine.begin() as connection:
        return connection.execute(update(study).where(waiting).values(state="queued")).rowcount == 1


def lock(connection: Connection, uid: str) -> None:
    """Whoever else decides about this study waits for this transaction. SQLite has one writer anyway."""
    connection.execute(select(study.c.uid).where(study.c.uid == uid).with_for_update())


def _current(work: Work) -> ColumnElement[bool]:
    return (study.c.uid == work.study_uid) & (study.c.images == work.images) & (study.c.round == work.round)


def read_again(engine: Engine, uid: str) -> None:
    """Start the study's work anew, at once. Raises `NotFound`."""
    again = {"state": "receiving", "reason": "", "round": study.c.round + 1}
    with engine.begin() as connection:
        if connection.execute(update(study).where(study.c.uid == uid).values(again)).rowcount == 0:
            raise NotFound("no such study", way_out="`dicom-node studies` lists what has been received.")


def record(connection: Connection, now: float, name: str, study_uid: str, **fields: object) -> None:
    """Append one event: a fact, with fields that hold no patient data."""
    connection.execute(event.insert().values(at=now, name=name, study=study_uid, fields=json.dumps(fields)))


def events_of(engine: Engine, uid: str) -> tuple[tuple[float, str, dict[str, object]], ...]:
    query = select(event.c.at, event.c.name, event.c.fields).where(event.c.study == uid).order_by(event.c.id)
    with engine.connect().execution_options(reading=True) as connection:
        return tuple((at, name, json.loads(fields)) for at, name, fields in connection.execute(query))


def _studies() -> Select[Any]:
    count = (
        select(func.count(instance.c.id))
        .join(series, instance.c.series == series.c.uid)
        .where(series.c.study == study.c.uid)
        .scalar_subquery()
    )
    return select(study, count.label("instances"))


def _study(connection: Connection, row: RowMapping) -> Study:
    query = select(series.c.modality).where(series.c.study == row["uid"]).distinct().order_by(series.c.modality)
    return Study(
        uid=row["uid"],
        state=row["state"],
        reason=row["reason"],
        instances=row["instances"],
        images=row["images"],
        round=row["round"],
        modalities=tuple(connection.scalars(query)),
        study_date=row["study_date"],
        description=row["description"],
        first_received=row["first_received"],
        last_received=row["last_received"],
    )


def _instance(row: RowMapping) -> Instance:
    return Instance(
        sop_instance_uid=row["sop_instance_uid"],
        sop_class_uid=row["sop_class_uid"],
        series_uid=row["series"],
        modality=row["modality"],
        path=row["path"],
        instance_number=row["instance_number"],
        conflicting=row["conflicting"],
    )
