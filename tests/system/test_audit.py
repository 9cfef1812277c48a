"""The audit trail of a running node: what every role tells, over SQLite and PostgreSQL, through crashes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from dicom_node.archive.database import migrate, open_engine
from dicom_node.audit import chain
from dicom_node.audit.reading import Summary, summary
from dicom_node.audit.receptions import GIVEN_UP_SECONDS
from dicom_node.demo.pacs import pacs
from tests.builders import dx_film
from tests.certificates import Authority
from tests.peers import HOST, free_port, needs_postgresql, postgresql_server
from tests.rsyslog import needs_rsyslog, rsyslog
from tests.running_node import CHECKOUT, RunningNode, running_node

APPENDS = """
import sys
from dicom_node.archive.database import open_engine
from dicom_node.audit.participants import Application, AuditSource, Who
from dicom_node.audit.trail import AuditTrail
trail = AuditTrail(open_engine(sys.argv[1]), AuditSource("MEDVLM", "", Application("test")))
for _ in range(int(sys.argv[2])):
    trail.read_again(Who(sys.argv[3]), "1.2.3")
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/index.sqlite"
        return
    with postgresql_server() as url:
        yield url


def test_processes_append_without_gaps_or_forks(database: str) -> None:
    engine = open_engine(database)
    migrate(engine)
    command = [sys.executable, "-c", APPENDS, database, "40"]
    started = [subprocess.Popen([*command, f"user-{number}"], cwd=CHECKOUT) for number in range(4)]
    assert [process.wait(120) for process in started] == [0] * 4
    verdict = chain.verify(engine)
    assert (verdict.entries, verdict.ok) == (160, True)
    engine.dispose()


def test_a_process_killed_while_it_appends_leaves_a_chain_that_holds_and_goes_on(database: str) -> None:
    engine = open_engine(database)
    migrate(engine)
    for number in range(3):
        process = subprocess.Popen([sys.executable, "-c", APPENDS, database, "100000", f"u-{number}"], cwd=CHECKOUT)
        before = _head(engine)
        until = time.monotonic() + 60
        while _head(engine) < before + 20 and time.monotonic() < until:
            time.sleep(0.01)
        process.kill()
        process.wait()
    verdict = chain.verify(engine)
    assert verdict.ok
    assert verdict.entries >= 60
    engine.dispose()


