"""Figures put in rows: a task's findings against its metrics, or one figure a row where findings play no part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from validation.results import Figure

# They stand under the ECE that they belong to: beside it, and never alone.
BY_CHANCE = ("ece_expected", "ece_expected_p95")


@dataclass(frozen=True)
class Row:
    """`cells` stand in the order of the table's metrics; None where there is no such figure."""

    finding: str
    n: int
    positives: int | None
    patients: int
    cells: tuple[Figure | None, ...]
    chance: tuple[Figure, ...]
    """What the ECE would be under perfect calibration: mean, 95th percentile."""


@dataclass(frozen=True)
class Grid:
    """A task's findings against its metrics."""

    task: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]


def grid(task: str, figures: Sequence[Figure]) -> Grid:
    """Of all figures with a finding and no subgroup, in the order given."""
    chosen = [each for each in figures if each.task == task and each.finding and not each.subgroup]
    metrics = tuple(dict.fromkeys(each.metric for each in chosen if each.metric not in BY_CHANCE))
    found = {(each.finding, each.metric): each for each in chosen}
    names = dict.fromkeys(each.finding for each in chosen)
    return Grid(task, metrics, tuple(_row(name, metrics, found) for name in names))


def _row(finding: str, metrics: Sequence[str], found: Mapping[tuple[str, str], Figure]) -> Row:
    """The counts are those of the figure on the most cases: sensitivity, say, is on the positives alone."""
    cells = tuple(found.get((finding, metric)) for metric in metrics)
    chance = tuple(found[finding, metric] for metric in BY_CHANCE if (finding, metric) in found)
    widest = max((each for each in (*cells, *chance) if each), key=lambda each: each.n)
    return Row(finding, widest.n, widest.positives, widest.patients, cells, chance)


def without_finding(task: str, figures: Sequence[Figure]) -> tuple[Figure, ...]:
    return tuple(each for each in figures if each.task == task and not each.finding and not each.subgroup)


def by_subgroup(figures: Sequence[Figure], metric: str) -> dict[str, tuple[Figure, ...]]:
    """Subgroup figures of one metric by finding: attribute by attribute, the largest group first."""
    chosen = [each for each in figures if each.subgroup and each.metric == metric]
    attributes = list(dict.fromkeys(_attribute(each) for each in chosen))
    chosen.sort(key=lambda each: (attributes.index(_attribute(each)), -each.n, each.subgroup))
    return {name: tuple(e for e in chosen if e.finding == name) for name in dict.fromkeys(e.finding for e in chosen)}


def _attribute(figure: Figure) -> str:
    return figure.subgroup.partition("=")[0]
