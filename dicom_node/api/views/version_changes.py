"""The history of a report: its versions, and in words what each changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from dicom_node.api.bodies.reports import ReportVersion
from dicom_node.api.views.report import display
from dicom_node.report.life_cycle import Accept, Act, Add, Addend, Change, Decision, Edit, Reject, Remove, Sign
from dicom_node.reporting.history import OpenReport
from medvlm.contract import FindingName, Laterality, Narrative

Names = dict[str, FindingName]


def versions(opened: OpenReport, *, hidden: bool) -> tuple[ReportVersion, ...]:
    """Oldest first. Without the words where the report is hidden."""
    names = {found.tracking_uid: found.name for found in opened.kept.reading.findings}
    told = [
        ReportVersion(
            version=opened.kept.version,
            state="draft",
            kind="draft",
            person=None,
            at=opened.kept.reading.created,
            changes=(),
        )
    ]
    before: Edit | None = None
    for row, act in zip(opened.stored, opened.acts, strict=True):
        told.append(
            ReportVersion(
                version=row.version,
                state=row.state,
                kind=act.kind,
                person=act.person.name,
                at=act.at,
                changes=() if hidden else tuple(_words(before, act, names)),
            )
        )
        before = act if isinstance(act, Edit) else before
    return tuple(told)


def _words(before: Edit | None, act: Act, names: Names) -> Iterable[str]:
    match act:
        case Edit():
            yield from _edited(before, act, names)
        case Sign():
            yield "Signed"
        case Addend():
            yield "Addendum added"
        case Reject(reason=reason):
            yield f"Draft rejected: {reason.strip()}" if reason.strip() else "Draft rejected"
        case _ as never:
            assert_never(never)


def _edited(before: Edit | None, edit: Edit, names: Names) -> Iterable[str]:
    earlier = {one.tracking_uid: one for one in before.decisions} if before else {}
    later = {one.tracking_uid: one for one in edit.decisions}
    for uid, decision in later.items():
        if earlier.get(uid) != decision:
            yield _decided(decision, names)
    for uid, decision in earlier.items():
        if uid not in later:
            yield f"Taken back: {_decided(decision, names)}"
    yield from _reworded(before.narrative if before else None, edit.narrative)


def _decided(decision: Decision, names: Names) -> str:
    named = display(names.get(decision.tracking_uid, "finding"))
    match decision:
        case Accept():
            return f"{named} accepted"
        case Remove():
            return f"{named} rejected"
        case Change():
            return f"{named} changed to {_stated(decision.presence, decision.laterality)}"
        case Add():
            return f"{display(decision.name)} added as {_stated(decision.presence, decision.laterality)}"
        case _ as never:
            assert_never(never)


def _stated(presence: str, laterality: Laterality) -> str:
    return presence if laterality == "unspecified" else f"{presence}, {laterality}"


def _reworded(before: Narrative | None, after: Narrative | None) -> Iterable[str]:
    if before == after:
        return
    if after is None:
        yield "Narrative follows the decisions again"
    else:
        yield "Narrative written" if before is None else "Narrative rewritten"
