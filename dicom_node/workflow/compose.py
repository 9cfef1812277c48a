"""Step 3: write the reading as DICOM objects and put them into the outbox, in one transaction."""

from __future__ import annotations

from pathlib import Path

import structlog
from pydicom import Dataset, dcmread

from dicom_node.archive import outbox
from dicom_node.archive.readings import Report, ReportKind, StoredReading, find_reading, insert_report, reports_of
from dicom_node.archive.results import write_durably
from dicom_node.archive.studies import Work, instances_of, move_within, record
from dicom_node.report.document import Draft, Predecessor
from dicom_node.report.files import to_part10
from dicom_node.report.findings import findings_sr
from dicom_node.report.narrative import narrative_sr
from dicom_node.workflow.node import Node
from dicom_node.workflow.stops import stop_point

log = structlog.get_logger()

COMPOSERS = {"findings": findings_sr, "narrative": narrative_sr}


def compose(node: Node, work: Work) -> None:
    """The draft of the work's reading; run again it changes nothing, for every UID comes from the reading."""
    stop_point("compose.start")
    kept = find_reading(node.engine, work)
    if kept is None:
        raise LookupError("the reading of this work is missing")
    reports = [write(node, kept, kind) for kind in ("findings", "narrative")]
    stop_point("compose.middle")
    commit(node, work, reports)
    stop_point("compose.end")
    log.info("study.drafted", study=work.study_uid, version=kept.version)


def write(node: Node, kept: StoredReading, kind: ReportKind) -> Report:
    earlier = [
        one
        for one in reports_of(node.engine, kept.reading.study_uid)
        if one.kind == kind and one.version < kept.version
    ]
    draft = Draft(
        reading=kept.reading,
        sources=sources(node, kept),
        version=kept.version,
        predecessors=tuple(
            Predecessor(one.sop_class_uid, one.sop_instance_uid, one.series_instance_uid) for one in earlier[-1:]
        ),
        equipment=node.equipment,
    )
    document = COMPOSERS[kind](draft)
    path = result_path(document.SOPInstanceUID)
    write_durably(node.root / path, to_part10(document), flush=node.settings.archive.flush)
    return Report(
        sop_instance_uid=document.SOPInstanceUID,
        study_uid=kept.reading.study_uid,
        reading_id=kept.id,
        kind=kind,
        state="draft",
        version=kept.version,
        sop_class_uid=document.SOPClassUID,
        series_instance_uid=document.SeriesInstanceUID,
        predecessor=earlier[-1].sop_instance_uid if earlier else None,
        path=str(path),
        created=node.clock(),
    )


def result_path(sop_instance_uid: str) -> Path:
    """Our own UIDs are digits and dots only; the last two digits spread them over a hundred folders."""
    return Path("results") / sop_instance_uid[-2:] / f"{sop_instance_uid}.dcm"


def sources(node: Node, kept: StoredReading) -> tuple[Dataset, ...]:
    """Headers of the images that the reading used, as received."""
    paths = {
        one.sop_instance_uid: one.path
        for one in instances_of(node.engine, kept.reading.study_uid)
        if not one.conflicting
    }
    used = [image.sop_instance_uid for image in kept.reading.images]
    return tuple(dcmread(node.root / paths[uid], stop_before_pixels=True, force=True) for uid in used)


def commit(node: Node, work: Work, reports: list[Report]) -> None:
    peers = [peer.name for peer in node.settings.deliver.peers]
    now = node.clock()
    known = {one.sop_instance_uid for one in reports_of(node.engine, work.study_uid)}
    with node.engine.begin() as connection:
        for report in reports:
            if report.sop_instance_uid not in known:
                insert_report(connection, report)
                outbox.put(connection, report.sop_instance_uid, peers, now)
        move_within(connection, work, "drafted")
        if not known.issuperset(one.sop_instance_uid for one in reports):
            record(connection, now, "study.drafted", work.study_uid, version=reports[0].version)
