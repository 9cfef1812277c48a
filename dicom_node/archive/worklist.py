"""The rows of a worklist: a study with its patient, what it holds, its newest reading and its deliveries.

A page of studies costs a fixed number of queries.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, or_, select, update

from dicom_node.archive.outbox import DeliveryState
from dicom_node.archive.studies import StudyState, record
from dicom_node.archive.tables import act, delivery, instance, patient, reading, report, series, study
from dicom_node.errors import NotFound
from medvlm.contract import Reading


@dataclass(frozen=True)
class Standing:
    """The report of a study's newest reading. `decided` are the tracking UIDs of the last save's decisions."""

    reading: Reading
    reading_id: str
    version: int
    state: str
    decided: frozenset[str]

    @property
    def undecided(self) -> int:
        """How many of the model's findings nobody has decided on, while that can still be done."""
        if self.state not in ("draft", "edited"):
            return 0
        return sum(found.tracking_uid not in self.decided for found in self.reading.findings)


@dataclass(frozen=True)
class Entry:
    uid: str
    state: StudyState
    reason: str
    priority: str
    patient: int
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    accession_number: str
    study_date: str
    study_time: str
    description: str
    referring_physician: str
    images: int
    first_received: float
    last_received: float
    instances: int = 0
    modalities: tuple[str, ...] = ()
    report: Standing | None = None
    deliveries: Mapping[DeliveryState, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sought:
    """Which studies. `words` must all occur in name, patient ID, accession number or description."""

    words: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    modality: str = ""


def entries(
    engine: Engine, sought: Sought, *, before: tuple[float, str] | None = None, limit: int = 50
) -> tuple[Entry, ...]:
    """Last received first. `before` is the (last_received, uid) of the last row of the page before."""
    where = [*_matching(sought)]
    if before is not None:
        when, uid = before
        where.append(or_(study.c.last_received < when, and_(study.c.last_received == when, study.c.uid < uid)))
    query = _rows().where(*where).order_by(study.c.last_received.desc(), study.c.uid.desc()).limit(limit)
    return _read(engine, query)


def entry(engine: Engine, uid: str) -> Entry:
    """Raises `NotFound`."""
    for found in _read(engine, _rows().where(study.c.uid == uid)):
        return found
    raise NotFound("no such study", way_out="`dicom-node studies` lists what has been received.")


def some_entries(engine: Engine, uids: Iterable[str]) -> tuple[Entry, ...]:
    """Those of these studies that are there, in any order."""
    return _read(engine, _rows().where(study.c.uid.in_(list(uids))))


def priors(engine: Engine, of: Entry, limit: int = 50) -> tuple[Entry, ...]:
    """The patient's other studies (PatientID and its issuer), newest first."""
    same = and_(study.c.patient == of.patient, study.c.uid != of.uid)
    # Without a patient ID, "the same patient" means nothing.
    if not of.patient_id:
        return ()
    newest = (study.c.study_date.desc(), study.c.study_time.desc(), study.c.uid)
    return _read(engine, _rows().where(same).order_by(*newest).limit(limit))


def set_priority(engine: Engine, uid: str, priority: str, now: float) -> None:
    """Raises `NotFound`."""
    with engine.begin() as connection:
        if connection.execute(update(study).where(study.c.uid == uid).values(priority=priority)).rowcount == 0:
            raise NotFound("no such study", way_out="`dicom-node studies` lists what has been received.")
        record(connection, now, "study.priority", uid, priority=priority)


def _rows() -> Select[Any]:
    return select(study, patient.c.patient_id).join(patient, study.c.patient == patient.c.id)


def _matching(sought: Sought) -> Iterable[ColumnElement[bool]]:
    if sought.states:
        yield study.c.state.in_(sought.states)
    if sought.modality:
        yield study.c.uid.in_(select(series.c.study).where(series.c.modality == sought.modality))
    searched = (study.c.patient_name, patient.c.patient_id, study.c.accession_number, study.c.description)
    for word in sought.words:
        # SQLite knows the case of ASCII letters only.
        spelt = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
        yield or_(*(column.icontains(one, autoescape=True) for column in searched for one in sorted(spelt)))


def _read(engine: Engine, query: Select[Any]) -> tuple[Entry, ...]:
    with engine.connect().execution_options(reading=True) as connection:
        rows = connection.execute(query).mappings().all()
        uids = [row["uid"] for row in rows]
        counts, kinds = _instances(connection, uids), _modalities(connection, uids)
        reports, sent = _standings(connection, uids), _deliveries(connection, uids)
    own = Entry.__dataclass_fields__.keys() & {*study.c.keys(), "patient_id"}
    return tuple(
        Entry(
            **{name: row[name] for name in own},
            instances=counts.get(row["uid"], 0),
            modalities=tuple(kinds[row["uid"]]),
            report=reports.get(row["uid"]),
            deliveries=sent[row["uid"]],
        )
        for row in rows
    )


def _instances(connection: Connection, uids: Sequence[str]) -> dict[str, int]:
    query = (
        select(series.c.study, func.count(instance.c.id))
        .join(instance, instance.c.series == series.c.uid)
        .where(series.c.study.in_(uids))
        .group_by(series.c.study)
    )
    return dict(connection.execute(query).tuples().all())


def _modalities(connection: Connection, uids: Sequence[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    query = select(series.c.study, series.c.modality).where(series.c.study.in_(uids)).distinct()
    for uid, modality in connection.execute(query.order_by(series.c.modality)):
        kinds[uid].append(modality)
    return kinds


def _deliveries(connection: Connection, uids: Sequence[str]) -> dict[str, dict[DeliveryState, int]]:
    counted: dict[str, dict[DeliveryState, int]] = defaultdict(dict)
    query = (
        select(report.c.study, delivery.c.state, func.count())
        .join(report, delivery.c.report == report.c.sop_instance_uid)
        .where(report.c.study.in_(uids))
        .group_by(report.c.study, delivery.c.state)
    )
    for uid, state, count in connection.execute(query):
        counted[uid][state] = count
    return counted


def _standings(connection: Connection, uids: Sequence[str]) -> dict[str, Standing]:
    newest = (
        select(reading.c.study, func.max(reading.c.version).label("version"))
        .where(reading.c.study.in_(uids))
        .group_by(reading.c.study)
        .subquery()
    )
    query = select(reading.c.id, reading.c.study, reading.c.version, reading.c.document).join(
        newest, and_(reading.c.study == newest.c.study, reading.c.version == newest.c.version)
    )
    rows = connection.execute(query).all()
    acts = _acts(connection, [row.id for row in rows])
    return {row.study: _standing(row.id, row.version, row.document, acts[row.id]) for row in rows}


def _acts(connection: Connection, readings: Sequence[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    columns = (act.c.reading, act.c.version, act.c.kind, act.c.state, act.c.document)
    query = select(*columns).where(act.c.reading.in_(readings)).order_by(act.c.number)
    for row in connection.execute(query):
        found[row.reading].append(row)
    return found


def _standing(reading_id: str, version: int, document: str, acts: Sequence[Any]) -> Standing:
    saved: dict[str, Any] = next(
        (json.loads(one.document) for one in reversed(acts) if one.kind == "edit"), {"decisions": []}
    )
    return Standing(
        reading=Reading.model_validate_json(document),
        reading_id=reading_id,
        version=acts[-1].version if acts else version,
        state=acts[-1].state if acts else "draft",
        decided=frozenset(decision["tracking_uid"] for decision in saved["decisions"]),
    )
