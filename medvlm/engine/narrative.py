"""The draft's sentences, chosen from the vocabulary by each finding's presence: they cannot disagree with the codes."""

from __future__ import annotations

from collections.abc import Sequence

from medvlm.contract import Finding, FindingName, Laterality, Narrative, Presence, Sentence
from medvlm.vocabulary import term, terms

_ORDER: tuple[Presence, ...] = ("present", "indeterminate", "absent")


def narrative(findings: Sequence[Finding]) -> Narrative:
    """Findings: one sentence for each, what is present first. Impression: what is present, or that nothing is."""
    ordered = [finding for presence in _ORDER for finding in findings if finding.presence == presence]
    present = [finding for finding in ordered if finding.presence == "present"]
    overall = [finding for finding in ordered if finding.name == "abnormality"]
    return Narrative(
        findings=tuple(sentence(finding) for finding in ordered),
        impression=tuple(sentence(finding) for finding in (present or overall)),
    )


def sentence(finding: Finding) -> Sentence:
    return Sentence(text=statement(finding.name, finding.presence), findings=(finding.name,))


def statement(name: str, presence: Presence) -> str:
    """The vocabulary's first wording."""
    said = term(name)
    return {"present": said.present, "absent": said.absent, "indeterminate": said.indeterminate}[presence][0]


_SIDES: dict[Laterality, str] = {
    "right": "on the patient's right",
    "left": "on the patient's left",
    "bilateral": "on both sides",
}


def place_words(finding: Finding) -> str | None:
    """Where a finding that is present lies: its boxes, its side, or both; None when neither is given."""
    side = side_words(finding)
    if finding.evidence:
        marked = "It is marked on the image"
        return f"{marked}, {_SIDES[finding.laterality]}." if side else f"{marked}."
    return side


def side_words(finding: Finding) -> str | None:
    """The side of a finding that is present; None when it is not given."""
    return None if finding.laterality == "unspecified" else f"It is {_SIDES[finding.laterality]}."


def not_assessed_words(names: Sequence[FindingName]) -> str:
    """Findings that were not looked for, by their names for people."""
    return f"Not assessed: {_listed(names)}."


def extent_words(assessed: Sequence[FindingName]) -> str:
    """What was looked for, and that nothing else was."""
    left = [name for name in terms() if name not in assessed]
    missing = [not_assessed_words(left)] if left else []
    looked = _listed(assessed) if assessed else "no finding"
    return " ".join(
        [
            *missing,
            f"Looked for: {looked}.",
            "Nothing else was looked at: bones, tubes, lines and devices, vessels and earlier films among it.",
        ]
    )


def _listed(names: Sequence[FindingName]) -> str:
    return ", ".join(term(name).display.lower() for name in names)
