"""Readings and the reports made of them. Written once, never changed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, RowMapping, select
from sqlalchemy.engine import Connection

from dicom_node.archive.acts import next_version
from dicom_node.archive.studies import Work, lock
from dicom_node.archive.tables import reading, report
from dicom_node.settings import ResultObject
from medvlm.contract import Reading, StudyInput

ReportKind = ResultObject


@dataclass(frozen=True)
class StoredReading:
    id: str
    version: int
    images: int
    study_input: StudyInput
    reading: Reading


@dataclass(frozen=True)
class Report:
    sop_instance_uid: str
    study_uid: str
    reading_id: str
    kind: ReportKind
    state: str
    version: int
    sop_class_uid: str
    series_instance_uid: str
    predecessor: str | None
    path: str
    created: float


def store_reading(engine: Engine, work: Work, read: StudyInput, made: Reading, now: float) -> StoredReading:
    """Keep the reading under its work's key; when that work has one already, that one is returned."""
    with engine.begin() as connection:
        lock(connection, work.study_uid)
        kept = _by_id(connection, work.key)
        if kept is not None:
            return kept
        version = next_version(connection, work.study_uid)
        row = {
            "id": work.key,
            "study": work.study_uid,
            "version": version,
            "images": work.images,
            "model_digest": made.model.digest,
            "study_input": read.model_dump_json(),
            "document": made.model_dump_json(),
            "created": now,
        }
        connection.execute(reading.insert().values(row))
    return StoredReading(work.key, version, work.images, read, made)


def find_reading(engine: Engine, work: Work) -> StoredReading | None:
    with engine.connect().execution_options(reading=True) as connection:
        return _by_id(connection, work.key)


def reading_by_id(engine: Engine, reading_id: str) -> StoredReading | None:
    with engine.connect().execution_options(reading=True) as connection:
        return _by_id(connection, reading_id)


def latest_reading(engine: Engine, study_uid: str) -> StoredReading | None:
    query = select(reading).where(reading.c.study == study_uid).order_by(reading.c.version.desc()).limit(1)
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(query).mappings().one_or_none()
        return _reading(row) if row else None


def readings_of(engine: Engine, study_uid: str) -> tuple[StoredReading, ...]:
    """Every reading of a study, newest first."""
    query = select(reading).where(reading.c.study == study_uid).order_by(reading.c.version.desc())
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(_reading(row) for row in connection.execute(query).mappings())


def reports_of(engine: Engine, study_uid: str) -> tuple[Report, ...]:
    """Every report of a study, oldest version first."""
    query = select(report).where(report.c.study == study_uid).order_by(report.c.version, report.c.kind)
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(_report(row) for row in connection.execute(query).mappings())


def find_report(engine: Engine, sop_instance_uid: str) -> Report | None:
    query = select(report).where(report.c.sop_instance_uid == sop_instance_uid)
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(query).mappings().one_or_none()
        return _report(row) if row else None


def insert_report(connection: Connection, made: Report) -> None:
    values = {**made.__dict__, "study": made.study_uid, "reading": made.reading_id}
    del values["study_uid"], values["reading_id"]
    connection.execute(report.insert().values(values))


def _by_id(connection: Connection, key: str) -> StoredReading | None:
    row = connection.execute(select(reading).where(reading.c.id == key)).mappings().one_or_none()
    return _reading(row) if row else None


def _reading(row: RowMapping) -> StoredReading:
    return StoredReading(
        id=row["id"],
        version=row["version"],
        images=row["images"],
        study_input=StudyInput.model_validate_json(row["study_input"]),
        reading=Reading.model_validate_json(row["document"]),
    )


def _report(row: RowMapping) -> Report:
    renamed = {"study": "study_uid", "reading": "reading_id"}
    return Report(**{renamed.get(key, key): value for key, value in row.items()})
