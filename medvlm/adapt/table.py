"""The table of labels: one CSV beside the films, read whole, with every problem named by its row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medvlm.adapt.problems import Problem
from medvlm.adapt.wordings import finding_name, labels_in_report, question_finding

PLACES = ("image", "study")
RESERVED = (*PLACES, "patient", "question", "answer", "report")
_YES = frozenset({"1", "1.0", "yes", "y", "true", "present"})
_NO = frozenset({"0", "0.0", "no", "n", "false", "absent"})
_LARGEST = 32 << 20
"""Bytes of a table; a table of a dozen films has a few hundred."""


@dataclass(frozen=True)
class Row:
    """One film or study with its labels; `numbers` are the rows of the table that say so."""

    numbers: tuple[int, ...]
    path: Path
    patient: str
    labels: Mapping[str, bool]


@dataclass(frozen=True)
class Table:
    """Rows that can be read, what is wrong with the others, and reports that gave no label (no reason to refuse)."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    silent: tuple[int, ...] = ()


@dataclass
class _Gathered:
    """What the loop over the rows has found so far; `images` by path, in the order of the table."""

    images: dict[Path, Row] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)


def read_table(folder: Path) -> Table:
    """The one CSV in `folder` (UTF-8; comma, semicolon or tab). Never raises for what is in it."""
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    if len(files) != 1:
        words = f"The folder must hold one CSV file beside the films; it holds {len(files)}"
        return Table((), (Problem("no_table", words),))
    try:
        if files[0].stat().st_size > _LARGEST:
            return Table((), (Problem("no_table", "The CSV file is larger than 32 MB"),))
        text = files[0].read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return Table((), (Problem("no_table", "The CSV file cannot be read as UTF-8 text"),))
    return parse_table(text, folder)


def parse_table(text: str, folder: Path) -> Table:
    """The rows of a CSV text; paths are below `folder`."""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        return Table((), (Problem("no_table", f"The CSV file is damaged: {error}"),))
    if not lines:
        return Table((), (Problem("no_table", "The CSV file is empty"),))
    header = [heading.strip() for heading in lines[0]]
    columns, problems = _columns(header)
    if problems:
        return Table((), tuple(problems))
    gathered = _Gathered()
    for number, cells in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in cells):
            _read_row(number, cells, header, columns, folder, gathered)
    if not gathered.images and not gathered.problems:
        gathered.problems.append(Problem("no_table", "The CSV file holds no row with a label"))
    return Table(tuple(gathered.images.values()), tuple(gathered.problems), tuple(gathered.silent))


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _columns(header: Sequence[str]) -> tuple[dict[int, str], list[Problem]]:
    """Finding by column; the heading is refused as a whole when any part of it is unclear."""
    lower = [heading.lower() for heading in header]
    problems = []
    if sum(place in lower for place in PLACES) != 1:
        problems.append(Problem("bad_column", "There must be a column image or a column study", (1,)))
    if ("question" in lower) != ("answer" in lower):
        problems.append(Problem("bad_column", "question and answer need each other", (1,)))
    named: dict[int, str] = {}
    for column, heading in enumerate(header):
        if heading.lower() in RESERVED:
            continue
        name = finding_name(heading)
        if name is None:
            problems.append(Problem("bad_column", f"Column {column + 1} has no heading that can name a finding", (1,)))
        else:
            named[column] = name
    doubled = [*named.values(), *(heading for heading in lower if heading in RESERVED)]
    if len(doubled) != len(set(doubled)):
        problems.append(Problem("bad_column", "A column stands in the table twice", (1,)))
    if not named and "question" not in lower and "report" not in lower:
        problems.append(Problem("bad_column", "No column names a finding, a question with answer, or a report", (1,)))
    return named, problems


def _read_row(
    number: int,
    cells: Sequence[str],
    header: Sequence[str],
    columns: Mapping[int, str],
    folder: Path,
    gathered: _Gathered,
) -> None:
    if len(cells) != len(header):
        words = f"The row has {len(cells)} cells where the heading has {len(header)}"
        gathered.problems.append(Problem("bad_row", words, (number,)))
        return
    fixed = {heading.lower(): cell.strip() for heading, cell in zip(header, cells, strict=True)}
    path, wrong = _place(fixed.get("image") or fixed.get("study") or "", folder)
    labels, unclear = _labels(fixed, {columns[k]: cells[k].strip() for k in columns})
    for words in (*wrong, *unclear):
        gathered.problems.append(Problem("bad_row", words, (number,)))
    if wrong or unclear or path is None:
        return
    if not labels and fixed.get("report"):
        gathered.silent.append(number)
    if labels:
        _merge(Row((number,), path, fixed.get("patient", ""), labels), gathered)


def _place(said: str, folder: Path) -> tuple[Path | None, list[str]]:
    if not said or "\0" in said:
        return None, ["No film is named"]
    root = folder.resolve()
    path = (root / said).resolve()
    if not path.is_relative_to(root) or path == root:
        return None, ["The film lies outside the folder"]
    if not path.exists():
        return None, ["There is no such film in the folder"]
    return path, []


def _labels(fixed: Mapping[str, str], cells: Mapping[str, str]) -> tuple[dict[str, bool], list[str]]:
    """Labels of one row from all its sources; a source that contradicts another makes the row unclear."""
    found: dict[str, bool] = {}
    unclear: list[str] = []
    for name, value in _stated(fixed, cells, unclear):
        if found.setdefault(name, value) != value:
            unclear.append(f"{name} is both present and absent")
    return found, unclear


def _stated(fixed: Mapping[str, str], cells: Mapping[str, str], unclear: list[str]) -> Iterator[tuple[str, bool]]:
    for name, said in cells.items():
        if (value := truth(said)) is not None:
            yield name, value
        elif said:
            unclear.append(f"{name} must be 0, 1 or empty")
    if fixed.get("question"):
        asked, value = question_finding(fixed["question"]), truth(fixed.get("answer", "").rstrip("."))
        if asked is None:
            unclear.append("The question does not ask whether one finding is present")
        elif value is None:
            unclear.append("The answer must be yes or no")
        else:
            yield asked[0], value != asked[1]
    yield from labels_in_report(fixed.get("report", "")).items()


def truth(said: str) -> bool | None:
    """None for anything that is neither yes nor no."""
    lower = said.strip().lower()
    return True if lower in _YES else False if lower in _NO else None


def _merge(row: Row, gathered: _Gathered) -> None:
    """Several rows may speak of one film, as long as they agree."""
    known = gathered.images.get(row.path)
    if known is None:
        gathered.images[row.path] = row
        return
    numbers = (*known.numbers, *row.numbers)
    if known.patient != row.patient:
        gathered.problems.append(Problem("contradiction", "One film belongs to two patients", numbers))
    for name in sorted(set(known.labels) & set(row.labels)):
        if known.labels[name] != row.labels[name]:
            gathered.problems.append(Problem("contradiction", f"{name} is both present and absent", numbers))
    gathered.images[row.path] = Row(numbers, row.path, known.patient, {**known.labels, **row.labels})
