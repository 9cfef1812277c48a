"""Answers of a model that a hospital brings: what it may state, and in which words it declines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medvlm.contract import Answer, Finding, FindingName, ModelIdentity, Refusal, Warning
from medvlm.engine.calibration import Calibration
from medvlm.engine.narrative import statement
from medvlm.engine.questions import AboutFinding
from medvlm.vocabulary import terms

NOT_VALIDATED = Warning(
    code="not_validated",
    words="This model was not validated here: it states no findings, and its words are unchecked. To validate it, fit"
    " a calibration on patients of your own and put calibration.json beside its weights or adapter.",
)
IMAGE_NOT_USED = Refusal(code="image_not_used", reason="A blank image would have given the same answer")
_WHERE = re.compile(r"\b(where|locate|location|point (?:to|at)|show me)\b", re.IGNORECASE)


def refused(refusal: Refusal, identity: ModelIdentity, warnings: Sequence[Warning]) -> Answer:
    text = f"Cannot be answered from this image. {refusal.reason}."
    return Answer(kind="refusal", text=text, refusal=refusal, model=identity, warnings=tuple(warnings))


def closed(
    asked: AboutFinding,
    found: Finding | None,
    calibration: Calibration,
    identity: ModelIdentity,
    warnings: Sequence[Warning],
) -> Answer:
    """Probability and reliance are those of the answer "yes": a negated question turns both round."""
    if found is None:
        reason = "The model answered neither yes nor no"
        return refused(Refusal(code="finding_not_assessed", reason=reason), identity, warnings)
    reliance = found.image_reliance or 0.0
    if abs(reliance) <= calibration.reliance_floor:
        return refused(IMAGE_NOT_USED, identity, warnings)
    affirmed = (found.presence == "present") != asked.negated
    lead = "" if found.presence == "indeterminate" else ("Yes. " if affirmed else "No. ")
    return Answer(
        kind="yes_no",
        text=f"{lead}{statement(found.name, found.presence)}",
        probability=1.0 - found.probability if asked.negated else found.probability,
        finding=found.name,
        image_reliance=-reliance if asked.negated else reliance,
        model=identity,
        warnings=tuple(warnings),
    )


def place_asked(text: str) -> str:
    """The one finding whose place a question asks for, in the vocabulary's words; "" for any other question."""
    if not _WHERE.search(text):
        return ""
    plain = text.casefold()
    named = {
        said.display.lower()
        for said in terms().values()
        if said.boxable and any(re.search(rf"\b{re.escape(word)}\b", plain) for word in said.keywords)
    }
    return named.pop() if len(named) == 1 else ""


def neither(name: FindingName) -> Warning:
    words = f"Asked about {name.replace('_', ' ')}, the model answered neither yes nor no: not assessed."
    return Warning(code="not_yes_or_no", words=words)
