"""A report with its history: loaded from the archive, as it is now or as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pydantic import TypeAdapter

from dicom_node.archive.acts import StoredAct, acts_of
from dicom_node.archive.readings import StoredReading, reading_by_id, readings_of
from dicom_node.errors import NotFound
from dicom_node.report.document import Draft
from dicom_node.report.life_cycle import Act, Edit, Person
from dicom_node.report.version import Version
from dicom_node.reporting.desk import Desk, draft_of, followed, predecessor
from dicom_node.reporting.edits import settled

_act: TypeAdapter[Act] = TypeAdapter(Act)


@dataclass(frozen=True)
class OpenReport:
    """The report of one reading. `superseded_by` is the id of the report of a later reading."""

    kept: StoredReading
    stored: tuple[StoredAct, ...]
    desk: Desk
    superseded_by: str | None = None

    @property
    def id(self) -> str:
        return self.kept.id

    @property
    def study_uid(self) -> str:
        return self.kept.reading.study_uid

    @property
    def version(self) -> int:
        """Its number among the versions of the study's reports."""
        return self.stored[-1].version if self.stored else self.kept.version

    @cached_property
    def draft(self) -> Draft:
        """Reads the header of every image that was used: of a CT, hundreds of files."""
        return draft_of(self.desk, self.kept)

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        """Every act as it was saved."""
        return tuple(_act.validate_json(row.document) for row in self.stored)

    @cached_property
    def report(self) -> Version:
        """The version as documents state it. Its predecessors are the documents that were sent before."""
        return self.with_acts(self.acts, self.version)

    @property
    def last_edit(self) -> Edit | None:
        """What a save now would replace."""
        return next((act for act in reversed(self.acts) if isinstance(act, Edit)), None)

    def with_acts(self, acts: Sequence[Act], number: int) -> Version:
        """The version after these acts. Raises `IllegalTransition`."""
        done = settled(acts)
        before = tuple(predecessor(one) for one in followed(self.desk, self.kept, number).values()) if done else ()
        return Version(self.draft, done, before, number)

    def as_of(self, version: int) -> OpenReport:
        """As it was in that version. Raises `NotFound`."""
        earlier = replace(self, stored=tuple(row for row in self.stored if row.version <= version))
        if earlier.version != version:
            raise NotFound("this report has no such version", way_out="`GET …/versions` lists them.")
        return earlier

    def person(self, row: StoredAct) -> Person:
        return self.acts[self.stored.index(row)].person


def open_report(desk: Desk, report_id: str) -> OpenReport:
    """Raises `NotFound`."""
    kept = reading_by_id(desk.engine, report_id)
    if kept is None:
        raise NotFound("no such report", way_out="`GET /api/v1/studies/{uid}/reports` lists a study's.")
    return next(one for one in reports_of_study(desk, kept.reading.study_uid) if one.id == report_id)


def reports_of_study(desk: Desk, study_uid: str) -> tuple[OpenReport, ...]:
    """The newest reading's first."""
    kept = readings_of(desk.engine, study_uid)
    with desk.engine.connect().execution_options(reading=True) as connection:
        return tuple(
            OpenReport(one, acts_of(connection, one.id), desk, kept[0].id if index else None)
            for index, one in enumerate(kept)
        )
