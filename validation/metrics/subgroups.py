"""The same figure in each subgroup: sex, age band, view, device, site.

Every group is printed with its n, positives, negatives and patients. Below a fewest of positives, negatives or
patients a group has no interval and no verdict ("too few"); below a second number of positives its verdict is never
better than undecided. The criterion of a family is on its worst group: the lowest lower bound against the overall
value less a margin. A study whose attribute is not known is a group of its own: leaving it out would hide it.

Source: the numbers are ours to choose, for want of a standard; a protocol fixes others before results exist.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from validation.metrics.cases import Cases
from validation.statistics.bounds import Outcome, at_least
from validation.statistics.delong import auroc_estimate
from validation.statistics.estimate import Estimate

UNKNOWN = "unknown"


class SmallGroups(BaseModel):
    """Which groups say nothing, and which too little for "met"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fewest_positives: int = Field(default=10, ge=1)
    fewest_negatives: int = Field(default=10, ge=1)
    fewest_patients: int = Field(default=20, ge=2)
    fewest_positives_for_a_verdict: int = Field(default=50, ge=1)


class Group(BaseModel):
    """One group; `auroc` is None where `too_few` says why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    count: int
    positives: int
    negatives: int
    patients: int
    auroc: Estimate | None
    too_few: str
    carries_a_verdict: bool


class Family(BaseModel):
    """All groups of one attribute, the largest first, and the verdict on the worst."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    groups: tuple[Group, ...]
    worst: str
    """Name of the group with the lowest lower bound; empty where no group has one."""
    outcome: Outcome
    words: str


def age_band(years: float | None, bands: Sequence[int] = (0, 18, 40, 65, 80)) -> str:
    """The band that holds an age: "18–39", "80+"; `bands` are the rising first years."""
    if years is None or years < bands[0]:
        return UNKNOWN
    k = bisect.bisect_right(bands, years) - 1
    return f"{bands[k]}+" if k == len(bands) - 1 else f"{bands[k]}–{bands[k + 1] - 1}"


def family(
    attribute: str, values: Sequence[str], cases: Cases, overall: float, margin: float, small: SmallGroups
) -> Family:
    """`values[i]` is the attribute of the i-th case, empty where not known. `overall` is the AUROC of all cases."""
    named = np.array([value or UNKNOWN for value in values], dtype=object)
    groups = [_group(str(name), cases.where(named == name), small) for name in sorted(set(named))]
    groups.sort(key=lambda each: (-each.count, each.name))
    seen = [each for each in groups if each.auroc is not None]
    worst = min(seen, key=lambda each: each.auroc.low if each.auroc else 1.0).name if seen else ""
    outcome, words = _verdict(groups, overall - margin)
    return Family(attribute=attribute, groups=tuple(groups), worst=worst, outcome=outcome, words=words)


def _group(name: str, cases: Cases, small: SmallGroups) -> Group:
    too_few = _too_few(cases, small)
    return Group(
        name=name,
        count=cases.count,
        positives=cases.positives,
        negatives=cases.negatives,
        patients=cases.patient_count,
        auroc=None if too_few else auroc_estimate(cases.truth, cases.scores, cases.patients),
        too_few=too_few,
        carries_a_verdict=not too_few and cases.positives >= small.fewest_positives_for_a_verdict,
    )


def _too_few(cases: Cases, small: SmallGroups) -> str:
    for what, count, fewest in (
        ("positives", cases.positives, small.fewest_positives),
        ("negatives", cases.negatives, small.fewest_negatives),
        ("patients", cases.patient_count, small.fewest_patients),
    ):
        if count < fewest:
            return f"{count} {what}: fewer than {fewest}"
    return ""


def _verdict(groups: Sequence[Group], floor: float) -> tuple[Outcome, str]:
    """Any group that is not met decides; a group that cannot be judged keeps the family from being met."""
    outcomes = [_outcome(each, floor) for each in groups]
    order: tuple[Outcome, ...] = ("not met", "undecided")
    for wanted in order:
        named = [each.name for each, outcome in zip(groups, outcomes, strict=True) if outcome == wanted]
        if named:
            return wanted, ", ".join(named)
    return ("met", "") if groups else ("undecided", "there is no group")


def _outcome(group: Group, floor: float) -> Outcome:
    if group.auroc is None:
        return "undecided"
    outcome = at_least(group.auroc.low, group.auroc.high, floor)
    return "undecided" if outcome == "met" and not group.carries_a_verdict else outcome
