"""The draft's sentences, chosen from the vocabulary by each finding's presence: they cannot disagree with the codes."""

from __future__ import annotations

from collections.abc import Sequence

from medvlm.contract import Finding, Narrative, Presence, Sentence
from medvlm.vocabulary import term

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
