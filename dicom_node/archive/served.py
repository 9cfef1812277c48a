"""What the archive shows to others: received instances and the node's own result objects, as one PACS would.

Every result is there, drafts and verified ones, each version: the newest in a series describes the series. Of two
contents under one UID only the first received is served. A result that came back from a peer is the node's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import ColumnElement, Engine, Select, and_, exists, false, literal, select, true, union_all

from dicom_node.archive.tables import instance, own_read, reading, report, series

# Of the classes that the node writes (`dicom_node.report`); modality as in their series (PS3.3 C.7.3.1.1.1).
RESULT_MODALITIES: Final = {
    "1.2.840.10008.5.1.4.1.1.88.11": "SR",
    "1.2.840.10008.5.1.4.1.1.88.22": "SR",
    "1.2.840.10008.5.1.4.1.1.88.33": "SR",
    "1.2.840.10008.5.1.4.1.1.88.34": "SR",
    "1.2.840.10008.5.1.4.1.1.88.59": "KO",
    "1.2.840.10008.5.1.4.1.1.11.1": "PR",
    "1.2.840.10008.5.1.4.1.1.104.1": "DOC",
}
OTHER: Final = "OT"


@dataclass(frozen=True)
class Audience:
    """Who looks. `before_own_read` is the person who may see no draft of a reading before reading the study too."""

    before_own_read: str | None = None

    def may_see(self) -> ColumnElement[bool]:
        """The condition on `report`. What is signed is a person's word; an own read opens drafts up to its own."""
        if self.before_own_read is None:
            return true()
        drafted, own = reading.alias("drafted"), reading.alias("own")
        opened = (
            select(own_read.c.reading)
            .join(own, own.c.id == own_read.c.reading)
            .join(drafted, (drafted.c.study == own.c.study) & (drafted.c.version <= own.c.version))
            .where(drafted.c.id == report.c.reading, own_read.c.person_id == self.before_own_read)
        )
        return report.c.state.not_in(("draft", "edited")) | exists(opened)


EVERYONE: Final = Audience()


@dataclass(frozen=True)
class Served:
    """One instance. `path` is relative to the archive's root."""

    study_uid: str
    series_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    path: str
    number: int
    is_result: bool


def served(
    engine: Engine,
    study_uid: str,
    series_uid: str | None = None,
    sop_instance_uid: str | None = None,
    audience: Audience = EVERYONE,
) -> tuple[Served, ...]:
    """The instances of a study, of one of its series, or one of them; by series, then Instance Number, then UID.

    Results are in the order in which they were made.
    """
    query = union_all(
        _received(study_uid, series_uid, sop_instance_uid), _results(study_uid, series_uid, sop_instance_uid, audience)
    )
    with engine.connect().execution_options(reading=True) as connection:
        rows = [Served(*row) for row in connection.execute(query)]
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(row.series_uid, len(order))
    return tuple(sorted(rows, key=lambda row: order[row.series_uid]))


def is_received() -> ColumnElement[bool]:
    """The condition on `instance`."""
    own = exists(select(report.c.sop_instance_uid).where(report.c.sop_instance_uid == instance.c.sop_instance_uid))
    return and_(instance.c.conflicting == false(), ~own)


def _received(study_uid: str, series_uid: str | None, sop_instance_uid: str | None) -> Select[Any]:
    query = (
        select(
            series.c.study,
            series.c.uid,
            instance.c.sop_instance_uid,
            instance.c.sop_class_uid,
            instance.c.transfer_syntax_uid,
            instance.c.path,
            instance.c.instance_number,
            false().label("result"),
        )
        .join(instance, instance.c.series == series.c.uid)
        .where(series.c.study == study_uid, is_received())
    )
    if series_uid is not None:
        query = query.where(series.c.uid == series_uid)
    if sop_instance_uid is not None:
        return query.where(instance.c.sop_instance_uid == sop_instance_uid)
    # A compound select takes an order only from a subquery.
    ordered = query.order_by(series.c.uid, instance.c.instance_number, instance.c.sop_instance_uid).subquery()
    return select(ordered)


def _results(study_uid: str, series_uid: str | None, sop_instance_uid: str | None, audience: Audience) -> Select[Any]:
    query = select(
        report.c.study,
        report.c.series_instance_uid,
        report.c.sop_instance_uid,
        report.c.sop_class_uid,
        literal(str(ExplicitVRLittleEndian)),
        report.c.path,
        report.c.version,
        true().label("result"),
    ).where(report.c.study == study_uid, audience.may_see())
    if series_uid is not None:
        query = query.where(report.c.series_instance_uid == series_uid)
    if sop_instance_uid is not None:
        return query.where(report.c.sop_instance_uid == sop_instance_uid)
    ordered = query.order_by(report.c.created, report.c.version, report.c.sop_instance_uid).subquery()
    return select(ordered)


def by_series(instances: Sequence[Served]) -> dict[str, tuple[Served, ...]]:
    found: dict[str, list[Served]] = {}
    for one in instances:
        found.setdefault(one.series_uid, []).append(one)
    return {uid: tuple(rows) for uid, rows in found.items()}
