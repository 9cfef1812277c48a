"""Matching (PS3.4 C.2.2.2): of studies as conditions in SQL, of series and instances on their values.

Names match whatever their case, and in any of their component groups; texts match in their case unless they hold a
wildcard.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Text, and_, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlalchemy.sql.functions import GenericFunction

from dicom_node.api.dicomweb.query import Attribute, Query
from dicom_node.archive.served import OTHER, RESULT_MODALITIES, Audience
from dicom_node.archive.tables import instance, patient, report, series, study

Column = SQLCoreOperations[Any]
ESCAPE: Final = "\x1b"
COLUMNS: Final[dict[str, Column]] = {
    "StudyInstanceUID": study.c.uid,
    "StudyDate": study.c.study_date,
    "StudyTime": study.c.study_time,
    "AccessionNumber": study.c.accession_number,
    "ReferringPhysicianName": study.c.referring_physician,
    "StudyDescription": study.c.description,
    "PatientName": study.c.patient_name,
    "PatientID": patient.c.patient_id,
    "IssuerOfPatientID": patient.c.issuer,
    "PatientBirthDate": study.c.patient_birth_date,
    "PatientSex": study.c.patient_sex,
    "StudyID": study.c.study_id,
}


class folded(GenericFunction[str]):  # noqa: N801 - SQL functions are written small
    """A text in lower case, in every script: neither database does that for more than ASCII unless it is told."""

    type = Text()
    inherit_cache = True


@compiles(folded, "postgresql")
def _by_icu(element: folded, compiler: SQLCompiler, **more: Any) -> str:
    return f'lower(({compiler.process(element.clauses, **more)}) COLLATE "und-x-icu")'


def know_unicode(connection: Connection) -> None:
    """Gives an SQLite connection the function `folded`."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("folded", 1, lambda text: text.lower() if isinstance(text, str) else text)


def study_condition(query: Query, audience: Audience) -> ColumnElement[bool]:
    """What a study must be to be found, or to hold what is asked for below it."""
    conditions = [_study_match(attribute, values, audience) for attribute, values in query.at("study").items()]
    for attribute, values in (query.at("series") | query.at("instance")).items():
        holds = HOLDS.get(attribute.keyword)
        if holds is not None:
            conditions.append(holds(values, audience))
    return and_(true(), *conditions)


def _study_match(attribute: Attribute, values: tuple[str, ...], audience: Audience) -> ColumnElement[bool]:
    if attribute.keyword == "ModalitiesInStudy":
        return _has_modality(values, audience)
    column = COLUMNS[attribute.keyword]
    if attribute.kind in ("uid", "code"):
        return column.in_(values)
    return _MATCHERS[attribute.kind](column, values[0])


def _text(column: Column, value: str) -> ColumnElement[bool]:
    return _like(column, value) if _is_pattern(value) else column == value


def _name(column: Column, value: str) -> ColumnElement[bool]:
    """Groups of components are apart at "=", and any of them may match (PS3.4 C.2.2.2.1)."""
    wanted = value.rstrip("^")
    return or_(*(_like(column, pattern) for pattern in (wanted, f"{wanted}=*", f"*={wanted}", f"*={wanted}=*")))


def _range(column: Column, value: str) -> ColumnElement[bool]:
    low, dash, high = value.partition("-")
    if not dash:
        return column.like(f"{low}%")  # a time to the minute holds its seconds
    bounds = [column != ""]
    if low:
        bounds.append(column >= low)
    if high:
        bounds.append(column <= f"{high}~")  # "~" sorts behind every digit: 10 holds 1059
    return and_(*bounds)


_MATCHERS: Final[dict[str, Callable[[Column, str], ColumnElement[bool]]]] = {
    "text": _text,
    "name": _name,
    "date": _range,
    "time": _range,
}


def _like(column: Column, pattern: str) -> ColumnElement[bool]:
    escaped = re.sub(rf"[%_{ESCAPE}]", lambda met: ESCAPE + met[0], pattern.lower())
    return folded(column).like(escaped.replace("*", "%").replace("?", "_"), escape=ESCAPE)


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value


def _has_modality(values: tuple[str, ...], audience: Audience) -> ColumnElement[bool]:
    received = select(series.c.study).where(series.c.modality.in_(values))
    known = [uid for uid, modality in RESULT_MODALITIES.items() if modality in values]
    of_results: ColumnElement[bool] = report.c.sop_class_uid.in_(known)
    if OTHER in values:
        of_results = of_results | report.c.sop_class_uid.not_in(list(RESULT_MODALITIES))
    results = select(report.c.study).where(of_results, audience.may_see())
    return study.c.uid.in_(received) | study.c.uid.in_(results)


def _has_series(values: tuple[str, ...], _audience: Audience) -> ColumnElement[bool]:
    received = select(series.c.study).where(series.c.uid.in_(values))
    results = select(report.c.study).where(report.c.series_instance_uid.in_(values))
    return study.c.uid.in_(received) | study.c.uid.in_(results)


def _has_instance(values: tuple[str, ...], _audience: Audience) -> ColumnElement[bool]:
    of = series.join(instance, instance.c.series == series.c.uid)
    received = select(series.c.study).select_from(of).where(instance.c.sop_instance_uid.in_(values))
    results = select(report.c.study).where(report.c.sop_instance_uid.in_(values))
    return study.c.uid.in_(received) | study.c.uid.in_(results)


# They only spare looking into studies that cannot hold a match: series and instances are matched for themselves.
HOLDS: Final[dict[str, Callable[[tuple[str, ...], Audience], ColumnElement[bool]]]] = {
    "Modality": _has_modality,
    "SeriesInstanceUID": _has_series,
    "SOPInstanceUID": _has_instance,
}


def values_match(attribute: Attribute, wanted: tuple[str, ...], found: str) -> bool:
    """Whether a value of a series or an instance is what is asked for."""
    if attribute.kind in ("uid", "code"):
        return found in wanted
    if attribute.kind == "integer":
        return _same_number(wanted[0], found)
    pattern = wanted[0].lower().replace("[", "[[]")
    return fnmatch.fnmatchcase(found.lower(), pattern) if _is_pattern(wanted[0]) else found == wanted[0]


def _same_number(wanted: str, found: str) -> bool:
    try:
        return int(wanted) == int(found)
    except ValueError:
        return False
