"""QIDO-RS: searching studies, series and instances (PS3.18 section 10.6)."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, RowMapping, Select, func, select

from dicom_node.api.dicomweb.elements import (
    DEFAULT_INSTANCE_FIELDS,
    DEFAULT_SERIES_FIELDS,
    SERIES_FIELDS,
    STUDY_FIELDS,
    Element,
    Json,
    element,
    first_text,
    study_elements,
)
from dicom_node.api.dicomweb.matching import know_unicode, study_condition, values_match
from dicom_node.api.dicomweb.query import Level, Query
from dicom_node.archive.dicom_json import INSTANCE
from dicom_node.archive.series_metadata import SeriesMetadata, read_tags
from dicom_node.archive.served import OTHER, RESULT_MODALITIES, Audience, Served, by_series, is_received, served
from dicom_node.archive.tables import instance, patient, report, series, study

MOST: Final[dict[Level, int]] = {"study": 1000, "series": 1000, "instance": 10_000}
BATCH: Final = 100


@dataclass(frozen=True)
class Page:
    """`remaining` counts what more could be asked for; -1: some, uncounted."""

    results: tuple[Json, ...]
    remaining: int


@dataclass(frozen=True)
class Contents:
    """What a study holds, as far as the audience may see it."""

    series: int
    instances: int
    modalities: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """`url` is the address of the DICOMweb service, without a slash at its end."""

    engine: Engine
    root: Path
    metadata: SeriesMetadata
    audience: Audience
    url: str

    def studies(self, query: Query) -> Page:
        limit = _limit(query, "study")
        condition = study_condition(query, self.audience)
        with self.engine.connect().execution_options(reading=True) as connection:
            know_unicode(connection)
            rows = list(connection.execute(_page(condition, limit + 1, query.offset)).mappings())
            remaining = 0
            if len(rows) > limit:
                counted = select(func.count()).select_from(study.join(patient)).where(condition)
                remaining = connection.execute(counted).scalar_one() - query.offset - limit
            contents = _contents(connection, [row["uid"] for row in rows[:limit]], self.audience)
        return Page(tuple(self._study(row, contents, query) for row in rows[:limit]), remaining)

    def series(self, query: Query, study_uid: str | None) -> Page:
        return _cut(self._series(query, study_uid), query, "series")

    def instances(self, query: Query, study_uid: str | None, series_uid: str | None) -> Page:
        return _cut(self._instances(query, study_uid, series_uid), query, "instance")

    def _study(self, row: RowMapping, contents: Mapping[str, Contents], query: Query) -> Json:
        uid = row["uid"]
        found = study_elements(row, f"{self.url}/studies/{uid}")
        held = contents.get(uid, Contents(0, 0, ()))
        found[0x00080061] = element("CS", *held.modalities)
        found[0x00201206] = element("IS", held.series)
        found[0x00201208] = element("IS", held.instances)
        more = query.fields | (STUDY_FIELDS if query.all_fields else frozenset())
        if missing := more - found.keys():
            instances = served(self.engine, uid, audience=self.audience)
            found = (self._read(instances[0], missing) if instances else {}) | found
        return _json(found)

    def _series(self, query: Query, study_uid: str | None) -> Iterator[Json]:
        tags = DEFAULT_SERIES_FIELDS | query.fields | (SERIES_FIELDS if query.all_fields else frozenset())
        for row in self._study_rows(query, study_uid):
            above = study_elements(row, "") if study_uid is None else {}
            for uid, instances in by_series(served(self.engine, row["uid"], audience=self.audience)).items():
                found = self._series_elements(uid, instances, tags)
                if _matches(found, query, "series"):
                    yield _json(above | found)

    def _series_elements(self, uid: str, instances: Sequence[Served], tags: frozenset[int]) -> dict[int, Element]:
        """Of a series of results, as its newest says."""
        study_uid = instances[0].study_uid
        says = instances[-1] if instances[-1].is_result else instances[0]
        return self._read(says, tags) | {
            0x00080005: element("CS", "ISO_IR 192"),
            0x00080056: element("CS", "ONLINE"),
            0x00081190: element("UR", f"{self.url}/studies/{study_uid}/series/{uid}"),
            0x0020000D: element("UI", study_uid),
            0x0020000E: element("UI", uid),
            0x00201209: element("IS", len(instances)),
        }

    def _instances(self, query: Query, study_uid: str | None, series_uid: str | None) -> Iterator[Json]:
        needs_series = bool(query.at("series")) or series_uid is None
        for row in self._study_rows(query, study_uid):
            above = study_elements(row, "") if study_uid is None else {}
            for uid, instances in by_series(
                served(self.engine, row["uid"], series_uid, audience=self.audience)
            ).items():
                around = self._series_elements(uid, instances, DEFAULT_SERIES_FIELDS) if needs_series else {}
                if _matches(around, query, "series"):
                    yield from self._instances_of(instances, above | around, query)

    def _instances_of(self, instances: Sequence[Served], around: dict[int, Element], query: Query) -> Iterator[Json]:
        text = gzip.decompress(self.metadata.json(instances)).replace(INSTANCE.encode(), self.url.encode())
        wanted = DEFAULT_INSTANCE_FIELDS | query.fields
        for one, found in zip(instances, json.loads(text), strict=True):
            elements = {int(tag, 16): value for tag, value in found.items()}
            if _matches(elements, query, "instance"):
                chosen = {tag: value for tag, value in elements.items() if query.all_fields or tag in wanted}
                yield _json(around | chosen | self._instance_elements(one))

    def _instance_elements(self, one: Served) -> dict[int, Element]:
        url = f"{self.url}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_instance_uid}"
        return {
            0x00080005: element("CS", "ISO_IR 192"),
            0x00080056: element("CS", "ONLINE"),
            0x00081190: element("UR", url),
        }

    def _study_rows(self, query: Query, study_uid: str | None) -> Iterator[RowMapping]:
        """The studies to look into, a batch at a time."""
        condition = study_condition(query, self.audience)
        if study_uid is not None:
            condition = condition & (study.c.uid == study_uid)
        for begin in itertools.count(0, BATCH):
            with self.engine.connect().execution_options(reading=True) as connection:
                know_unicode(connection)
                rows = list(connection.execute(_page(condition, BATCH, begin)).mappings())
            yield from rows
            if len(rows) < BATCH:
                return

    def _read(self, one: Served, tags: frozenset[int]) -> dict[int, Element]:
        found = read_tags(self.root, one, sorted(tags))
        return {tag: value for tag, value in found.items() if "BulkDataURI" not in value}


def _page(condition: Any, limit: int, offset: int) -> Select[Any]:
    """The last received first."""
    return (
        select(study, patient.c.patient_id, patient.c.issuer)
        .join(patient, study.c.patient == patient.c.id)
        .where(condition)
        .order_by(study.c.last_received.desc(), study.c.uid.desc())
        .limit(limit)
        .offset(offset)
    )


def _contents(connection: Connection, studies: Sequence[str], audience: Audience) -> dict[str, Contents]:
    received = (
        select(series.c.study, series.c.uid, series.c.modality, func.count(instance.c.id))
        .join(instance, instance.c.series == series.c.uid)
        .where(series.c.study.in_(studies), is_received())
        .group_by(series.c.uid, series.c.study, series.c.modality)
    )
    results = (
        select(report.c.study, report.c.series_instance_uid, report.c.sop_class_uid, func.count())
        .where(report.c.study.in_(studies), audience.may_see())
        .group_by(report.c.study, report.c.series_instance_uid, report.c.sop_class_uid)
    )
    rows = [tuple(row) for row in connection.execute(received)]
    rows += [
        (uid, within, RESULT_MODALITIES.get(sop_class, OTHER), count)
        for uid, within, sop_class, count in connection.execute(results)
    ]
    return {
        uid: Contents(
            series=len({within for where, within, _, _ in rows if where == uid}),
            instances=sum(count for where, _, _, count in rows if where == uid),
            modalities=tuple(sorted({modality for where, _, modality, _ in rows if where == uid and modality})),
        )
        for uid in {row[0] for row in rows}
    }


def _matches(found: Mapping[int, Element], query: Query, level: Level) -> bool:
    return all(
        values_match(attribute, values, first_text(found.get(attribute.tag)))
        for attribute, values in query.at(level).items()
    )


def _cut(results: Iterator[Json], query: Query, level: Level) -> Page:
    limit = _limit(query, level)
    found = list(itertools.islice(results, query.offset, query.offset + limit + 1))
    return Page(tuple(found[:limit]), -1 if len(found) > limit else 0)


def _limit(query: Query, level: Level) -> int:
    return MOST[level] if query.limit is None else min(query.limit, MOST[level])


def _json(elements: Mapping[int, Element]) -> Json:
    return {f"{tag:08X}": elements[tag] for tag in sorted(elements)}
