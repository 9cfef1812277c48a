"""The state of a model in use: charts since the baseline, drift of its probabilities, alarms, and a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np

from medvlm.contract import FindingName
from validation.cases import Frozen
from validation.monitor.agreement import Tally, judged, overridden, tally
from validation.monitor.baseline import FEWEST, Baseline, Rate, probabilities
from validation.monitor.charting import WEEKS_A_YEAR, Alarm, Chart, Design, chart
from validation.monitor.observed import ObservedStudy
from validation.statistics.drift import adjusted, population_stability

DRIFT_WEEKS = 4

Outcome = Literal["in control", "alarm", "undecided"]


class Drifted(Frozen):
    """Stated probabilities of the last weeks against the baseline's; `alarm` by the corrected p."""

    finding: FindingName
    n: int
    baseline_n: int
    stability_index: float | None = None
    adjusted: float | None = None
    alarm: bool = False
    words: str = ""


class Raised(Frozen):
    """An alarm: on which chart, when and how."""

    what: Literal["agreement", "override", "refusal", "drift"]
    finding: str = ""
    week: date
    kind: Alarm | Literal["drift"]


class Counts(Frozen):
    """`other_model`: signed or rejected reports of another model than the baseline's, left out of everything else."""

    signed: int
    rejected: int
    refused: int
    open: int
    rewritten: int
    other_model: int


class Monitoring(Frozen):
    """`since` is the first day charted, `until` the first that is not: the running week is left out."""

    schema_version: Literal["medvlm-monitoring/1"] = "medvlm-monitoring/1"
    made: datetime
    baseline: Baseline
    design: Design
    since: date
    until: date
    counts: Counts
    tally: tuple[Tally, ...]
    charts: tuple[Chart, ...]
    drift: tuple[Drifted, ...]
    alarms: tuple[Raised, ...]
    outcome: Outcome
    words: str = ""
    """Why it is undecided."""


def monitor(
    studies: Sequence[ObservedStudy], baseline: Baseline, design: Design, now: datetime, since: date | None = None
) -> Monitoring:
    """Charts start at `since`: the end of the baseline, or the day after which an alarm was looked into."""
    start, end = monday(since or baseline.until), monday(now.date())
    if start < (since or baseline.until):
        start += timedelta(weeks=1)
    mine = [each for each in studies if each.model == baseline.model]
    closed = [each for each in mine if each.closed and start <= each.closed.date() < end]
    arrived = [each for each in mine if start <= each.arrived.date() < end]
    charts = _charts(baseline, closed, arrived, design)
    drift = _drift(baseline, closed, end, design)
    alarms = (*_raised(charts), *(_drift_raised(each, end) for each in drift if each.alarm))
    others = [e for e in studies if e.model != baseline.model and e.closed and start <= e.closed.date() < end]
    words = _undecided(baseline, closed, others)
    return Monitoring(
        made=now,
        baseline=baseline,
        design=design,
        since=start,
        until=max(end, start),
        counts=_counts(closed, arrived, len(others)),
        tally=tally(closed),
        charts=charts,
        drift=drift,
        alarms=alarms,
        outcome="alarm" if alarms else "undecided" if words else "in control",
        words=words,
    )


def monday(day: date) -> date:
    """Of the day's week (ISO 8601)."""
    return day - timedelta(days=day.weekday())


def _charts(
    baseline: Baseline, closed: Sequence[ObservedStudy], arrived: Sequence[ObservedStudy], design: Design
) -> tuple[Chart, ...]:
    """The two that sum up, and one a finding; each kind shares its budget."""
    overrides = weekly((_closed(each), overridden(each)) for each in closed)
    refusals = weekly((each.arrived.date(), each.standing == "refused") for each in arrived)
    by_finding: dict[FindingName, list[tuple[date, bool]]] = {name: [] for name in baseline.agreement}
    for study in closed:
        for each in judged(study):
            by_finding.setdefault(each.name, []).append((_closed(study), each.agreed))
    share = design.findings / max(len(by_finding), 1)
    nothing = Rate(hits=0, n=0)
    return (
        chart("override", "", baseline.override, overrides, design.summaries / 2),
        chart("refusal", "", baseline.refusal, refusals, design.summaries / 2),
        *(
            chart("agreement", name, baseline.agreement.get(name, nothing), weekly(rows), share)
            for name, rows in by_finding.items()
        ),
    )


def weekly(happened: Iterable[tuple[date, bool]]) -> dict[date, Rate]:
    """How often it happened, by the Monday of each week."""
    found: dict[date, list[bool]] = {}
    for day, each in happened:
        found.setdefault(monday(day), []).append(each)
    return {week: Rate(hits=sum(each), n=len(each)) for week, each in found.items()}


def _closed(study: ObservedStudy) -> date:
    return (study.closed or study.arrived).date()


def _drift(baseline: Baseline, closed: Sequence[ObservedStudy], end: date, design: Design) -> tuple[Drifted, ...]:
    recent = [e for e in closed if e.standing == "signed" and _closed(e) >= end - timedelta(weeks=DRIFT_WEEKS)]
    now = probabilities(recent)
    rows = {name: _row(name, values, now.get(name, ())) for name, values in baseline.probabilities.items()}
    tests = {
        name: population_stability(np.array(baseline.probabilities[name]), np.array(now[name]))
        for name, row in rows.items()
        if not row.words
    }
    bar = design.drift / WEEKS_A_YEAR
    for name, each in (adjusted(tests) if tests else {}).items():
        told = {"stability_index": each.statistic, "adjusted": each.adjusted, "alarm": each.adjusted < bar}
        rows[name] = rows[name].model_copy(update=told)
    return tuple(rows.values())


def _row(name: FindingName, before: Sequence[float], after: Sequence[float]) -> Drifted:
    few = min(len(before), len(after)) < FEWEST
    return Drifted(
        finding=name, n=len(after), baseline_n=len(before), words=f"fewer than {FEWEST} on one side" if few else ""
    )


def _raised(charts: Sequence[Chart]) -> tuple[Raised, ...]:
    made = [Raised(what=c.what, finding=c.finding, week=w.week, kind=w.alarm) for c in charts for w in c.alarms]
    return tuple(sorted(made, key=lambda each: each.week, reverse=True))


def _drift_raised(row: Drifted, end: date) -> Raised:
    return Raised(what="drift", finding=row.finding, week=end - timedelta(weeks=1), kind="drift")


def _counts(closed: Sequence[ObservedStudy], arrived: Sequence[ObservedStudy], others: int) -> Counts:
    standings = [each.standing for each in (*closed, *(each for each in arrived if not each.closed))]
    return Counts(
        signed=standings.count("signed"),
        rejected=standings.count("rejected"),
        refused=standings.count("refused"),
        open=standings.count("open"),
        rewritten=sum(each.rewritten for each in closed),
        other_model=others,
    )


def _undecided(baseline: Baseline, closed: Sequence[ObservedStudy], others: Sequence[ObservedStudy]) -> str:
    last = max((_closed(each) for each in closed), default=None)
    newer = [each for each in others if last is None or _closed(each) > last]
    if newer:
        return f"The node now runs {newer[-1].model_name}: this baseline is of {baseline.model_name}. Make a new one."
    return "" if closed else "No report was signed since the baseline, or only in the running week."
