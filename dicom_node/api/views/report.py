"""A report as the API answers it. The only place where what a model found becomes an answer: see `reveal`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dicom_node.api import reveal
from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies import reports as bodies
from dicom_node.api.bodies.base import moment
from dicom_node.api.node import ApiNode
from dicom_node.archive import outbox
from dicom_node.archive.acts import find_own_read
from dicom_node.archive.readings import Report as StoredReport
from dicom_node.archive.readings import reports_of
from dicom_node.report.document import EVALUATION_ONLY
from dicom_node.report.life_cycle import TRANSITIONS, Add, Addend, Change, Decision, Edit, Sign
from dicom_node.report.narrative import with_certainty
from dicom_node.report.statements import Line, Statement, content
from dicom_node.report.words import certainty_words
from dicom_node.reporting.acting import undecided
from dicom_node.reporting.history import OpenReport
from medvlm.contract import Finding, Refusal
from medvlm.vocabulary import terms


def report(
    node: ApiNode, by: Principal, opened: OpenReport, *, newest: bool = True, hidden: bool | None = None
) -> bodies.Report:
    """The report for whoever asks. An earlier version comes with `newest` false, and `hidden` as the newest one is."""
    reading, version = opened.kept.reading, opened.report
    hidden = is_hidden(node, by, opened) if hidden is None else hidden
    waiting = waiting_findings(opened)
    return bodies.Report(
        id=opened.id,
        study_uid=opened.study_uid,
        version=opened.version,
        state=version.state,
        superseded_by=opened.superseded_by,
        hidden=hidden,
        drafted=reading.created,
        changed=version.at,
        model=reading.model,
        banner=version.flags.description,
        evaluation_only=EVALUATION_ONLY,
        findings=() if hidden else _findings(opened),
        narrative=bodies.ReportNarrative() if hidden else _narrative(opened),
        addenda=_addenda(opened),
        not_assessed=tuple(bodies.NotAssessed(name=name, display=display(name)) for name in reading.not_assessed),
        warnings=() if hidden else reading.warnings,
        refusal=reading.scope if isinstance(reading.scope, Refusal) else None,
        undecided=() if hidden else waiting,
        may=_may(by, opened, ready=not waiting) if newest and not hidden else _NOTHING,
        signed_by=_signature(opened),
        decisions=() if hidden else decisions(opened),
        documents=() if hidden else _documents(node, opened),
        own_read=_own_read(node, by, opened),
    )


def is_hidden(node: ApiNode, by: Principal, opened: OpenReport) -> bool:
    return reveal.hides(node.engine, node.settings, by, opened.kept.reading, opened.id, opened.report.state)


def waiting_findings(opened: OpenReport) -> tuple[str, ...]:
    """Tracking UIDs to decide on before signing."""
    if opened.report.state not in ("draft", "edited"):
        return ()
    return undecided(opened.kept.reading, opened.last_edit)


def decisions(opened: OpenReport) -> tuple[Decision, ...]:
    return opened.last_edit.decisions if opened.last_edit else ()


def display(name: str) -> str:
    """The vocabulary's word; the name itself for one that a later release has dropped."""
    known = terms().get(name)
    return known.display if known else name


def _findings(opened: OpenReport) -> tuple[bodies.ReportFinding, ...]:
    """The model's, in its order, then those that people added."""
    decided = {one.tracking_uid: one for one in decisions(opened)}
    people = _deciders(opened)
    model = tuple(
        _finding(found, decided.get(found.tracking_uid), people.get(found.tracking_uid))
        for found in opened.kept.reading.findings
    )
    return (*model, *(_added(one, people.get(one.tracking_uid)) for one in decided.values() if isinstance(one, Add)))


def _deciders(opened: OpenReport) -> Mapping[str, str]:
    """Who made each decision that stands, by tracking UID."""
    edits = (act for act in opened.report.acts if isinstance(act, Edit))
    return {one.tracking_uid: edit.person.name for edit in edits for one in edit.decisions}


