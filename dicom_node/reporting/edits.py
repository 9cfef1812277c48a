"""From what was saved to what was done.

Every saved edit states all decisions so far, so that saving twice changes nothing and undoing is saving fewer. A
document states each decision once, by the person who made it: an `Edit` a person, in the order of their last words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from dicom_node.report.life_cycle import Act, Decision, Edit, Person
from medvlm.contract import Narrative

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Made(Generic[Value]):
    value: Value
    person: Person
    at: datetime


def settled(acts: Sequence[Act]) -> tuple[Act, ...]:
    """The saved edits as one edit a person, with the decisions of theirs that stand; other acts as they are."""
    edits = [act for act in acts if isinstance(act, Edit)]
    others = [act for act in acts if not isinstance(act, Edit)]
    return (*_edits(edits), *others)


def _edits(saved: Sequence[Edit]) -> tuple[Edit, ...]:
    if not saved:
        return ()
    decisions, narrative = _decisions(saved), _narrative(saved)
    people = list(dict.fromkeys(made.person for made in sorted(decisions, key=lambda made: made.at)))
    edits = [_edit(person, [made for made in decisions if made.person == person]) for person in people]
    edits.sort(key=lambda edit: edit.at)
    if narrative is not None:
        # The words stand last: whatever is decided after them would rewrite them.
        at = max([narrative.at, *(edit.at for edit in edits)])
        edits.append(Edit(person=narrative.person, at=at, narrative=narrative.value))
    return tuple(edits) or (Edit(person=saved[-1].person, at=saved[-1].at),)


def _edit(person: Person, made: Sequence[_Made[Decision]]) -> Edit:
    return Edit(person=person, at=max(one.at for one in made), decisions=tuple(one.value for one in made))


def _decisions(saved: Sequence[Edit]) -> tuple[_Made[Decision], ...]:
    """The last save's decisions, each with who made it first as it stands now."""
    known: dict[Decision, _Made[Decision]] = {}
    for edit in saved:
        known = {it: known.get(it) or _Made(it, edit.person, edit.at) for it in edit.decisions}
    return tuple(known.values())


def _narrative(saved: Sequence[Edit]) -> _Made[Narrative] | None:
    made: _Made[Narrative] | None = None
    for edit in saved:
        if edit.narrative is None:
            made = None
        elif made is None or made.value != edit.narrative:
            made = _Made(edit.narrative, edit.person, edit.at)
    return made
