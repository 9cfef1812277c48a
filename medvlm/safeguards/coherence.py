"""Findings that contain one another must not contradict one another."""

from __future__ import annotations

from collections.abc import Sequence

from medvlm.contract import Finding, Warning

CONTAINED_IN = {
    "consolidation": "airspace_opacity",
    "infiltration": "airspace_opacity",
    "pneumonia": "airspace_opacity",
}
"""Finding -> the wider finding that it is a case of, as the training labels define it."""

WIDEST = "abnormality"


def coherent(findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Warning, ...]]:
    """A wider finding is not "absent" beside a present case of it: it becomes indeterminate, with a warning."""
    present = {finding.name for finding in findings if finding.presence == "present"}
    wider = {CONTAINED_IN.get(name, WIDEST) for name in present - {WIDEST}} | ({WIDEST} if present else set())
    contradicted = {finding.name for finding in findings if finding.name in wider and finding.presence == "absent"}
    mended = tuple(
        finding.model_copy(update={"presence": "indeterminate"}) if finding.name in contradicted else finding
        for finding in findings
    )
    return mended, tuple(
        Warning(
            code="findings_disagree",
            words=f"The model calls {name.replace('_', ' ')} absent but a case of it present: left open.",
        )
        for name in sorted(contradicted)
    )
