"""A person acts on a report. Nothing is stored that could not be written as documents and pass our own lint."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import structlog
from sqlalchemy.engine import Connection

from dicom_node.archive.acts import StoredAct, acts_of, insert_act, next_version
from dicom_node.archive.studies import lock, record
from dicom_node.errors import Edge, NodeError
from dicom_node.report.findings import findings_sr
from dicom_node.report.life_cycle import Act, Addend, Edit, Sign, after
from dicom_node.report.narrative import narrative_sr
from dicom_node.report.sr_lint import require_clean
from dicom_node.report.statements import content
from dicom_node.report.version import Version
from dicom_node.reporting.desk import Desk
from dicom_node.reporting.history import OpenReport, open_report
from medvlm.contract import Reading

log = structlog.get_logger()


class StaleVersion(NodeError):
    """Somebody saved the report in between."""

    code: ClassVar[str] = "stale_version"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=412, exit=3)

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__("the report has changed since it was read", way_out="Read it again, then decide.")


class ReportSuperseded(NodeError):
    """More images came, or the study was read again: this draft is no longer the one to work on."""

    code: ClassVar[str] = "report_superseded"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=409, exit=3)


class Undecided(NodeError):
    """A signature waits until every finding is decided."""

    code: ClassVar[str] = "undecided_findings"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=409, exit=2)

    def __init__(self, tracking_uids: tuple[str, ...]) -> None:
        self.tracking_uids = tracking_uids
        super().__init__(
            f"{len(tracking_uids)} of the model's findings are not decided", way_out="Accept, change or reject each."
        )


def undecided(reading: Reading, last: Edit | None) -> tuple[str, ...]:
    """Tracking UIDs of the model's findings that the last saved edit neither accepts, changes nor rejects."""
    decided = {it.tracking_uid for it in last.decisions} if last else set()
    return tuple(it.tracking_uid for it in reading.findings if it.tracking_uid not in decided)


Witness = Callable[[Connection], None]
"""Called last in the act's own transaction: what it raises undoes the act."""


def perform(desk: Desk, report_id: str, based_on: int, act: Act, witness: Witness | None = None) -> OpenReport:
    """Store the act on the version that the person saw, and return the report after it.

    Raises `NotFound`, `StaleVersion`, `ReportSuperseded`, `IllegalTransition`, `Undecided`, `NotReportable` and
    `ReportFailedLint`; then nothing is stored. An edit that changes nothing is not stored either.
    """
    seen = open_report(desk, report_id)
    _require_current(seen, based_on, act)
    after(seen.report.state, act)
    if isinstance(act, Edit) and _changes_nothing(seen, act):
        return seen
    if isinstance(act, Sign) and (waiting := undecided(seen.kept.reading, seen.last_edit)):
        raise Undecided(waiting)
    act = _not_before(seen, act)
    _require_writable(seen, seen.with_acts((*seen.acts, act), based_on + 1))
    with desk.engine.begin() as connection:
        lock(connection, seen.study_uid)
        now_stored = acts_of(connection, report_id)
        if now_stored != seen.stored:
            raise StaleVersion(now_stored[-1].version)
        row = _row(seen, act, next_version(connection, seen.study_uid), desk.clock())
        insert_act(connection, row)
        record(connection, row.created, f"report.{row.kind}", seen.study_uid, report=report_id, version=row.version)
        if witness is not None:
            witness(connection)
    log.info(f"report.{row.kind}", study=seen.study_uid, version=row.version)
    return open_report(desk, report_id)


def _require_current(seen: OpenReport, based_on: int, act: Act) -> None:
    if seen.version != based_on:
        raise StaleVersion(seen.version)
    if seen.superseded_by is not None and not isinstance(act, Addend):
        raise ReportSuperseded(
            "the study has been read again since, with what came later", way_out="Work on the newest report."
        )


def _changes_nothing(seen: OpenReport, edit: Edit) -> bool:
    before = seen.last_edit
    if before is None:
        return not edit.decisions and edit.narrative is None
    return (before.decisions, before.narrative) == (edit.decisions, edit.narrative)


def _not_before(seen: OpenReport, act: Act) -> Act:
    """A clock that was set back must not make an act unsortable: it is then as late as the one before."""
    latest = max([seen.kept.reading.created, *(one.at for one in seen.acts)])
    return act.model_copy(update={"at": max(act.at, latest)})


def _require_writable(seen: OpenReport, version: Version) -> None:
    content(version)
    for written in (findings_sr(version), narrative_sr(version)):
        require_clean(written, seen.draft.sources)


def _row(seen: OpenReport, act: Act, version: int, now: float) -> StoredAct:
    state = seen.with_acts((*seen.acts, act), version).state
    return StoredAct(
        reading_id=seen.id,
        number=len(seen.stored) + 1,
        study_uid=seen.study_uid,
        version=version,
        kind=act.kind,
        state=state,
        person_id=act.person.id,
        person_name=act.person.name,
        document=act.model_dump_json(),
        created=now,
    )
