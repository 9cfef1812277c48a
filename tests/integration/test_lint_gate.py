"""An object that fails our own check is not sent, and says why: when it is composed, and again when it leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from dicom_node.archive import outbox
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import reports_of
from dicom_node.archive.studies import Work, find_study
from dicom_node.demo.pacs import pacs
from dicom_node.offline import ingest
from dicom_node.settings import load
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.deliver import deliver
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read
from medvlm.contract import Box, Reading, StudyInput
from tests.builders import dx_film, write
from tests.peers import free_port
from tests.scripted_model import ScriptedModel, ScriptedSession


class ConfusedModel(ScriptedModel):
    """Two findings in two places, under one tracking UID."""

    def open(self, study: StudyInput) -> ScriptedSession:
        class Session(ScriptedSession):
            def draft(self) -> Reading:
                whole = super().draft()
                place = Box(sop_instance_uid=study.images[0].sop_instance_uid, x0=1, y0=1, x1=5, y1=5)
                changes = {"presence": "present", "evidence": (place,), "tracking_uid": "2.25.1"}
                return whole.model_copy(
                    update={"findings": tuple(it.model_copy(update=changes) for it in whole.findings)}
                )

        return Session(study)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    settings = load(
        archive={"url": str(tmp_path / "archive"), "flush": False},
        deliver={
            "connect_timeout": 1,
            "peers": [{"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": free_port()}],
        },
    )
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    return Node(settings, engine, ScriptedModel(), clock=lambda: 0.0, sleep=lambda _seconds: None)


def composed(node: Node, folder: Path) -> Work:
    """The work on a study of one film, after its last step."""
    film = dx_film(patient_id="SECRET-1")
    assert ingest(node.settings, [write(film, folder)]) == ()
    work = find_study(node.engine, film.StudyInstanceUID).work
    assembled = assemble(node, work)
    assert assembled is not None
    assert read(node, work, assembled)
    compose(node, work)
    return work


def test_a_draft_that_fails_the_lint_is_not_written_and_the_study_says_why(node: Node, tmp_path: Path) -> None:
    node = replace(node, model=ConfusedModel())
    work = composed(node, tmp_path / "files")
    study = find_study(node.engine, work.study_uid)
    assert study.state == "failed"
    assert "tracking_uid_repeated: the Tracking Unique Identifier is used more than once" in study.reason
    assert "SECRET" not in study.reason
    assert reports_of(node.engine, work.study_uid) == ()
    assert outbox.of_study(node.engine, work.study_uid) == ()
    assert not list((node.root / "results").rglob("*.dcm"))


def test_a_report_that_was_changed_on_disk_is_parked_and_never_sent(node: Node, tmp_path: Path) -> None:
    work = composed(node, tmp_path / "files")
    for report in reports_of(node.engine, work.study_uid):
        path = node.root / report.path
        document = dcmread(path)
        document.VerificationFlag = "VERIFIED"
        path.chmod(0o644)
        document.save_as(path)
    with pacs(tmp_path / "pacs", node.settings.deliver.peers[0].port) as peer:
        for row in outbox.of_study(node.engine, work.study_uid):
            deliver(replace(node, clock=lambda: 1.0), row.id, row.attempts)
        assert not peer.received
    rows = outbox.of_study(node.engine, work.study_uid)
    assert {row.state for row in rows} == {"parked"}
    assert all("verifier_missing" in row.reason for row in rows)
