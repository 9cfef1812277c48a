"""The table in which the demo ends: what was sent, what the model said or why not, what the PACS got and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from medvlm.contract import Laterality, Presence

ACCENT = "cyan"
QUIET = "bright_black"
UNVERIFIED = "AI-generated, not verified. A draft for a radiologist, not a diagnosis."


@dataclass(frozen=True)
class FindingRow:
    """One finding as the model stated it; `probability` calibrated, 0 to 1."""

    name: str
    presence: Presence
    probability: float
    laterality: Laterality = "unspecified"


@dataclass(frozen=True)
class Refused:
    """Why the model says nothing of a study, or why it could not."""

    reason: str


Said = tuple[FindingRow, ...] | Refused | None
"""What the model said of a study; None while it said nothing."""


@dataclass(frozen=True)
class Delivered:
    """One object that the PACS got; `kind` in words, such as "findings" or "draft report"."""

    kind: str
    path: Path
    at: datetime


@dataclass(frozen=True)
class StudyOutcome:
    """`sent` in words, such as "1 DX image"; `sent_at` when the last instance was stored."""

    study_uid: str
    sent: str
    state: str
    sent_at: datetime
    said: Said = None
    delivered: tuple[Delivered, ...] = ()


def show(console: Console, outcomes: Sequence[StudyOutcome], page: str) -> None:
    """Print each study's findings and files, then the table, then `page`: the address, token included.

    UIDs, paths and the address stand unbroken on lines of their own, so that they can be copied.
    """
    for number, outcome in enumerate(outcomes, start=1):
        _show_study(console, number, outcome)
    console.print(_studies(outcomes))
    console.print()
    _line(console, "Page", page)
    console.print(Text(UNVERIFIED, style=QUIET))


def _studies(outcomes: Sequence[StudyOutcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), header_style=f"bold {ACCENT}", show_edge=False)
    table.add_column("Study", no_wrap=True)
    table.add_column("What was sent", ratio=3)
    table.add_column("What the model said", ratio=6)
    table.add_column("What the PACS got, and when", ratio=6)
    for number, outcome in enumerate(outcomes, start=1):
        got = "\n".join(f"{_clock(each.at)} {each.kind}" for each in outcome.delivered) or "nothing"
        table.add_row(*map(Text, (str(number), outcome.sent, _said(outcome), got)))
    return table


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%H:%M:%S}"


def _said(outcome: StudyOutcome) -> str:
    if outcome.said is None:
        return f"nothing yet ({outcome.state})"
    if isinstance(outcome.said, Refused):
        return f"{'Failed' if outcome.state == 'failed' else 'Refused'}: {outcome.said.reason}"
    present = [
        f"{_name(row)} {row.probability:.0%}" for row in by_probability(outcome.said) if row.presence == "present"
    ]
    unsure = sum(row.presence == "indeterminate" for row in outcome.said)
    absent = sum(row.presence == "absent" for row in outcome.said)
    return f"{', '.join(present) or 'no finding present'}; {unsure} indeterminate, {absent} absent"


def by_probability(rows: Sequence[FindingRow]) -> tuple[FindingRow, ...]:
    """Most probable first, names in order where probabilities are equal."""
    return tuple(sorted(rows, key=lambda row: (-row.probability, row.name)))


def _name(row: FindingRow) -> str:
    side = "" if row.laterality == "unspecified" else f" ({row.laterality})"
    return row.name.replace("_", " ") + side


def _show_study(console: Console, number: int, outcome: StudyOutcome) -> None:
    _line(console, f"Study {number}", outcome.study_uid)
    for arrived in outcome.delivered:
        seconds = (arrived.at - outcome.sent_at).total_seconds()
        _line(console, f"{arrived.kind}, +{seconds:.1f} s", str(arrived.path))
    if isinstance(outcome.said, tuple) and outcome.said:
        console.print(_findings(outcome.said, columns=2 if console.width >= 104 else 1))
    console.print()


def _line(console: Console, label: str, value: str) -> None:
    """One line, never broken by us."""
    console.print(Text.assemble((f"{label:<26} ", ACCENT), value), soft_wrap=True)


def _findings(rows: Sequence[FindingRow], columns: int) -> Table:
    """Sorted downwards, then across, in as many side-by-side lists as fit."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style=f"bold {ACCENT}", show_edge=False)
    for _ in range(columns):
        table.add_column("Finding", no_wrap=True, min_width=20)
        table.add_column("Presence", no_wrap=True)
        table.add_column("Probability", no_wrap=True, justify="right")
    ordered = by_probability(rows)
    height = -(-len(ordered) // columns)
    for index in range(height):
        table.add_row(*(cell for row in ordered[index::height] for cell in _cells(row)))
    return table


def _cells(row: FindingRow) -> tuple[Text, Text, Text]:
    style = "bold" if row.presence == "present" else QUIET if row.presence == "absent" else ""
    return Text(_name(row), style), Text(row.presence, style), Text(f"{row.probability:.1%}", style)
