"""What a signed report says of the model, finding by finding. The label is biased: the radiologist saw the draft.

A finding may be stated more than once (right, left): over its statements present beats indeterminate beats absent.
Agreed means that the same presence stands. A report that was rejected as a whole says nothing of single findings.
"""

from __future__ import annotations

from collections.abc import Sequence

from medvlm.contract import FindingName, Presence
from validation.cases import Frozen
from validation.monitor.observed import ObservedStudy, Statement

STRENGTH: tuple[Presence, ...] = ("present", "indeterminate", "absent")


class Judged(Frozen):
    """One finding of one signed report. `probability` is the model's highest of that finding."""

    name: FindingName
    stated: Presence
    stands: Presence | None
    same_side: bool
    probability: float | None

    @property
    def agreed(self) -> bool:
        return self.stated == self.stands


class Tally(Frozen):
    """One finding over many signed reports; the five add up to `n`."""

    finding: FindingName
    n: int
    kept: int
    other_side: int
    removed: int
    """Stated present, or perhaps present, and taken out or down."""
    raised: int
    """Stated absent, or perhaps present, and put in or up."""
    withdrawn: int
    """Stated absent, and the statement was taken out."""


def judged(study: ObservedStudy) -> tuple[Judged, ...]:
    """Findings that the model assessed, each once; none where the report was not signed."""
    names = dict.fromkeys(each.name for each in study.statements if each.stated)
    return tuple(_judged(name, [each for each in study.statements if each.name == name]) for name in names)


def overridden(study: ObservedStudy) -> bool:
    """Something of what the model stated does not stand, or something was added to it."""
    changed = (s.stated != s.stands or s.side_stated != s.side_stands for s in study.statements)
    return study.standing == "rejected" or any(changed)


def tally(studies: Sequence[ObservedStudy]) -> tuple[Tally, ...]:
    """In the order in which findings first come up."""
    by_name: dict[str, list[Judged]] = {}
    for study in studies:
        for each in judged(study):
            by_name.setdefault(each.name, []).append(each)
    return tuple(_tally(name, each) for name, each in by_name.items())


def _judged(name: FindingName, statements: Sequence[Statement]) -> Judged:
    by_model = [each for each in statements if each.stated]
    probabilities = [each.probability for each in by_model if each.probability is not None]
    return Judged(
        name=name,
        stated=_strongest([each.stated for each in by_model]) or "absent",
        stands=_strongest([each.stands for each in statements]),
        same_side=all(each.side_stated == each.side_stands for each in by_model if each.stands == each.stated),
        probability=max(probabilities, default=None),
    )


def _strongest(stated: Sequence[Presence | None]) -> Presence | None:
    return next((each for each in STRENGTH if each in stated), None)


def _tally(name: FindingName, rows: Sequence[Judged]) -> Tally:
    fates = [_fate(each) for each in rows]
    counts = {fate: fates.count(fate) for fate in ("kept", "other_side", "removed", "raised", "withdrawn")}
    return Tally(finding=name, n=len(rows), **counts)


def _fate(row: Judged) -> str:
    if row.agreed:
        return "kept" if row.same_side else "other_side"
    if row.stands is None:
        return "withdrawn" if row.stated == "absent" else "removed"
    return "removed" if STRENGTH.index(row.stated) < STRENGTH.index(row.stands) else "raised"
