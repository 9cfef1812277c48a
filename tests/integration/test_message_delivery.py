"""FHIR servers and HL7 receivers as delivery targets: exactly once, in order, retried or parked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from fhirclient.models import bundle as r4

from dicom_node.archive import outbox
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import reports_of
from dicom_node.archive.studies import Work, find_study
from dicom_node.deliver.fhir import Endpoint, post_transaction
from dicom_node.deliver.mllp import Listener, transmit
from dicom_node.errors import PeerRefused, PeerUnreachable
from dicom_node.offline import ingest
from dicom_node.report.life_cycle import Accept, Edit, Person, Sign
from dicom_node.reporting.acting import perform
from dicom_node.reporting.history import open_report
from dicom_node.settings import load
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.compose_act import compose_act
from dicom_node.workflow.deliver import deliver
from dicom_node.workflow.messages import printed
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read
from tests.builders import dx_film, write
from tests.peers import free_port, wait_for_port
from tests.scripted_model import ScriptedModel

HOST = "127.0.0.1"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
BUNDLE = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [{}]}).encode()
MESSAGE = b"MSH|^~\\&|A||||20261123||ORU^R01^ORU_R01|C-1|P|2.5.1\rPID|1\r"


@dataclass
class FhirServer:
    """Keeps what transactions put, by type and id; answers `status` instead where one is set."""

    port: int
    status: int = 0
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/r4"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [it for it in self.resources.values() if it["resourceType"] == kind]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/r4")
        async def transaction(request: Request) -> Response:
            self.posts.append(dict(request.headers))
            if self.status:
                secret = {"severity": "error", "code": "invalid", "diagnostics": "Specimen^Chest"}
                return _json({"resourceType": "OperationOutcome", "issue": [secret]}, self.status)
            bundle = r4.Bundle(json.loads(await request.body()), strict=True)
            return _json({"type": "transaction-response", "entry": [self._store(it) for it in bundle.entry]}, 200)

        return app

    def _store(self, entry: Any) -> dict[str, Any]:
        wanted = entry.request.ifNoneExist or ""
        if wanted and any(wanted.endswith(it["identifier"][0]["value"]) for it in self.of("ImagingStudy")):
            return {"response": {"status": "200 OK"}}
        key = entry.request.url if entry.request.method == "PUT" else f"{entry.request.url}/{len(self.resources)}"
        created = key not in self.resources
        self.resources[key] = entry.resource.as_json()
        return {"response": {"status": "201 Created" if created else "200 OK"}}


def _json(body: dict[str, Any], status: int) -> Response:
    return Response(json.dumps({"resourceType": "Bundle"} | body), status, media_type="application/fhir+json")


@contextlib.contextmanager
def fhir_server(port: int = 0, status: int = 0) -> Iterator[FhirServer]:
    server = FhirServer(port or free_port(), status)
    run = uvicorn.Server(uvicorn.Config(server.app(), host=HOST, port=server.port, log_level="critical"))
    thread = threading.Thread(target=run.run)
    thread.start()
    try:
        wait_for_port(server.port)
        yield server
    finally:
        run.should_exit = True
        thread.join()


@contextlib.contextmanager
def mllp_listener(*answers: bytes, port: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Answers each message with the next of `answers`, then with the last again; `{id}` becomes its control ID."""
    got: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                received = b""
                while not received.endswith(b"\x1c\r") and (piece := connection.recv(4096)):
                    received += piece
                if not received:
                    continue
                got.append(received.strip(b"\x0b\x1c\r"))
                said = answers[min(len(got), len(answers)) - 1]
                connection.sendall(said.replace(b"{id}", got[-1].split(b"|")[9]))

    with socket.create_server((HOST, port)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1], got
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            thread.join()


def ack(code: bytes, error: bytes = b"") -> bytes:
    tail = b"\rERR||PID^1|" + error + b"^words|E" if error else b""
    return b"\x0bMSH|^~\\&|||||20261123||ACK^R01^ACK|1|P|2.5.1\rMSA|" + code + b"|{id}" + tail + b"\r\x1c\r"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_fhir_server_in_trouble_is_tried_again(status: int) -> None:
    with fhir_server(status=status) as server, pytest.raises(PeerUnreachable, match=f"answered {status} error invalid"):
        post_transaction(Endpoint(server.url), BUNDLE)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 412, 422])
def test_a_fhir_server_that_will_not_take_it_needs_a_person_and_its_words_are_not_repeated(status: int) -> None:
    with fhir_server(status=status) as server, pytest.raises(PeerRefused) as refusal:
        post_transaction(Endpoint(server.url), BUNDLE)
    assert str(status) in str(refusal.value)
    assert "Specimen" not in str(refusal.value)


