"""Each criterion against its figure: met, not met, or undecided with the reason and with what would decide it.

A criterion finds its figure by metric (with operating point), finding and subgroup. It is undecided where there is no
such figure, where the figure has no interval, where the interval is of another method or level than the criterion
fixed, where too few positives, negatives or patients stand behind it, and where the interval straddles the bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from validation.protocol.document import Criterion, Protocol
from validation.protocol.metrics import METRICS
from validation.results import CriterionResult, Figure
from validation.statistics.bounds import Outcome, at_least, at_most
from validation.statistics.sample_size import positives_for_auroc, positives_for_lower_bound

POWER = 0.8


def verdicts(protocol: Protocol, figures: Sequence[Figure]) -> tuple[CriterionResult, ...]:
    """One a criterion, in the order of the protocol."""
    return tuple(_verdict(protocol, each, _figure(each, figures)) for each in protocol.criteria)


def _figure(criterion: Criterion, figures: Sequence[Figure]) -> Figure | str:
    """The figure, or why there is none."""
    wanted = (criterion.figure, criterion.finding, criterion.subgroup)
    found = [each for each in figures if (each.metric, each.finding, each.subgroup) == wanted]
    if not found:
        return "the run has no such figure"
    if len(found) > 1:
        return f"{len(found)} figures have this name"
    return found[0]


def _verdict(protocol: Protocol, criterion: Criterion, figure: Figure | str) -> CriterionResult:
    base = CriterionResult(
        id=criterion.id,
        metric=criterion.figure,
        finding=criterion.finding,
        bound=criterion.bound,
        threshold=criterion.bar,
        outcome="undecided",
    )
    if isinstance(figure, str):
        return base.model_copy(update={"words": figure})
    shown = base.model_copy(
        update={key: getattr(figure, key) for key in ("value", "low", "high", "n", "positives", "patients")}
    )
    words = _cannot_judge(protocol, criterion, figure)
    if words or figure.low is None or figure.high is None:
        return shown.model_copy(update={"words": words})
    outcome = _outcome(criterion, figure.low, figure.high)
    if outcome != "undecided":
        return shown.model_copy(update={"outcome": outcome})
    needed = _needed(protocol, criterion, figure)
    return shown.model_copy(update={"words": "the interval straddles the bar", "needed": needed})


def _outcome(criterion: Criterion, low: float, high: float) -> Outcome:
    if criterion.margin is not None and low == criterion.bar:
        # Non-inferiority is shown above the margin, not at it.
        return "undecided"
    return (at_least if criterion.bound == "lower" else at_most)(low, high, criterion.bar)


def _cannot_judge(protocol: Protocol, criterion: Criterion, figure: Figure) -> str:
    """Why this figure carries no verdict; empty where it does."""
    level = criterion.level or protocol.statistics.level
    if not figure.acceptance:
        return "a text metric carries no verdict"
    if figure.value is None or figure.low is None or figure.high is None:
        return figure.words or "the figure has no interval"
    if any(math.isnan(each) for each in (figure.value, figure.low, figure.high)):
        return figure.words or "the figure is not defined"
    if not math.isclose(figure.level, level):
        return f"the interval is of level {figure.level:g}, the criterion of {level:g}"
    if criterion.method and figure.method != criterion.method:
        return f"the interval is by {figure.method or 'no named method'}, the criterion's by {criterion.method}"
    if figure.low == figure.high:
        return "the interval has no width: it cannot tell how sure it is"
    return _too_few(protocol, criterion, figure)


def _too_few(protocol: Protocol, criterion: Criterion, figure: Figure) -> str:
    small, needs = protocol.subgroups.small, METRICS[criterion.metric].needs
    positives = figure.positives if figure.positives is not None else 0
    for what, count, fewest in (
        ("positives", positives, small.fewest_positives if "positives" in needs else 0),
        ("negatives", figure.n - positives, small.fewest_negatives if "negatives" in needs else 0),
        ("patients", figure.patients, small.fewest_patients),
    ):
        if count < fewest:
            return f"{count} {what}: fewer than {fewest} carry no verdict"
    if criterion.subgroup and "positives" in needs and positives < small.fewest_positives_for_a_verdict:
        return f"{positives} positives: fewer than {small.fewest_positives_for_a_verdict} decide nothing in a subgroup"
    return ""


def _needed(protocol: Protocol, criterion: Criterion, figure: Figure) -> int | None:
    """How many observations of the denominator would show it with power 0.8, if the figure's value were the truth."""
    metric, value = METRICS[criterion.metric], figure.value
    if value is None:
        return None
    alpha = (1 - (criterion.level or protocol.statistics.level)) / 2
    sign = 1 if criterion.bound == "lower" else -1
    if sign * (value - criterion.bar) <= 0:
        return None
    if metric.share:
        truth, bar = (value, criterion.bar) if sign == 1 else (1 - value, 1 - criterion.bar)
        return _share_needed(truth, bar, alpha)
    if criterion.metric == "auroc" and figure.positives and value < 1:
        ratio = (figure.n - figure.positives) / figure.positives
        return math.ceil(positives_for_auroc(value, criterion.bar, POWER, alpha, ratio))
    return None


def _share_needed(truth: float, bar: float, alpha: float) -> int | None:
    if not 0 < bar < 1:
        return None
    try:
        return positives_for_lower_bound(truth, bar, POWER, alpha)
    except ValueError:  # so near to the bar that no number of positives that exists will do
        return None
