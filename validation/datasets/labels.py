"""Labels: what is held to be true of each study.

A CSV file (comma, UTF-8, header line) with these columns, in any order:

    study_uid   the Study Instance UID of the reading,
    or row      the line of the reading in its file, counted from 1; for pictures, which have no UID of their own
    patient     any name for the patient that is the same in all studies of one patient
    effusion …  one column a finding, named as in the vocabulary: 1 present, 0 absent, empty not labelled

Every study of the labels must have been read: to leave out what a model was not shown flatters it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medvlm.contract import FindingName, Reading
from medvlm.vocabulary import terms
from validation.datasets.readings import Readings
from validation.errors import BadLabels

KEYS = ("study_uid", "row")
TRUTH = {"0": False, "1": True, "": None}


@dataclass(frozen=True)
class Label:
    """One line of the file, counted from 1 with the header as the first. `truth` has no key where nothing is known."""

    line: int
    study: str
    patient: str
    truth: dict[FindingName, bool]


@dataclass(frozen=True)
class Labels:
    """`key` is the column that names a study; `findings` stand in the order of the columns."""

    path: Path
    key: str
    findings: tuple[FindingName, ...]
    rows: tuple[Label, ...]


@dataclass(frozen=True)
class Labelled:
    """A study that was both read and labelled."""

    reading: Reading
    patient: str
    truth: dict[FindingName, bool]


def read_labels(path: Path) -> Labels:
    """Raises `BadLabels`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.reader(file, strict=True)
            header = [name.strip() for name in next(table, [])]
            key, findings = _columns(header, f"{path}, line 1")
            rows = tuple(_rows(table, header, key, findings, path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no CSV file in UTF-8"
        raise BadLabels(f"the labels cannot be read: {why}", where=str(path), way_out=_layout()) from error
    if not rows:
        raise BadLabels("the file labels no study", where=str(path), way_out=_layout())
    _each_once(rows, path)
    return Labels(path, key, findings, rows)


def join(readings: Readings, labels: Labels) -> tuple[Labelled, ...]:
    """The labelled studies in the order of the labels; readings without a label are left out. Raises `BadLabels`."""
    name: Callable[[int, Reading], str] = (
        (lambda line, reading: str(line)) if labels.key == "row" else (lambda line, reading: reading.study_uid)
    )
    found: dict[str, tuple[int, Reading]] = {}
    for each in readings.lines:
        study = name(each.line, each.reading)
        if study in found:
            raise BadLabels(
                f"lines {found[study][0]} and {each.line} of the readings are of the same study",
                where=str(readings.path),
                way_out="Keep one of them, or label by `row`.",
            )
        found[study] = (each.line, each.reading)
    for row in labels.rows:
        if row.study not in found:
            raise BadLabels(
                f"no reading has the {labels.key} of this line",
                where=f"{labels.path}, line {row.line}",
                way_out=f"Read the study and add it to {readings.path}: none that is labelled may be left out.",
            )
    return tuple(Labelled(found[row.study][1], row.patient, row.truth) for row in labels.rows)


def _layout() -> str:
    return "The first line names the columns: study_uid or row, patient, and one a finding with 0, 1 or nothing."


def _columns(header: Sequence[str], where: str) -> tuple[str, tuple[FindingName, ...]]:
    """The key column and the findings."""
    keys = [name for name in KEYS if name in header]
    if len(keys) != 1 or "patient" not in header:
        raise BadLabels(
            "the columns must be study_uid or row (one of them), and patient", where=where, way_out=_layout()
        )
    if len(set(header)) != len(header):
        raise BadLabels("two columns have the same name", where=where, way_out="Rename or remove one of them.")
    findings = tuple(name for name in header if name not in (*KEYS, "patient"))
    for name in findings:
        if name not in terms():
            known = ", ".join(terms())
            raise BadLabels(
                f"no finding is called {name!r}", where=where, way_out=f"Rename or remove it. Known: {known}."
            )
    if not findings:
        raise BadLabels("no column is a finding", where=where, way_out=_layout())
    return keys[0], findings


def _rows(
    table: Iterator[list[str]], header: Sequence[str], key: str, findings: Sequence[FindingName], path: Path
) -> Iterator[Label]:
    for line, cells in enumerate(table, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}, line {line}"
        if len(cells) != len(header):
            what = f"the line has {len(cells)} columns, the header {len(header)}"
            raise BadLabels(what, where=where, way_out=_layout())
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        if not (row[key] and row["patient"]):
            raise BadLabels(f"{key} and patient must not be empty", where=where, way_out="Fill them in.")
        yield Label(line, row[key], row["patient"], _truth(row, findings, where))


def _truth(row: dict[str, str], findings: Sequence[FindingName], where: str) -> dict[FindingName, bool]:
    for name in findings:
        if row[name] not in TRUTH:
            raise BadLabels(f"{name} is neither 0 nor 1", where=where, way_out="Leave it empty where it is not known.")
    return {name: known for name in findings if (known := TRUTH[row[name]]) is not None}


def _each_once(rows: Sequence[Label], path: Path) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        if row.study in seen:
            raise BadLabels(
                f"the study has been labelled in line {seen[row.study]} already",
                where=f"{path}, line {row.line}",
                way_out="Keep one line a study.",
            )
        seen[row.study] = row.line
