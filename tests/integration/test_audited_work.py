"""What the worker and a person at the shell do, in the audit trail: a delivery and its entry, or neither."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from dicom_node.archive import outbox
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.studies import find_study
from dicom_node.audit import chain
from dicom_node.audit.reading import Summary, summary
from dicom_node.demo.pacs import pacs
from dicom_node.doctor import examine
from dicom_node.errors import AuditUnavailable
from dicom_node.offline import ingest
from dicom_node.retry import retry
from dicom_node.settings import load
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.deliver import deliver
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read
from tests.builders import dx_film, write
from tests.integration.test_message_delivery import fhir_server
from tests.peers import HOST, free_port
from tests.scripted_model import ScriptedModel


@pytest.fixture
def node(tmp_path: Path) -> Node:
    peer = {"name": "pacs", "ae_title": "PACS", "host": HOST, "port": free_port(), "objects": ["findings"]}
    server = {"name": "fhir", "url": f"http://{HOST}:{free_port()}/r4", "pdf": False}
    settings = load(
        archive={"url": str(tmp_path / "archive"), "flush": False},
        deliver={"connect_timeout": 1, "peers": [peer], "fhir": [server]},
    )
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    made = Node(settings, engine, ScriptedModel(), clock=lambda: 0.0, sleep=lambda _seconds: None)
    film = dx_film()
    assert ingest(settings, [write(film, tmp_path / "files")]) == ()
    work = find_study(engine, film.StudyInstanceUID).work
    assembled = assemble(made, work)
    assert assembled is not None
    assert read(made, work, assembled)
    compose(made, work)
    return made


def rows(node: Node) -> dict[str, outbox.Delivery]:
    return {row.peer: row for row in outbox.of_study(node.engine, dx_film().StudyInstanceUID)}


def told(node: Node) -> list[Summary]:
    return [summary(entry) for entry in chain.every(node.engine)]


def test_a_confirmed_delivery_is_told_with_what_was_sent_and_to_whom(node: Node, tmp_path: Path) -> None:
    with pacs(tmp_path / "pacs", port=node.settings.deliver.peers[0].port):
        deliver(node, rows(node)["pacs"].id, 0)
    (entry,) = told(node)
    assert (entry.event, entry.others) == ("DICOM Instances Transferred", (f"PACS@{HOST}",))
    assert (entry.study_uids, entry.patient_id) == ((dx_film().StudyInstanceUID,), "PAT-1")
    assert 'SOPClass UID="1.2.840.10008.5.1.4.1.1.88.34" NumberOfInstances="1"' in chain.entries(node.engine)[0].message


def test_a_report_that_left_as_a_message_is_told_as_exported(node: Node) -> None:
    with fhir_server(int(node.settings.deliver.fhir[0].url.split(":")[2].split("/")[0])):
        deliver(node, rows(node)["fhir"].id, 0)
    (entry,) = told(node)
    assert (entry.event, entry.who) == ("Export", "dicom-node worker")
    assert node.settings.deliver.fhir[0].url in entry.others


def test_a_failed_delivery_is_no_entry(node: Node) -> None:
    deliver(node, rows(node)["pacs"].id, 0)
    assert rows(node)["pacs"].state == "pending"
    assert told(node) == []


def test_a_delivery_that_cannot_be_told_stays_pending_and_is_confirmed_once_it_can(node: Node, tmp_path: Path) -> None:
    with pacs(tmp_path / "pacs", port=node.settings.deliver.peers[0].port) as peer:
        rename(node, "audit", "elsewhere")
        deliver(node, rows(node)["pacs"].id, 0)
        assert (rows(node)["pacs"].state, rows(node)["pacs"].attempts) == ("pending", 1)
        assert "audit trail" in rows(node)["pacs"].reason
        rename(node, "elsewhere", "audit")
        deliver(replace(node, clock=lambda: 1e6), rows(node)["pacs"].id, 1)
        assert rows(node)["pacs"].state == "delivered"
        uids = [one.sop_instance_uid for one in peer.of_study(dx_film().StudyInstanceUID)]
        assert (len(uids), len(set(uids))) == (2, 1)  # the same object twice is one
    assert len(told(node)) == 1


def test_who_asks_at_the_shell_for_another_reading_is_told_before_it_is_queued(node: Node) -> None:
    outbox_done(node)
    rename(node, "audit", "elsewhere")
    with pytest.raises(AuditUnavailable):
        retry(node.settings, dx_film().StudyInstanceUID)
    assert find_study(node.engine, dx_film().StudyInstanceUID).round == 0
    rename(node, "elsewhere", "audit")
    retry(node.settings, dx_film().StudyInstanceUID)
    assert [(one.kind, "@" in one.who) for one in told(node)] == [("Reading asked for again", True)]
    assert find_study(node.engine, dx_film().StudyInstanceUID).round == 1


def test_the_doctor_counts_the_trail_and_tries_the_collector(node: Node) -> None:
    (check,) = [one for one in examine(node.settings) if one.name == "audit"]
    assert (check.ok, check.found) == (True, "0 entries; no collector is set")
    away = node.settings.audit.model_copy(update={"syslog_host": HOST, "syslog_port": free_port()})
    (check,) = [one for one in examine(node.settings.model_copy(update={"audit": away})) if one.name == "audit"]
    assert not check.ok
    assert "collector cannot be reached" in check.found


def outbox_done(node: Node) -> None:
    with node.engine.begin() as connection:
        connection.execute(text("UPDATE delivery SET state = 'delivered'"))


def rename(node: Node, name: str, to: str) -> None:
    with node.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {name} RENAME TO {to}"))
