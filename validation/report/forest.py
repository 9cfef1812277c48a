"""Intervals beside each other: a criterion against its threshold, and the subgroups of a finding."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from validation.report.svg import Scale, box, dot, line, picture, words
from validation.report.words import demand, finding_words, interval, metric_words, number, why_none
from validation.results import CriterionResult, Figure

ROW, TOP = 15, 22
BAR_WIDTH, BAR_HEIGHT = 168, 20
NARROWEST, WIDEST = 0.05, 0.5


def reach(criteria: Sequence[CriterionResult]) -> float:
    """How far from the threshold the bars of these criteria reach: one scale for all of them."""
    ends = [
        abs(end - each.threshold) for each in criteria for end in (each.low, each.high, each.value) if end is not None
    ]
    return min(max([NARROWEST, *ends]), WIDEST)


def bar(criterion: CriterionResult, far: float) -> Markup:
    """The interval about the threshold, which stands in the middle; the shaded side is the one asked for."""
    scale = Scale(criterion.threshold - far, criterion.threshold + far, 4, BAR_WIDTH - 4)
    middle, height = scale(criterion.threshold), BAR_HEIGHT / 2
    left = middle if criterion.bound == "lower" else 0
    marks = [box(left, 2, BAR_WIDTH - middle if left else middle, BAR_HEIGHT - 4, "asked")]
    marks.append(line((middle, 0), (middle, BAR_HEIGHT), "threshold"))
    if criterion.low is not None and criterion.high is not None:
        kind = criterion.outcome.replace(" ", "-")
        marks.append(line((scale(criterion.low), height), (scale(criterion.high), height), f"whisker {kind}"))
        if criterion.value is not None:
            marks.append(dot((scale(criterion.value), height), 3.2, f"dot {kind}"))
    says = (
        f"{demand(criterion)}: {number(criterion.value)}, interval {interval(criterion.low, criterion.high) or 'none'}"
    )
    return picture(BAR_WIDTH, BAR_HEIGHT, says, marks)


def subgroups(overall: Figure | None, groups: Sequence[Figure], width: int = 390) -> Markup:
    """A row a group in the order given, at least one; the line down is the figure of all. Small groups say so."""
    bounds = [end for each in groups for end in (each.low, each.high) if end is not None]
    low = min([0.5, *bounds, *([overall.value] if overall and overall.value is not None else [])])
    scale = Scale(max(low - 0.02, -1.0), max([1.0, *bounds]), 186, width - 8)
    height = TOP + ROW * len(groups) + 20
    marks = [words((4, 12), "Subgroup", "name"), words((178, 12), "positives / n", "name", "end")]
    if overall and overall.value is not None:
        marks.append(line((scale(overall.value), TOP - 6), (scale(overall.value), height - 18), "reference"))
        marks.append(words((scale(overall.value), 12), f"all {number(overall.value)}", "tick", "middle"))
    for k, group in enumerate(groups):
        marks += _row(group, TOP + ROW * k + 7, scale)
    marks.append(line((scale.start, height - 16), (scale.end, height - 16), "axis"))
    marks += [words((scale(at), height - 5), f"{at:.2g}", "tick", "middle") for at in (scale.low, scale.high)]
    says = f"{metric_words(groups[0].metric)} by subgroup of {finding_words(groups[0].finding)}: "
    return picture(width, height, says + "; ".join(_says(each) for each in groups), marks)


def _row(group: Figure, y: float, scale: Scale) -> list[Markup]:
    counts = f"{'–' if group.positives is None else group.positives} / {group.n}"
    marks = [words((4, y + 3), _name(group), "label"), words((178, y + 3), counts, "tick", "end")]
    if group.low is None or group.high is None or group.value is None:
        return [*marks, words((scale.start, y + 3), _short(why_none(group)), "tick")]
    marks.append(line((scale(group.low), y), (scale(group.high), y), "whisker"))
    marks.append(dot((scale(group.value), y), 2.8, "dot"))
    return marks


def _name(group: Figure) -> str:
    key, _, value = group.subgroup.partition("=")
    return _short(f"{key.replace('_', ' ')}: {value}" if value else key)


def _short(said: str, longest: int = 30) -> str:
    return said if len(said) <= longest else said[: longest - 1] + "…"


def _says(group: Figure) -> str:
    if group.value is None:
        return f"{_name(group)} {why_none(group)}"
    return f"{_name(group)} {number(group.value)} ({interval(group.low, group.high)})"
