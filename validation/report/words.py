"""How figures, metrics and outcomes are written: the same words in the page, the terminal and JUnit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from medvlm.vocabulary import terms
from validation.protocol.metrics import METRICS
from validation.results import CriterionResult, Figure, Outcome

ICONS: Mapping[Outcome, str] = {"met": "✓", "not met": "✗", "undecided": "?"}

TASKS: Mapping[str, str] = {
    "detection": "Finding detection",
    "draft": "Report drafting",
    "questions": "Question answering",
    "grounding": "Grounding",
    "refusal": "Refusal of what is out of scope",
    "faithfulness": "Faithfulness to the image",
    "robustness": "Robustness",
}

# Shorter than the protocol's words, or of figures that no criterion stands on.
SHORT: Mapping[str, str] = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ece": "ECE",
    "ece_expected": "ECE if perfectly calibrated, mean",
    "ece_expected_p95": "ECE if perfectly calibrated, 95th percentile",
    "brier": "Brier score",
    "bleu": "BLEU",
    "rouge_l": "ROUGE-L",
    "radgraph_f1": "RadGraph F1",
    "label_f1_micro": "F1 of labels, micro",
    "label_f1_macro": "F1 of labels, macro",
}


def metric_words(metric: str) -> str:
    """The field's word for a metric, with its operating point where there is one ("Sensitivity at 0.31")."""
    name, _, at = metric.partition("@")
    known = METRICS.get(name)
    said = SHORT.get(name) or (known.words if known else name.replace("_", " "))
    return said[:1].upper() + said[1:] + (f" at {at}" if at else "")


def task_words(task: str) -> str:
    return TASKS.get(task) or task.replace("_", " ").capitalize()


def finding_words(finding: str) -> str:
    """The vocabulary's word; the name itself for one that the vocabulary lacks; "" stays ""."""
    known = terms().get(finding)
    return known.display if known else finding.replace("_", " ")


def number(value: float | None) -> str:
    """Three decimals; a dash where there is no figure."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def moment(at: datetime) -> str:
    """To the minute, with the zone."""
    return at.strftime("%Y-%m-%d %H:%M %Z").strip()


def demand(criterion: CriterionResult) -> str:
    """What the criterion asks: "AUROC, Pleural effusion: at least 0.850"."""
    of = f", {finding_words(criterion.finding)}" if criterion.finding else ""
    side = "at least" if criterion.bound == "lower" else "at most"
    return f"{metric_words(criterion.metric)}{of}: {side} {number(criterion.threshold)}"


def what_would_decide(criterion: CriterionResult) -> str:
    """How much more data an undecided criterion needs, or why none will do; "" where its words say all."""
    if criterion.outcome != "undecided" or criterion.value is None or criterion.low is None:
        return ""
    if criterion.needed is None:
        short = criterion.value < criterion.threshold
        beyond = short if criterion.bound == "lower" else criterion.value > criterion.threshold
        return "the value itself does not clear the threshold" if beyond else "no number of cases can be given"
    what, have = _denominator(criterion)
    return (
        f"{max(criterion.needed - have, 0):,} more {what} ({criterion.needed:,} in all), if the value is the true one"
    )


def _denominator(criterion: CriterionResult) -> tuple[str, int]:
    known = METRICS.get(criterion.metric.partition("@")[0])
    needs = known.needs if known else ()
    if "positives" in needs:
        return "positives", criterion.positives or 0
    return ("negatives" if needs else "cases"), criterion.n


def overall(outcome: Outcome, criteria: tuple[CriterionResult, ...]) -> str:
    """The verdict in one sentence."""
    if not criteria:
        return "No verdict: the protocol has no acceptance criteria."
    if outcome == "met":
        return f"All {len(criteria)} acceptance criteria are met."
    tally = [(kind, sum(each.outcome == kind for each in criteria)) for kind in ("not met", "undecided", "met")]
    said = ", ".join(f"{many} {kind}" for kind, many in tally if many)
    start = "Not accepted" if outcome == "not met" else "Not decided"
    return f"{start}: of {len(criteria)} acceptance criteria {said}."


def why_none(figure: Figure) -> str:
    """Why a figure does not exist."""
    return figure.words or "not estimable"