def test_a_fhir_server_that_is_down_is_tried_again_and_its_address_keeps_its_secret() -> None:
    with pytest.raises(PeerUnreachable) as down:
        post_transaction(Endpoint(f"http://user:secret@{HOST}:{free_port()}/r4?key=secret"), BUNDLE)
    assert "secret" not in str(down.value)


def test_the_bearer_token_is_sent() -> None:
    with fhir_server(status=503) as server, pytest.raises(PeerUnreachable):
        post_transaction(Endpoint(server.url, token="t"), BUNDLE)
    assert server.posts[0]["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ack(b"AE", b"103"), PeerRefused),
        (ack(b"AR", b"201"), PeerRefused),
        (ack(b"AE"), PeerRefused),
        (ack(b"AR"), PeerUnreachable),
        (ack(b"AE", b"207"), PeerUnreachable),
        (ack(b"AA").replace(b"{id}", b"another"), PeerUnreachable),
        (b"\x0bno message\x1c\r", PeerUnreachable),
        (b"\x0bMSH|cut off", PeerUnreachable),
    ],
)
def test_what_a_receiver_answers_decides_whether_to_try_again(answer: bytes, error: type[Exception]) -> None:
    with mllp_listener(answer) as (port, _), pytest.raises(error):
        transmit(Listener(HOST, port, 1, 2), MESSAGE)


@pytest.mark.parametrize("code", [b"AA", b"CA"])
def test_an_acknowledged_message_is_delivered(code: bytes) -> None:
    with mllp_listener(ack(code)) as (port, got):
        transmit(Listener(HOST, port), MESSAGE)
    assert got == [MESSAGE.rstrip(b"\r")]


def test_a_receiver_that_says_nothing_is_tried_again() -> None:
    with mllp_listener(b"") as (port, _), pytest.raises(PeerUnreachable):
        transmit(Listener(HOST, port, 1, 0.3), MESSAGE)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    settings = load(
        archive={"url": str(tmp_path / "archive"), "flush": False},
        deliver={
            "connect_timeout": 1,
            "fhir": [{"name": "fhir", "url": f"http://{HOST}:{free_port()}/r4"}],
            "hl7": [{"name": "ris", "host": HOST, "port": free_port(), "application": "RIS"}],
        },
    )
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    return Node(settings, engine, ScriptedModel(), clock=lambda: 0.0, sleep=lambda _seconds: None)


def drafted(node: Node, tmp_path: Path, number: int = 1) -> Work:
    film = dx_film(number=number)
    assert ingest(node.settings, [write(film, tmp_path / f"files {number}")]) == ()
    work = find_study(node.engine, film.StudyInstanceUID).work
    assembled = assemble(node, work)
    assert assembled is not None
    assert read(node, work, assembled)
    compose(node, work)
    return work


def rows(node: Node, work: Work) -> dict[tuple[str, int], outbox.Delivery]:
    return {(row.peer, row.version): row for row in outbox.of_study(node.engine, work.study_uid)}


def attempt(node: Node, row: outbox.Delivery) -> None:
    deliver(node, row.id, row.attempts)


def port_of(node: Node, name: str) -> int:
    settings = node.settings.deliver
    return settings.hl7[0].port if name == "ris" else int(settings.fhir[0].url.split(":")[2].split("/")[0])


def test_each_report_is_one_delivery_a_receiver_and_the_study_is_delivered_when_both_have_it(
    node: Node, tmp_path: Path
) -> None:
    work = drafted(node, tmp_path)
    due = rows(node, work)
    assert due.keys() == {("fhir", 1), ("ris", 1)}
    with fhir_server(port_of(node, "fhir")) as server, mllp_listener(ack(b"AA"), port=port_of(node, "ris")) as (_, got):
        for row in due.values():
            attempt(node, row)
            attempt(node, row)  # the same attempt again, as after a crash
    assert find_study(node.engine, work.study_uid).state == "delivered"
    assert (len(server.posts), len(got)) == (1, 1)
    (report,) = server.of("DiagnosticReport")
    stored = [one for one in reports_of(node.engine, work.study_uid) if one.kind in ("findings", "narrative")]
    assert {it["value"] for it in report["identifier"]} == {f"urn:oid:{one.sop_instance_uid}" for one in stored}
    assert all(one.sop_instance_uid.encode() in got[0] for one in stored)
    assert report["status"] == "partial"