@pytest.mark.parametrize("statement", ["UPDATE audit SET at = 0", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_delete(database: str, statement: str) -> None:
    engine = open_engine(database)
    migrate(engine)
    subprocess.run([sys.executable, "-c", APPENDS, database, "1", "u"], cwd=CHECKOUT, check=True)
    with pytest.raises(SQLAlchemyError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@needs_rsyslog
def test_the_story_of_a_study_is_in_the_trail_and_at_the_repository(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path / "tls"), free_port()
    settings = {
        "audit__syslog_host": HOST,
        "audit__syslog_port": str(port),
        "audit__syslog_ca": str(authority.certificate),
    }
    film = dx_film(study="audited")
    with (
        rsyslog(tmp_path / "arr", port, authority.certificate, authority.issue("repository")) as repository,
        pacs(tmp_path / "pacs") as peer,
        running_node(tmp_path / "node", {"pacs": (peer.ae_title, peer.port)}, **settings) as node,
    ):
        node.send(film)
        node.wait_for(film.StudyInstanceUID, "delivered")
        deliveries = node.wait_for_deliveries(film.StudyInstanceUID, "delivered", 2)
        received = wait_for(node, lambda one: one.who == "MODALITY@127.0.0.1")
        node.stop_all()
        told = trail(node)
        repository.wait_for(len(told))
        assert repository.numbers() == [one.n for one in told]
    assert (received.event, received.study_uids) == ("DICOM Instances Transferred", (film.StudyInstanceUID,))
    assert received.patient_id == film.PatientID
    sent = [one for one in told if one.who == "dicom-node worker" and one.event == "DICOM Instances Transferred"]
    assert [one.others for one in sent] == [(f"{peer.ae_title}@127.0.0.1",)] * len(deliveries)
    activity = [(one.kind, one.who or one.others[0]) for one in told if one.event == "Application Activity"]
    assert sorted(activity) == sorted(
        (kind, f"dicom-node {role}")
        for role in ("listener", "worker")
        for kind in ("Application Start", "Application Stop")
    )
    assert "audit.head" in node.log("worker")
    assert str(film.PatientName) not in "".join(entry.message for entry in chain.every(node.engine))


@needs_postgresql
def test_a_node_on_postgresql_tells_what_it_received_and_sent(tmp_path: Path) -> None:
    film = dx_film(study="audited on postgresql")
    with (
        postgresql_server() as url,
        pacs(tmp_path / "pacs") as peer,
        running_node(tmp_path / "node", {"pacs": (peer.ae_title, peer.port)}, database__url=url) as node,
    ):
        node.send(film)
        node.wait_for(film.StudyInstanceUID, "delivered")
        wait_for(node, lambda one: one.who == "MODALITY@127.0.0.1")
        node.stop_all()
        assert len(trail(node, "DICOM Instances Transferred")) == 3
        assert chain.verify(node.engine).ok


def test_what_a_killed_listener_had_received_is_told_by_the_next(tmp_path: Path) -> None:
    film = dx_film(study="killed")
    with running_node(tmp_path, roles=("listener",)) as node:
        node.send(film)
        node.kill("listener")  # within the second in which it gathers what ended
        assert trail(node, "DICOM Instances Transferred") == []
        with node.engine.begin() as connection:  # as if the end had not been noted either, long ago
            long_ago = time.time() - GIVEN_UP_SECONDS - 60
            connection.execute(text(f"UPDATE association SET ended = NULL, started = {long_ago}"))  # noqa: S608
            connection.execute(text(f"UPDATE instance SET received = {long_ago}"))  # noqa: S608
        node.start("listener")
        told = wait_for(node, lambda one: one.event == "DICOM Instances Transferred")
    assert told.study_uids == (film.StudyInstanceUID,)


def test_the_api_tells_that_it_stopped(tmp_path: Path) -> None:
    with running_node(tmp_path, roles=()) as node:
        node.start("api")
        wait_for(node, lambda one: one.kind == "Application Start")
        time.sleep(2)
        node.stop("api")
        assert [one.kind for one in trail(node, "Application Activity")] == ["Application Start", "Application Stop"]


def test_the_command_verifies_shows_and_writes_out(tmp_path: Path) -> None:
    with running_node(tmp_path, roles=()) as node:
        database = f"sqlite:///{node.root}/db/index.sqlite"
        open_engine(database).dispose()
        migrate(node.engine)
        subprocess.run([sys.executable, "-c", APPENDS, database, "3", "reader@x"], cwd=CHECKOUT, check=True)
        head = str(chain.head(node.engine))

        status, out = audit(node, "verify", "--head", head, "--json")
        assert (status, json.loads(out)) == (0, {"ok": True, "entries": 3, "head": head, "broken": None})

        status, out = audit(node, "show", "--who", "reader@x", "--json")
        assert [json.loads(line)["kind"] for line in out.splitlines()] == ["Reading asked for again"] * 3
        assert "Reading asked for again" in audit(node, "show")[1]

        status, out = audit(node, "export", str(tmp_path / "trail.jsonl"))
        lines = [json.loads(line) for line in (tmp_path / "trail.jsonl").read_text("utf-8").splitlines()]
        assert [(line["n"], line["previous"]) for line in lines[:2]] == [(1, chain.GENESIS), (2, lines[0]["hash"])]
        assert trail(node, "Audit Log Used")  # to look was told
        assert audit(node, "export", str(tmp_path / "trail.jsonl"))[0] == 2

        with node.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER audit_no_delete"))
            connection.execute(text("DELETE FROM audit WHERE n >= 3"))
        assert audit(node, "verify")[0] == 0
        status, out = audit(node, "verify", "--head", head)
        assert (status, out.strip()) == (3, "BROKEN at entry 3: entries 3 to 3 are missing at the end.")
        assert audit(node, "verify", "--head", "nonsense")[0] == 2


def audit(node: RunningNode, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "dicom_node.cli", "audit", *arguments]
    run = subprocess.run(
        command, env=node.environment | {"COLUMNS": "200"}, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout


def trail(node: RunningNode, event: str = "") -> list[Summary]:
    told = [summary(entry) for entry in chain.every(node.engine)]
    return [one for one in told if not event or one.event == event]


def wait_for(node: RunningNode, wanted: Callable[[Summary], bool], seconds: float = 30) -> Summary:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for one in trail(node):
            if wanted(one):
                return one
        time.sleep(0.1)
    raise AssertionError(f"{trail(node)}\n{[node.log(role) for role in ('listener', 'worker', 'api')]}")


def _head(engine: Engine) -> int:
    found = chain.head(engine)
    return found.n if found else 0
