"""What is wrong with data to learn from: every problem with its rows, all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from medvlm.errors import MedvlmError

ProblemCode = Literal[
    "no_table",
    "bad_column",
    "bad_row",
    "contradiction",
    "unreadable",
    "out_of_scope",
    "duplicate_image",
    "one_class",
    "few_patients",
    "leaking_patient",
    "shortcut",
]

_SHOWN = 12
"""Rows named in a sentence; a whole column of bad rows is counted instead."""


@dataclass(frozen=True)
class Problem:
    """`rows` count as a spreadsheet does, from 1; the header is row 1. Empty when the whole table is meant."""

    code: ProblemCode
    words: str
    rows: tuple[int, ...] = ()

    @property
    def sentence(self) -> str:
        return f"{self.words}{f' ({rows_in_words(self.rows)})' if self.rows else ''}"


def rows_in_words(rows: Iterable[int]) -> str:
    """ "row 3", "rows 2, 5 and 9", "rows 2, 3, … (40 in all)"."""
    numbers = sorted(set(rows))
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    if len(numbers) > _SHOWN:
        return f"rows {', '.join(map(str, numbers[:_SHOWN]))}, … ({len(numbers)} in all)"
    return f"rows {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


class UnusableData(MedvlmError):
    """Data that cannot be learnt from; `problems` holds every reason."""

    code: ClassVar[str] = "unusable_data"

    def __init__(self, problems: Sequence[Problem], where: str) -> None:
        self.problems = tuple(problems)
        listed = "".join(f"\n  {problem.sentence}." for problem in self.problems)
        super().__init__(
            "nothing was learnt from this data", where=where, way_out=f"Mend or leave out what is named:{listed}"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (UnusableData, (self.problems, self.where))
