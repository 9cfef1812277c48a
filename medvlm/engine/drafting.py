"""The reading of a study from what was found on it: the same for every engine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from medvlm.contract import Finding, FindingName, ImageSource, ModelIdentity, Reading, Scope, StudyInput, Warning
from medvlm.engine.narrative import narrative
from medvlm.safeguards.draft_text import check_draft
from medvlm.vocabulary import terms


@dataclass(frozen=True)
class Found:
    """Findings of one study, and what has to be said with them."""

    findings: tuple[Finding, ...] = ()
    warnings: tuple[Warning, ...] = ()


def reading_of(
    study: StudyInput,
    model: ModelIdentity,
    scope: Scope,
    images: tuple[ImageSource, ...],
    found: Found,
    assessed: Collection[FindingName],
    created: datetime,
) -> Reading:
    """The draft written from the findings and held against them; whatever is not in `assessed` is listed as such."""
    text = narrative(found.findings)
    return Reading(
        study_uid=study.study_uid,
        model=model,
        scope=scope,
        findings=found.findings,
        narrative=text,
        not_assessed=tuple(name for name in terms() if name not in assessed),
        warnings=(*found.warnings, *check_draft(text, found.findings, has_prior=study.prior is not None)),
        images=images,
        created=created,
    )