def _finding(found: Finding, decided: Decision | None, person: str | None) -> bodies.ReportFinding:
    changed = decided if isinstance(decided, Change) else None
    stands = changed or found
    probability = found.probability if stands.presence == found.presence else None
    model = bodies.Stated(presence=found.presence, laterality=found.laterality, evidence=found.evidence)
    return bodies.ReportFinding(
        tracking_uid=found.tracking_uid,
        name=found.name,
        display=display(found.name),
        presence=stands.presence,
        laterality=stands.laterality,
        probability=probability,
        certainty="" if probability is None else certainty_words(probability),
        evidence=stands.evidence,
        image_reliance=found.image_reliance if probability is not None else None,
        by="person" if changed else "model",
        person=person,
        decision=decided.verdict if decided else None,
        model=model if changed else None,
    )


def _added(one: Add, person: str | None) -> bodies.ReportFinding:
    return bodies.ReportFinding(
        tracking_uid=one.tracking_uid,
        name=one.name,
        display=display(one.name),
        presence=one.presence,
        laterality=one.laterality,
        probability=None,
        certainty="",
        evidence=one.evidence,
        image_reliance=None,
        by="person",
        person=person,
        decision="added",
        model=None,
    )


def _narrative(opened: OpenReport) -> bodies.ReportNarrative:
    said, edit = content(opened.report), opened.last_edit
    return bodies.ReportNarrative(
        findings=_sentences(said.findings, said.statements),
        impression=_sentences(said.impression, said.statements),
        own=edit is not None and edit.narrative is not None,
    )


def _sentences(lines: Sequence[Line], stand: tuple[Statement, ...]) -> tuple[bodies.ReportSentence, ...]:
    """The vocabulary's words about a person's finding name no side: it stands behind them, as in the documents."""
    return tuple(
        bodies.ReportSentence(
            text=with_certainty(line, stand) if line.side_in_brackets else line.text,
            findings=line.findings,
            by_model=line.by_model,
        )
        for line in lines
    )


def _addenda(opened: OpenReport) -> tuple[bodies.Addendum, ...]:
    added = (act for act in opened.acts if isinstance(act, Addend))
    return tuple(bodies.Addendum(text=act.text, person=act.person.name, at=act.at) for act in added)


_NOTHING = bodies.May(edit=False, sign=False, reject=False, addend=False)


def _may(by: Principal, opened: OpenReport, *, ready: bool) -> bodies.May:
    """As the routes decide, but for the age of the login, which a sign-in renews."""
    allowed = by.kind == "person" and "radiologist" in by.roles
    if not allowed or isinstance(opened.kept.reading.scope, Refusal):
        return _NOTHING
    kinds = {kind for state, kind in TRANSITIONS if state == opened.report.state}
    current = opened.superseded_by is None
    return bodies.May(
        edit="edit" in kinds and current,
        sign="sign" in kinds and current and ready,
        reject="reject" in kinds and current,
        addend="addend" in kinds,
    )


def _signature(opened: OpenReport) -> bodies.Signature | None:
    signed = next((act for act in opened.acts if isinstance(act, Sign)), None)
    return bodies.Signature(name=signed.person.name, at=signed.at) if signed else None


def _documents(node: ApiNode, opened: OpenReport) -> tuple[bodies.ReportDocument, ...]:
    made = [
        one
        for one in reports_of(node.engine, opened.study_uid)
        if one.reading_id == opened.id and one.version <= opened.version
    ]
    sent = outbox.of_study(node.engine, opened.study_uid) if made else ()
    return tuple(_document(one, [row for row in sent if row.report == one.sop_instance_uid]) for one in made)


def _document(made: StoredReport, sent: Sequence[outbox.Delivery]) -> bodies.ReportDocument:
    return bodies.ReportDocument(
        sop_instance_uid=made.sop_instance_uid,
        kind=made.kind,
        version=made.version,
        state=made.state,
        deliveries=tuple(
            bodies.DocumentDelivery(
                peer=row.peer,
                state=row.state,
                attempts=row.attempts,
                reason=row.reason,
                delivered=moment(row.delivered) if row.delivered else None,
            )
            for row in sent
        ),
    )


def _own_read(node: ApiNode, by: Principal, opened: OpenReport) -> bodies.KeptOwnRead | None:
    kept = find_own_read(node.engine, opened.id, by.subject)
    if kept is None:
        return None
    said = bodies.OwnRead.model_validate_json(kept.document)
    return bodies.KeptOwnRead(findings=said.findings, text=said.text, at=moment(kept.created))
