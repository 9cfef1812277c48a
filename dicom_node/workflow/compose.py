"""Step 3: write the reading as DICOM objects and put them into the outbox, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydicom import Dataset

from dicom_node.archive import outbox
from dicom_node.archive.readings import Report, ReportKind, StoredReading, find_reading, insert_report, reports_of
from dicom_node.archive.results import write_durably
from dicom_node.archive.studies import Work, move, move_within, record
from dicom_node.report.document import NotReportable
from dicom_node.report.files import to_part10
from dicom_node.report.sr_lint import ReportFailedLint, require_clean
from dicom_node.report.version import Version
from dicom_node.reporting.desk import draft_of, replaced
from dicom_node.workflow.node import Node
from dicom_node.workflow.objects import objects, wanted
from dicom_node.workflow.stops import stop_point

log = structlog.get_logger()


def compose(node: Node, work: Work) -> None:
    """The draft of the work's reading; run again it changes nothing, for every UID comes from the reading.

    When one of its objects cannot be made, or fails our own lint, none is written or sent: the study has failed, and
    says why.
    """
    stop_point("compose.start")
    kept = find_reading(node.engine, work)
    if kept is None:
        raise LookupError("the reading of this work is missing")
    reports = list(composed(node, kept))
    if not reports:
        try:
            made = documents(node, kept)
        except (NotReportable, ReportFailedLint) as error:
            move(node.engine, work, "failed", str(error))
            rules = error.rules if isinstance(error, ReportFailedLint) else []
            log.error("study.failed", study=work.study_uid, reason=error.code, rules=rules)
            return
        reports = [write(node, kept, one) for one in made]
    stop_point("compose.middle")
    commit(node, work, reports)
    stop_point("compose.end")
    log.info("study.drafted", study=work.study_uid, version=kept.version)


@dataclass(frozen=True)
class Made:
    """An object that may leave, and the one that it replaces."""

    kind: ReportKind
    dataset: Dataset
    state: str
    version: int
    predecessor: Report | None


def composed(node: Node, kept: StoredReading) -> tuple[Report, ...]:
    """What was made of this reading before: a commit is whole or not there."""
    found = reports_of(node.engine, kept.reading.study_uid)
    return tuple(one for one in found if one.reading_id == kept.id and one.version == kept.version)


def documents(node: Node, kept: StoredReading) -> list[Made]:
    """Every object of the draft that a peer gets.

    Raises `NotReportable` for what cannot be made, `ReportFailedLint` for an object that must not leave.
    """
    return written(node, kept, Version(draft_of(node.desk, kept)), replaced(node.desk, kept))


def written(node: Node, kept: StoredReading, version: Version, earlier: Mapping[ReportKind, Report]) -> list[Made]:
    """Every object of a version that a peer gets, each with the one before it. Raises as `documents`."""
    made = [
        Made(kind, dataset, version.state, version.number, earlier.get(kind))
        for kind in wanted(node.settings.deliver)
        for dataset in objects(node, kept, version, kind)
    ]
    for one in made:
        require_clean(one.dataset, version.draft.sources)
    return made


def write(node: Node, kept: StoredReading, made: Made) -> Report:
    """To the archive's folder. Its row is the caller's."""
    dataset = made.dataset
    path = result_path(dataset.SOPInstanceUID)
    write_durably(node.root / path, to_part10(dataset), flush=node.settings.archive.flush)
    return Report(
        sop_instance_uid=dataset.SOPInstanceUID,
        study_uid=kept.reading.study_uid,
        reading_id=kept.id,
        kind=made.kind,
        state=made.state,
        version=made.version,
        sop_class_uid=dataset.SOPClassUID,
        series_instance_uid=dataset.SeriesInstanceUID,
        predecessor=made.predecessor.sop_instance_uid if made.predecessor else None,
        path=str(path),
        created=node.clock(),
    )


def result_path(sop_instance_uid: str) -> Path:
    """Our own UIDs are digits and dots only; the last two digits spread them over a hundred folders."""
    return Path("results") / sop_instance_uid[-2:] / f"{sop_instance_uid}.dcm"


def peers_for(node: Node, kind: ReportKind) -> list[str]:
    """Who gets objects of that kind. The narrative stands for the whole report where one message is all."""
    settings = node.settings.deliver
    pacs = [peer.name for peer in settings.peers if kind in peer.objects]
    return [*pacs, *(one.name for one in settings.messengers)] if kind == "narrative" else pacs


def commit(node: Node, work: Work, reports: list[Report]) -> None:
    now = node.clock()
    known = {one.sop_instance_uid for one in reports_of(node.engine, work.study_uid)}
    with node.engine.begin() as connection:
        for report in reports:
            if report.sop_instance_uid not in known:
                insert_report(connection, report)
                outbox.put(connection, report.sop_instance_uid, peers_for(node, report.kind), now)
        move_within(connection, work, "drafted")
        if not known.issuperset(one.sop_instance_uid for one in reports):
            record(connection, now, "study.drafted", work.study_uid, version=reports[0].version)
