"""A run arranged for reading: which figure, chart and sentence stand in which part of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from validation.report.charts import chart, degradation
from validation.report.forest import bar, reach, subgroups
from validation.report.tables import BY_CHANCE, Grid, by_subgroup, grid, without_finding
from validation.report.words import moment, what_would_decide
from validation.results import CriterionResult, Curve, CurveKind, Failure, Figure, Run

CHANGED = "changed after results"
EXCLUDED = "excluded: "
GALLERY = 48
"""Failures shown: more make the file too large to be sent by mail."""

FINDING_CURVES: tuple[CurveKind, ...] = ("roc", "precision_recall", "reliability", "risk_coverage")
SUBGROUP_METRIC = "auroc"
# Parts of the page of their own; all other tasks follow in the run's order.
OWN_PARTS = ("faithfulness", "robustness")

Embed = Callable[[Path], str | None]


@dataclass(frozen=True)
class Criterion:
    result: CriterionResult
    bar: Markup
    decides: str
    reason: str
    """Why the protocol asks it."""


@dataclass(frozen=True)
class FindingPart:
    """The charts of one finding, side by side."""

    task: str
    finding: str
    figures: tuple[Figure, ...]
    chance: tuple[Figure, ...]
    """What the ECE would be under perfect calibration."""
    charts: tuple[Markup, ...]
    forest: Markup | None


@dataclass(frozen=True)
class TaskPart:
    task: str
    grid: Grid
    figures: tuple[Figure, ...]
    charts: tuple[Markup, ...]
    findings: tuple[FindingPart, ...]


@dataclass(frozen=True)
class Shown:
    failure: Failure
    image: str | None


@dataclass(frozen=True)
class ReportView:
    run: Run
    criteria: tuple[Criterion, ...]
    changed: tuple[str, ...]
    """Warnings that the protocol was changed after results existed."""
    notes: tuple[str, ...]
    locked_at: str
    exclusions: tuple[tuple[str, int], ...]
    other_counts: tuple[tuple[str, int], ...]
    tasks: tuple[TaskPart, ...]
    faithfulness: tuple[Figure, ...]
    robustness: tuple[Figure, ...]
    robustness_charts: tuple[Markup, ...]
    text: tuple[Figure, ...]
    failures: tuple[Shown, ...]
    failures_left_out: int
    images: bool


def view(run: Run, embed: Embed | None) -> ReportView:
    """`embed` turns an image into a data URL; None leaves images out."""
    judged = [each for each in run.figures if each.acceptance]
    changed = changed_after_results(run)
    return ReportView(
        run=run,
        criteria=_criteria(run),
        changed=changed,
        notes=tuple(each for each in run.notes if each not in changed),
        locked_at=_locked_at(run.protocol),
        exclusions=tuple((key.removeprefix(EXCLUDED), n) for key, n in run.counts.items() if key.startswith(EXCLUDED)),
        other_counts=_other_counts(run.counts),
        tasks=tuple(_task(name, judged, run.curves) for name in _tasks(judged, run.curves)),
        faithfulness=tuple(each for each in judged if each.task == "faithfulness" and not each.subgroup),
        robustness=tuple(each for each in judged if each.task == "robustness" and not each.subgroup),
        robustness_charts=_degradations(run.curves),
        text=tuple(each for each in run.figures if not each.acceptance),
        failures=tuple(
            Shown(each, embed(each.image) if embed and each.image else None) for each in run.failures[:GALLERY]
        ),
        failures_left_out=max(len(run.failures) - GALLERY, 0),
        images=embed is not None,
    )


def changed_after_results(run: Run) -> tuple[str, ...]:
    """What is to stand beside the verdict: the protocol was not fixed before results were known."""
    replaced = run.protocol.get("replaces") or {}
    said = [each for each in run.notes if each.lower().startswith(CHANGED)]
    if replaced.get("after_results"):
        old = f"{replaced.get('id')} ({str(replaced.get('sha256'))[:12]})"
        said.insert(0, f"{CHANGED}: this protocol replaces {old}, because: {replaced.get('reason')}")
    return tuple(said)


def _criteria(run: Run) -> tuple[Criterion, ...]:
    reasons = {each.get("id", ""): each.get("reason", "") for each in run.protocol.get("criteria", ())}
    far = reach(run.criteria)
    return tuple(
        Criterion(each, bar(each, far), what_would_decide(each), reasons.get(each.id, "")) for each in run.criteria
    )


def _locked_at(protocol: Mapping[str, Any]) -> str:
    said = str((protocol.get("lock") or {}).get("locked", ""))
    try:
        return moment(datetime.fromisoformat(said))
    except ValueError:
        return said


def _other_counts(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    known = ("input", "examined")
    return tuple((key, n) for key, n in counts.items() if key not in known and not key.startswith(EXCLUDED))


def _tasks(figures: Sequence[Figure], curves: Sequence[Curve]) -> tuple[str, ...]:
    named = dict.fromkeys([*(each.task for each in figures), *(each.task for each in curves)])
    return tuple(each for each in named if each not in OWN_PARTS)


def _task(task: str, figures: Sequence[Figure], curves: Sequence[Curve]) -> TaskPart:
    mine = [each for each in curves if each.task == task and each.kind in FINDING_CURVES]
    forests = by_subgroup([each for each in figures if each.task == task], SUBGROUP_METRIC)
    names = dict.fromkeys([*(each.finding for each in mine if each.finding), *(name for name in forests if name)])
    return TaskPart(
        task=task,
        grid=grid(task, figures),
        figures=without_finding(task, figures),
        charts=tuple(chart(each) for each in mine if not each.finding),
        findings=tuple(_finding(task, name, figures, mine, forests.get(name, ())) for name in names),
    )


def _finding(
    task: str, name: str, figures: Sequence[Figure], curves: Sequence[Curve], groups: Sequence[Figure]
) -> FindingPart:
    mine = tuple(e for e in figures if e.task == task and e.finding == name and not e.subgroup)
    overall = next((each for each in mine if each.metric == SUBGROUP_METRIC), None)
    drawn = sorted((e for e in curves if e.finding == name), key=lambda each: FINDING_CURVES.index(each.kind))
    chance = tuple(each for each in mine if each.metric in BY_CHANCE)
    forest = subgroups(overall, groups) if groups else None
    return FindingPart(task, name, mine, chance, tuple(map(chart, drawn)), forest)


def _degradations(curves: Sequence[Curve]) -> tuple[Markup, ...]:
    """A chart a perturbation, whatever findings it was tried on."""
    mine = [each for each in curves if each.kind == "robustness" and each.points]
    names = dict.fromkeys(each.labels for each in mine)
    return tuple(degradation([each for each in mine if each.labels == name]) for name in names)
