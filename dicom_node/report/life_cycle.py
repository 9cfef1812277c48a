"""A report's life: its states, what leads from one to the next, and that only a person does.

    draft → edited → signed → addended → addended
    draft, edited → rejected

Flags: PS3.3 C.17.2 (VERIFIED only with COMPLETE). The rows of edited, addended and rejected are this node's rule
within it. An act is a frozen value, so that a version is its draft and the acts since.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from dicom_node.errors import Edge, NodeError
from dicom_node.report.document import BANNER, DRAFT, State
from medvlm.contract import Box, Contract, FindingName, Laterality, Narrative, Presence

StateName = Literal["draft", "edited", "signed", "addended", "rejected"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Uid = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=64)]
Role = Literal["radiologist", "resident", "technologist"]


class IllegalTransition(NodeError, ValueError):
    """What was asked does not lead on from the report's state."""

    code: ClassVar[str] = "illegal_transition"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=409, exit=2)


class Person(Contract):
    """Who acts. `name` is a PN value (PS3.5 6.2.1), `id` the person's code in the organisation's own scheme."""

    id: Annotated[Words, StringConstraints(max_length=64)]
    name: Annotated[Words, StringConstraints(pattern=r"[^\s^=\\]")]
    organisation: Words
    role: Role = "radiologist"


class Accept(Contract):
    """The finding stands as the model stated it."""

    verdict: Literal["accepted"] = "accepted"
    tracking_uid: Uid


class Change(Contract):
    """The finding stands as given here. It stays the same lesion, found by the model."""

    verdict: Literal["changed"] = "changed"
    tracking_uid: Uid
    presence: Presence
    laterality: Laterality = "unspecified"
    evidence: tuple[Box, ...] = ()


class Remove(Contract):
    """The finding does not stand. It stays readable in the version before."""

    verdict: Literal["rejected"] = "rejected"
    tracking_uid: Uid


class Add(Contract):
    """A finding of the person's own."""

    verdict: Literal["added"] = "added"
    tracking_uid: Uid
    name: FindingName
    presence: Presence = "present"
    laterality: Laterality = "unspecified"
    evidence: tuple[Box, ...] = ()


Decision = Annotated[Accept | Change | Remove | Add, Field(discriminator="verdict")]


class Edit(Contract):
    """Decisions on findings, in their order. Without a `narrative` of its own the sentences follow the decisions."""

    kind: Literal["edit"] = "edit"
    person: Person
    at: AwareDatetime
    decisions: tuple[Decision, ...] = ()
    narrative: Narrative | None = None


class Sign(Contract):
    """The person takes responsibility for what stands."""

    kind: Literal["sign"] = "sign"
    person: Person
    at: AwareDatetime


class Addend(Contract):
    """Words added to a signed report, verified by the person who adds them."""

    kind: Literal["addend"] = "addend"
    person: Person
    at: AwareDatetime
    text: Words


class Reject(Contract):
    """The draft is not used. Nothing of it is repeated."""

    kind: Literal["reject"] = "reject"
    person: Person
    at: AwareDatetime
    reason: str = ""


Act = Annotated[Edit | Sign | Addend | Reject, Field(discriminator="kind")]

TRANSITIONS: Mapping[tuple[StateName, str], StateName] = MappingProxyType(
    {
        ("draft", "edit"): "edited",
        ("draft", "sign"): "signed",
        ("draft", "reject"): "rejected",
        ("edited", "edit"): "edited",
        ("edited", "sign"): "signed",
        ("edited", "reject"): "rejected",
        ("signed", "addend"): "addended",
        ("addended", "addend"): "addended",
    }
)

# Viewers cut a series description after some 20 characters: what matters comes first.
STATES: Mapping[StateName, State] = MappingProxyType(
    {
        "draft": DRAFT,
        "edited": State(
            "edited", "PARTIAL", "UNVERIFIED", "PRELIMINARY", BANNER, "NOT VERIFIED - AI-generated draft, edited"
        ),
        "signed": State("signed", "COMPLETE", "VERIFIED", "FINAL", "Verified by {person}.", "VERIFIED by {person}"),
        "addended": State(
            "addended",
            "COMPLETE",
            "VERIFIED",
            "FINAL",
            "Addendum verified by {person}.",
            "VERIFIED, addendum by {person}",
        ),
        "rejected": State(
            "rejected",
            "COMPLETE",
            "UNVERIFIED",
            "PRELIMINARY",
            "Draft rejected. AI-generated, not verified.",
            "NOT VERIFIED - AI-generated draft rejected",
        ),
    }
)
"""Flags and words by state; `{person}` is who acted last."""


def after(state: StateName, act: Edit | Sign | Addend | Reject) -> StateName:
    """The state that the act leads to. Raises `IllegalTransition`."""
    found = TRANSITIONS.get((state, act.kind))
    if found is None:
        possible = ", ".join(kind for before, kind in TRANSITIONS if before == state)
        raise IllegalTransition(
            f"a report that is {state} cannot be the object of: {act.kind}",
            way_out=f"Possible: {possible}." if possible else "It is final: a new reading gives a new draft.",
        )
    return found
