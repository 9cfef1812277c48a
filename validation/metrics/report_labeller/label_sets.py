"""The same labels as the CheXpert set has them, and findings that include others.

`no_finding` is positive only where every other label but support devices is absent or not mentioned, and where no
other abnormality is named; else it is not set at all.

Source: Irvin et al., AAAI 2019.
"""

from __future__ import annotations

from collections.abc import Mapping

from validation.metrics.label_f1 import State
from validation.metrics.report_labeller.labeller import STRENGTH, ReportLabels
from validation.metrics.report_labeller.rules import Rules, english_rules

PARENTS = {
    "consolidation": "lung_opacity",
    "edema": "lung_opacity",
    "pneumonia": "lung_opacity",
    "atelectasis": "lung_opacity",
    "lung_lesion": "lung_opacity",
    "cardiomegaly": "enlarged_cardiomediastinum",
}


def fourteen(report: ReportLabels, rules: Rules | None = None) -> dict[str, State]:
    """The labels of the set that the report mentions."""
    named = {rule.name: rule.fourteen for rule in (rules or english_rules()).findings if rule.fourteen}
    found: dict[str, State] = {}
    for finding, state in report.states.items():
        if finding in named:
            found[named[finding]] = stronger(found.get(named[finding]), state)
    if _nothing_found(report, found):
        found["no_finding"] = "positive"
    return found


def with_parents(labels: Mapping[str, State]) -> dict[str, State]:
    """A finding that is present makes the one that includes it present; uncertain likewise. Absent says nothing."""
    found = dict(labels)
    for child, parent in PARENTS.items():
        state = labels.get(child)
        if state and state != "negative":
            found[parent] = stronger(found.get(parent), state)
    return found


def stronger(first: State | None, second: State) -> State:
    return second if first is None else max(first, second, key=STRENGTH.index)


def _nothing_found(report: ReportLabels, found: Mapping[str, State]) -> bool:
    if report.language != "english" or report.other_abnormal:
        return False
    every = {**report.states, **found}
    return all(state == "negative" for label, state in every.items() if label != "support_devices")