def test_the_page_that_is_posted_is_the_one_in_the_archive(node: Node, tmp_path: Path) -> None:
    work = drafted(node, tmp_path)
    narrative = next(one for one in reports_of(node.engine, work.study_uid) if one.kind == "narrative")
    assert printed(node, narrative).startswith(b"%PDF-")
    with fhir_server(port_of(node, "fhir")) as server:
        attempt(node, rows(node, work)["fhir", 1])
    assert server.of("DiagnosticReport")[0]["presentedForm"][0]["contentType"] == "application/pdf"


def test_a_transaction_posted_twice_leaves_one_report(node: Node, tmp_path: Path) -> None:
    work = drafted(node, tmp_path)
    with fhir_server(port_of(node, "fhir")) as server:
        row = rows(node, work)["fhir", 1]
        attempt(node, row)
        once = dict(server.resources)
        outbox.postponed(node.engine, row, "", 0.0)  # the confirmation was lost on the way
        with node.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE delivery SET state = 'pending', attempts = 0")
        attempt(node, rows(node, work)["fhir", 1])
    assert len(server.posts) == 2
    assert server.resources == once


def test_an_outage_postpones_and_a_refusal_parks_until_a_person_asks(node: Node, tmp_path: Path) -> None:
    work = drafted(node, tmp_path)
    attempt(node, rows(node, work)["fhir", 1])
    waiting = rows(node, work)["fhir", 1]
    assert (waiting.state, waiting.next_attempt) == ("pending", 5.0)
    with fhir_server(port_of(node, "fhir"), status=422):
        attempt(node, waiting)
    assert rows(node, work)["fhir", 1].state == "parked"
    outbox.release(node.engine, work.study_uid, 0.0)
    with fhir_server(port_of(node, "fhir")):
        attempt(node, rows(node, work)["fhir", 1])
    assert rows(node, work)["fhir", 1].state == "delivered"


def test_versions_go_out_in_order_and_an_old_one_never_writes_over_a_newer(node: Node, tmp_path: Path) -> None:
    drafted(node, tmp_path)
    work = drafted(node, tmp_path, number=2)
    newest = [one for one in reports_of(node.engine, work.study_uid) if one.kind == "narrative"][-1]
    with fhir_server(port_of(node, "fhir")) as server:
        attempt(node, rows(node, work)["fhir", 2])
        assert server.posts == []
        assert "earlier version" in rows(node, work)["fhir", 2].reason
        for version in (1, 2):
            attempt(node, rows(node, work)["fhir", version])
    (report,) = server.of("DiagnosticReport")
    assert f"urn:oid:{newest.sop_instance_uid}" in {it["value"] for it in report["identifier"]}


def test_a_patient_without_an_id_parks_the_message_with_the_reason(node: Node, tmp_path: Path) -> None:
    film = dx_film()
    film.PatientID = ""
    ingest(node.settings, [write(film, tmp_path / "files")])
    work = find_study(node.engine, film.StudyInstanceUID).work
    assembled = assemble(node, work)
    assert assembled is not None
    assert read(node, work, assembled)
    compose(node, work)
    attempt(node, rows(node, work)["ris", 1])
    row = rows(node, work)["ris", 1]
    assert row.state == "parked"
    assert "patient ID" in row.reason


def test_a_receiver_that_left_the_settings_is_parked(node: Node, tmp_path: Path) -> None:
    work = drafted(node, tmp_path)
    gone = node.settings.deliver.model_copy(update={"fhir": ()})
    later = replace(node, settings=node.settings.model_copy(update={"deliver": gone}))
    attempt(later, rows(node, work)["fhir", 1])
    assert rows(node, work)["fhir", 1].state == "parked"


def test_a_draft_after_a_signed_report_is_another_report_and_the_signed_one_stays(node: Node, tmp_path: Path) -> None:
    work = drafted(node, tmp_path)
    report = open_report(node.desk, work.key)
    decisions = tuple(Accept(tracking_uid=it.tracking_uid) for it in report.kept.reading.findings)
    reader = Person(id="reader-1", name="Reader^One", organisation="Radiology")
    for act in (Edit(person=reader, at=NOW, decisions=decisions), Sign(person=reader, at=NOW)):
        report = perform(node.desk, report.id, report.version, act)
    compose_act(node, report.id, 2)
    drafted(node, tmp_path, number=2)
    with fhir_server(port_of(node, "fhir")) as server, mllp_listener(ack(b"AA"), port=port_of(node, "ris")) as (_, got):
        for row in rows(node, work).values():
            attempt(node, row)
    assert sorted(one["status"] for one in server.of("DiagnosticReport")) == ["final", "partial"]
    fillers = [message.split(b"\rOBR|")[1].split(b"|")[2] for message in got]
    assert len(fillers) == 3
    assert fillers[0] == fillers[1] != fillers[2]
