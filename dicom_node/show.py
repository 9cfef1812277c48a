"""What the index says, for a person at the shell or for a program (`--json`)."""

from __future__ import annotations

import json
import sys
from datetime import datetime

from rich.console import Console
from rich.table import Table

from dicom_node.archive import outbox
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import latest_reading, reports_of
from dicom_node.archive.studies import Study, find_study, list_studies
from dicom_node.settings import Settings
from medvlm.contract import Reading, Refusal
from medvlm.vocabulary import term


def studies(settings: Settings, *, limit: int, as_json: bool) -> None:
    engine = open_engine(settings.database_url)
    migrate(engine)
    found = list_studies(engine, limit=limit)
    if as_json:
        for study_row in found:
            print(json.dumps(_summary(study_row)))
        return
    if not found:
        print("No study has been received yet. `dicom-node send FILE` sends one.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("received", "state", "modality", "instances", "study", "reason"):
        table.add_column(column, no_wrap=column == "study", justify="right" if column == "instances" else "left")
    for row in found:
        table.add_row(
            _clock(row.last_received), row.state, " ".join(row.modalities), str(row.instances), row.uid, row.reason
        )
    # A UID that is cut or folded cannot be copied: a pipe gets a width that holds it.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def study(settings: Settings, uid: str, *, as_json: bool) -> None:
    """Raises `NotFound`."""
    engine = open_engine(settings.database_url)
    migrate(engine)
    found = find_study(engine, uid)
    kept = latest_reading(engine, uid)
    reports, deliveries = reports_of(engine, uid), outbox.of_study(engine, uid)
    if as_json:
        document = _summary(found) | {
            "reading": kept.reading.model_dump(mode="json") if kept else None,
            "reports": [report.__dict__ for report in reports],
            "deliveries": [delivery.__dict__ for delivery in deliveries],
        }
        print(json.dumps(document))
        return
    console = Console()
    console.print(f"[bold]{found.uid}[/bold]  {found.state}{': ' + found.reason if found.reason else ''}")
    console.print(
        f"{' '.join(found.modalities)}, {found.instances} instances, last received {_clock(found.last_received)}"
    )
    if kept:
        print_reading(console, kept.reading)
    for report in reports:
        own = (one for one in deliveries if one.report == report.sop_instance_uid)
        sent = "; ".join(f"{one.peer}: {one.state} {one.reason}".strip() for one in own)
        console.print(f"{report.kind} {report.version}, {report.state}, not verified: {sent or 'no peer is set'}")


def print_reading(console: Console, reading: Reading) -> None:
    """Findings with probability, or the refusal in words."""
    if isinstance(reading.scope, Refusal):
        console.print(f"Not read: {reading.scope.reason}")
    else:
        console.print("[bold]AI-generated, not verified[/bold]")
        for finding in reading.findings:
            line = f"  {term(finding.name).display:<22}{finding.presence:<14}{100 * finding.probability:5.1f} %"
            console.print(line, style="bold" if finding.presence == "present" else None, highlight=False)
        if reading.not_assessed:
            console.print("  Not assessed: " + ", ".join(term(name).display.lower() for name in reading.not_assessed))
    for warning in reading.warnings:
        console.print(f"  Warning: {warning.words}")


def _summary(row: Study) -> dict[str, object]:
    return {
        "study_uid": row.uid,
        "state": row.state,
        "reason": row.reason,
        "modalities": row.modalities,
        "instances": row.instances,
        "images": row.images,
        "last_received": row.last_received,
    }


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
