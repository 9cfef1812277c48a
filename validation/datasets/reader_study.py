"""A reader study from a CSV file, one line a rating, fully crossed: every reader rated every case in every modality.

    reader, modality, case, truth, rating        and, where patients have several cases, patient

`truth` is 1 or 0 and the same in all lines of a case; `rating` is any number that rises with suspicion. A cell that is
missing or there twice is an error: filled in with anything it would be invented.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from validation.datasets.assembly import table
from validation.errors import BadDataSet
from validation.statistics.auroc import Truth
from validation.statistics.mrmc_components import Ratings

COLUMNS = ("reader", "modality", "case", "truth", "rating")
WAY_OUT = "One line for each reader, modality and case: reader, modality, case, truth (1 or 0), rating."

Cell = tuple[str, str, str]


@dataclass(frozen=True)
class ReaderStudy:
    """`ratings` is modalities × readers × cases, in the order of the names, which is that of their first line."""

    modalities: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    truth: Truth
    ratings: Ratings
    patients: tuple[str, ...] | None


def read_reader_study(path: Path) -> ReaderStudy:
    """At least two readers and cases of both kinds. Raises `BadDataSet`."""
    rows = list(table(path, COLUMNS))
    cells = _cells(rows, path)
    modalities, readers, cases = (_names(rows, column) for column in ("modality", "reader", "case"))
    wanted = [(m, r, c) for m in modalities for r in readers for c in cases]
    missing = [cell for cell in wanted if cell not in cells]
    if missing:
        what = f"{len(missing)} of {len(wanted)} ratings are missing, the first of modality {missing[0][0]!r}"
        raise _bad(f"{what} by reader {missing[0][1]!r}", path)
    truth = _one_value(rows, "truth", path)
    if len(readers) < 2 or len(set(truth.values())) < 2 or not set(truth.values()) <= {"0", "1"}:
        raise _bad("there must be two readers, and cases with truth 1 and with truth 0", path)
    patients = _one_value(rows, "patient", path) if rows and "patient" in rows[0] else None
    shape = (len(modalities), len(readers), len(cases))
    return ReaderStudy(
        modalities=modalities,
        readers=readers,
        cases=cases,
        truth=np.array([truth[case] == "1" for case in cases]),
        ratings=np.array([cells[cell] for cell in wanted]).reshape(shape),
        patients=tuple(patients[case] for case in cases) if patients else None,
    )


def _cells(rows: Sequence[Mapping[str, str]], path: Path) -> dict[Cell, float]:
    cells: dict[Cell, float] = {}
    for line, row in enumerate(rows, start=2):
        cell = (row["modality"], row["reader"], row["case"])
        if cell in cells:
            raise _bad("this reader has rated this case in this modality already", path, line)
        cells[cell] = _number(row["rating"], path, line)
    return cells


def _number(text: str, path: Path, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _bad("the rating is no number", path, line)
    return value


def _names(rows: Sequence[Mapping[str, str]], column: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row[column] for row in rows))


def _one_value(rows: Sequence[Mapping[str, str]], column: str, path: Path) -> dict[str, str]:
    """By case; the same in all of its lines."""
    found: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        if found.setdefault(row["case"], row[column]) != row[column]:
            raise _bad(f"the {column} of this case is another one above", path, line)
    return found


def _bad(what: str, path: Path, line: int | None = None) -> BadDataSet:
    return BadDataSet(what, where=f"{path}, line {line}" if line else str(path), way_out=WAY_OUT)
