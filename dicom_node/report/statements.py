"""What stands in a version: findings and sentences after the decisions of people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from dicom_node.report.document import NotReportable
from dicom_node.report.life_cycle import Add, Addend, Change, Decision, Edit, Person, Remove
from dicom_node.report.version import Version
from medvlm.contract import Box, Finding, FindingName, Laterality, Narrative, Presence, Sentence
from medvlm.vocabulary import term


@dataclass(frozen=True)
class Statement:
    """A finding as it stands. `person` is who changed or added it, None while it is the model's alone.

    `probability` is the model's, for the presence that it stated: None where a person stated another presence.
    """

    name: FindingName
    presence: Presence
    laterality: Laterality
    evidence: tuple[Box, ...]
    tracking_uid: str
    probability: float | None
    by_model: bool
    person: Person | None = None


@dataclass(frozen=True)
class Line:
    """A sentence of the narrative. `by_model` while its words are the model's.

    `side_in_brackets` for the vocabulary's words about a person's statement: they name no side.
    """

    text: str
    findings: tuple[FindingName, ...]
    by_model: bool
    side_in_brackets: bool = False


@dataclass(frozen=True)
class Content:
    """What a version says. `addenda` are oldest first."""

    statements: tuple[Statement, ...]
    findings: tuple[Line, ...]
    impression: tuple[Line, ...]
    addenda: tuple[Addend, ...] = ()


def content(version: Version) -> Content:
    """What stands after every act; nothing in a rejected report.

    Raises `NotReportable` for a decision on a finding that does not stand, or an addition under a taken UID.
    """
    reading = version.draft.reading
    if version.state == "rejected":
        return Content((), (), ())
    edits = (act for act in version.acts if isinstance(act, Edit))
    edited = reduce(_edit, edits, Content(statements(reading.findings), *_lines(reading.narrative, by_model=True)))
    _refuse_contradiction(edited.statements)
    return replace(edited, addenda=tuple(act for act in version.acts if isinstance(act, Addend)))


def statements(findings: Iterable[Finding]) -> tuple[Statement, ...]:
    """The model's findings, untouched."""
    return tuple(
        Statement(it.name, it.presence, it.laterality, it.evidence, it.tracking_uid, it.probability, by_model=True)
        for it in findings
    )


def _lines(narrative: Narrative, *, by_model: bool) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    def of(sentences: tuple[Sentence, ...]) -> tuple[Line, ...]:
        return tuple(Line(it.text, it.findings, by_model) for it in sentences if it.text.strip())

    return of(narrative.findings), of(narrative.impression)


def _edit(before: Content, edit: Edit) -> Content:
    stand = before.statements
    for decision in edit.decisions:
        stand = _decide(stand, decision, edit.person)
    if edit.narrative is not None:
        kept = {(line.text, line.findings) for line in (*before.findings, *before.impression) if line.by_model}
        written = _lines(edit.narrative, by_model=False)
        findings, impression = (
            tuple(replace(it, by_model=(it.text, it.findings) in kept) for it in lines) for lines in written
        )
        return Content(stand, findings, impression)
    return Content(stand, *_follow(before, stand, edit.decisions))


def _decide(stand: tuple[Statement, ...], decision: Decision, person: Person) -> tuple[Statement, ...]:
    at = next((index for index, it in enumerate(stand) if it.tracking_uid == decision.tracking_uid), None)
    if isinstance(decision, Add):
        if at is not None:
            raise _unfit("a finding with this tracking UID stands already", decision)
        return (*stand, _added(decision, person))
    if at is None:
        raise _unfit("no finding with this tracking UID stands", decision)
    before, after = stand[:at], stand[at + 1 :]
    if isinstance(decision, Change):
        return (*before, _changed(stand[at], decision, person), *after)
    return (*before, *after) if isinstance(decision, Remove) else stand


def _added(add: Add, person: Person) -> Statement:
    term(add.name)  # a name outside the vocabulary is refused here, not in the middle of a document
    return Statement(
        add.name, add.presence, add.laterality, add.evidence, add.tracking_uid, None, by_model=False, person=person
    )


def _changed(old: Statement, change: Change, person: Person) -> Statement:
    return replace(
        old,
        presence=change.presence,
        laterality=change.laterality,
        evidence=change.evidence,
        probability=old.probability if change.presence == old.presence else None,
        person=person,
    )


def _refuse_contradiction(stand: tuple[Statement, ...]) -> None:
    """One finding cannot be there and absent on the same side: what the model excluded is changed, not added to."""
    absent = {(it.name, it.laterality) for it in stand if it.presence == "absent"}
    for it in stand:
        excluded = {(it.name, it.laterality), (it.name, "unspecified")}
        if it.presence != "absent" and not absent.isdisjoint(excluded):
            raise NotReportable(
                f"{term(it.name).display.lower()} would be stated and excluded at once",
                where=it.tracking_uid,
                way_out="Change the finding that excludes it.",
            )


def _unfit(what: str, decision: Decision) -> NotReportable:
    return NotReportable(what, where=decision.tracking_uid, way_out="Decide on the version that is shown.")


def _follow(
    before: Content, stand: tuple[Statement, ...], decisions: tuple[Decision, ...]
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The sentences after the decisions: one that speaks of a decided finding gives way to the vocabulary's own."""
    names = {it.tracking_uid: it.name for it in before.statements}
    touched = {names[it.tracking_uid] for it in decisions if isinstance(it, Change | Remove)}
    added = [it for it in decisions if isinstance(it, Add)]
    new = tuple(sentence(it) for it in stand if it.tracking_uid in {one.tracking_uid for one in added})
    pressing = tuple(line for line, one in zip(new, added, strict=True) if one.presence == "present")
    return (
        (*_reworded(before.findings, touched, stand), *new),
        (*_reworded(before.impression, touched, stand), *pressing),
    )


def _reworded(lines: tuple[Line, ...], touched: set[FindingName], stand: tuple[Statement, ...]) -> tuple[Line, ...]:
    def now(line: Line) -> list[Line]:
        if touched.isdisjoint(line.findings):
            return [line]
        return [sentence(it) for it in stand if it.name in line.findings]

    return tuple(dict.fromkeys(new for line in lines for new in now(line)))


def sentence(statement: Statement) -> Line:
    """The statement in the vocabulary's words."""
    words = getattr(term(statement.name), statement.presence)[0]
    by_model = statement.person is None
    return Line(words, (statement.name,), by_model, side_in_brackets=not by_model)
