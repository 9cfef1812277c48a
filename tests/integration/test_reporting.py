"""What people do with a report, over a real index: stored once, never lost, written as they decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy.engine import Connection

from dicom_node.archive import outbox
from dicom_node.archive.acts import uncomposed
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import Report, reports_of
from dicom_node.archive.studies import events_of, find_study, read_again
from dicom_node.errors import NotFound
from dicom_node.offline import ingest
from dicom_node.report.document import NotReportable
from dicom_node.report.life_cycle import (
    Accept,
    Act,
    Add,
    Addend,
    Change,
    Decision,
    Edit,
    IllegalTransition,
    Person,
    Reject,
    Remove,
    Sign,
)
from dicom_node.report.sr_lint import lint
from dicom_node.report.statements import content
from dicom_node.reporting.acting import ReportSuperseded, StaleVersion, Undecided, perform, undecided
from dicom_node.reporting.history import OpenReport, open_report
from dicom_node.settings import load
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.compose_act import compose_act
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read
from medvlm.contract import Box, Narrative, Sentence
from tests.builders import dx_film, write
from tests.peers import free_port
from tests.scripted_model import ScriptedModel

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
FIRST = Person(id="reader-1", name="Reader^One", organisation="Radiology")
SECOND = Person(id="reader-2", name="Reader^Two", organisation="Radiology")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    settings = load(
        archive={"url": str(tmp_path / "archive"), "flush": False},
        deliver={"peers": [{"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": free_port()}]},
    )
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    return Node(settings, engine, ScriptedModel(), clock=lambda: 0.0, sleep=lambda _seconds: None)


@pytest.fixture
def report(node: Node, tmp_path: Path) -> OpenReport:
    film = dx_film()
    assert ingest(node.settings, [write(film, tmp_path / "files")]) == ()
    return open_report(node.desk, drafted(node, film.StudyInstanceUID))


def drafted(node: Node, study_uid: str) -> str:
    """Read the study as it is; the id of the report."""
    work = find_study(node.engine, study_uid).work
    assembled = assemble(node, work)
    assert assembled is not None
    assert read(node, work, assembled)
    compose(node, work)
    return work.key


def accept_all(report: OpenReport) -> tuple[Decision, ...]:
    return tuple(Accept(tracking_uid=it.tracking_uid) for it in report.kept.reading.findings)


def edit(*decisions: Decision, person: Person = FIRST, minute: float = 0, narrative: Narrative | None = None) -> Edit:
    return Edit(person=person, at=NOW + timedelta(minutes=minute), decisions=decisions, narrative=narrative)


def sign(minute: float = 10, person: Person = FIRST) -> Sign:
    return Sign(person=person, at=NOW + timedelta(minutes=minute))


def act(node: Node, report: OpenReport, *acts: Act) -> OpenReport:
    """Each on the version that the one before left."""
    for one in acts:
        report = perform(node.desk, report.id, report.version, one)
    return report


def compose_all(node: Node) -> None:
    for row in uncomposed(node.engine):
        compose_act(node, row.reading_id, row.number)


def written(node: Node, report: OpenReport, kind: str) -> list[tuple[Report, Dataset]]:
    found = (one for one in reports_of(node.engine, report.study_uid) if one.kind == kind)
    return [(one, dcmread(node.root / one.path)) for one in found]


def test_a_signed_report_leaves_as_the_verified_successor_of_the_draft(node: Node, report: OpenReport) -> None:
    signed = act(node, report, edit(*accept_all(report)), sign())
    compose_all(node)
    for kind in ("findings", "narrative"):
        (draft, _), (row, made) = written(node, report, kind)
        assert (row.state, row.version, row.predecessor) == ("signed", signed.version, draft.sop_instance_uid)
        assert made.VerificationFlag == "VERIFIED"
        (study,) = made.PredecessorDocumentsSequence
        assert study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == (
            draft.sop_instance_uid
        )
        assert not lint(made, signed.draft.sources)
    sent = [one for one in outbox.of_study(node.engine, report.study_uid) if one.version == signed.version]
    assert sorted(one.kind for one in sent) == ["findings", "narrative"]


def test_a_saved_edit_is_a_version_that_stays_in_the_node(node: Node, report: OpenReport) -> None:
    edited = act(node, report, edit(*accept_all(report)[:1]))
    compose_all(node)
    assert (edited.version, edited.report.state) == (report.version + 1, "edited")
    assert {one.version for one in reports_of(node.engine, report.study_uid)} == {report.version}


def test_composing_twice_changes_nothing_and_an_addendum_waits_for_its_signature(
    node: Node, report: OpenReport
) -> None:
    added = Addend(person=SECOND, at=NOW + timedelta(minutes=20), text="No change since.")
    addended = act(node, report, edit(*accept_all(report)), sign(), added)
    compose_act(node, report.id, len(addended.stored))  # the later act first, as two workers may take them
    once = reports_of(node.engine, report.study_uid)
    compose_act(node, report.id, len(addended.stored))
    compose_all(node)
    assert reports_of(node.engine, report.study_uid) == once
    findings = [row for row in once if row.kind == "findings"]
    assert [row.state for row in findings] == ["draft", "signed", "addended"]
    assert [row.predecessor for row in findings] == [None, *(row.sop_instance_uid for row in findings[:2])]


def test_who_saves_on_an_old_version_gets_the_conflict_and_nothing_is_lost(node: Node, report: OpenReport) -> None:
    first = act(node, report, edit(*accept_all(report)[:1]))
    with pytest.raises(StaleVersion) as stale:
        perform(node.desk, report.id, report.version, edit(*accept_all(report), person=SECOND))
    assert stale.value.current == first.version
    assert open_report(node.desk, report.id).last_edit == first.last_edit


def test_a_save_between_the_look_and_the_write_is_a_conflict_too(
    node: Node, report: OpenReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dicom_node.reporting import acting

    checked: Callable[..., None] = acting._require_writable

    def meanwhile(*arguments: object) -> None:
        monkeypatch.setattr(acting, "_require_writable", checked)
        act(node, report, edit(*accept_all(report)[:1], person=SECOND))
        checked(*arguments)

    monkeypatch.setattr(acting, "_require_writable", meanwhile)
    with pytest.raises(StaleVersion):
        act(node, report, edit(*accept_all(report)))
    assert [row.person_id for row in open_report(node.desk, report.id).stored] == [SECOND.id]


def test_no_signature_before_every_finding_is_decided(node: Node, report: OpenReport) -> None:
    decided = accept_all(report)[1:]
    edited = act(node, report, edit(*decided))
    with pytest.raises(Undecided) as waiting:
        act(node, edited, sign())
    left = (report.kept.reading.findings[0].tracking_uid,)
    assert waiting.value.tracking_uids == undecided(report.kept.reading, edited.last_edit) == left


def test_undoing_is_saving_fewer_decisions(node: Node, report: OpenReport) -> None:
    uid = report.kept.reading.findings[0].tracking_uid
    removed = act(node, report, edit(Remove(tracking_uid=uid)))
    assert uid not in {it.tracking_uid for it in content(removed.report).statements}
    restored = act(node, removed, edit(minute=1))
    stands = next(it for it in content(restored.report).statements if it.tracking_uid == uid)
    assert (stands.by_model, stands.person) == (True, None)
    assert restored.report.state == "edited"


def test_each_decision_is_of_the_person_who_made_it_first(node: Node, report: OpenReport) -> None:
    first, second = (it.tracking_uid for it in report.kept.reading.findings[:2])
    mine = Change(tracking_uid=first, presence="indeterminate")
    theirs = Change(tracking_uid=second, presence="indeterminate")
    edited = act(node, report, edit(mine), edit(mine, theirs, person=SECOND, minute=1))
    people = {it.tracking_uid: it.person for it in content(edited.report).statements}
    assert (people[first], people[second]) == (FIRST, SECOND)
    assert [one.person for one in edited.report.acts] == [FIRST, SECOND]


def test_own_words_stand_whatever_is_decided_after_them_until_they_are_taken_back(
    node: Node, report: OpenReport
) -> None:
    name = report.kept.reading.findings[0].name
    own = Narrative(findings=(Sentence(text="As I see it.", findings=(name,)),))
    edited = act(node, report, edit(narrative=own), edit(*accept_all(report), person=SECOND, minute=1, narrative=own))
    assert [line.text for line in content(edited.report).findings] == ["As I see it."]
    followed = act(node, edited, edit(*accept_all(report), minute=2))
    assert "As I see it." not in [line.text for line in content(followed.report).findings]


def test_what_cannot_be_written_is_not_stored(node: Node, report: OpenReport) -> None:
    foreign = Add(
        tracking_uid="2.25.7",
        name="nodule",
        evidence=(Box(sop_instance_uid="2.25.8", x0=0, y0=0, x1=1, y1=1),),
    )
    with pytest.raises(NotReportable):
        act(node, report, edit(foreign))
    assert open_report(node.desk, report.id).stored == ()


def test_what_the_witness_refuses_did_not_happen(node: Node, report: OpenReport) -> None:
    def refuse(_connection: Connection) -> None:
        raise OSError("the trail takes no entry")

    with pytest.raises(OSError, match="trail"):
        perform(node.desk, report.id, report.version, edit(*accept_all(report)), witness=refuse)
    assert open_report(node.desk, report.id).stored == ()
    assert "report.edit" not in [name for _, name, _ in events_of(node.engine, report.study_uid)]


def test_a_save_that_changes_nothing_makes_no_version(node: Node, report: OpenReport) -> None:
    assert act(node, report, edit()).version == report.version
    once = act(node, report, edit(*accept_all(report)))
    assert act(node, once, edit(*accept_all(report), person=SECOND, minute=5)).version == once.version


def test_a_draft_that_is_read_again_is_closed_and_a_signed_report_still_takes_addenda(
    node: Node, report: OpenReport
) -> None:
    signed = act(node, report, edit(*accept_all(report)), sign())
    compose_all(node)
    read_again(node.engine, report.study_uid)
    newer = open_report(node.desk, drafted(node, report.study_uid))
    assert newer.version == signed.version + 1
    assert newer.report.draft.predecessors == ()  # what a person verified is not replaced by a draft
    read_again(node.engine, report.study_uid)
    newest = drafted(node, report.study_uid)
    with pytest.raises(ReportSuperseded):
        act(node, newer, edit(*accept_all(newer)))
    added = Addend(person=SECOND, at=NOW + timedelta(minutes=20), text="Seen again.")
    addended = act(node, open_report(node.desk, report.id), added)
    assert addended.superseded_by == newest
    assert addended.version == open_report(node.desk, newest).version + 1
    compose_all(node)
    (_, made) = written(node, report, "findings")[-1]
    assert (made.InstanceNumber, made.VerificationFlag) == (addended.version, "VERIFIED")


def test_a_rejected_draft_ends_and_its_documents_repeat_nothing(node: Node, report: OpenReport) -> None:
    rejected = act(node, report, Reject(person=FIRST, at=NOW, reason="Not this patient's film."))
    compose_all(node)
    assert written(node, report, "findings")[-1][1].CompletionFlag == "COMPLETE"
    with pytest.raises(IllegalTransition):
        act(node, rejected, sign())


def test_a_version_reads_as_it_was(node: Node, report: OpenReport) -> None:
    edited = act(node, report, edit(*accept_all(report)[:1]))
    act(node, edited, edit(*accept_all(report), minute=1), sign())
    now = open_report(node.desk, report.id)
    assert now.as_of(edited.version).report == edited.report
    assert now.as_of(report.version).report.state == "draft"
    with pytest.raises(NotFound):
        now.as_of(99)


def test_a_clock_that_was_set_back_does_not_stop_a_signature(node: Node, report: OpenReport) -> None:
    edited = act(node, report, edit(*accept_all(report), minute=10))
    early = replace(node.desk)
    signed = perform(early, report.id, edited.version, sign(minute=-1000))
    assert signed.acts[-1].at == signed.acts[-2].at
