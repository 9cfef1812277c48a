"""The steps over a real index, with the clock in the test's hand: run twice they change nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import update

from dicom_node.archive import outbox
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import reports_of
from dicom_node.archive.studies import Work, find_study
from dicom_node.archive.tables import report
from dicom_node.demo.pacs import pacs
from dicom_node.offline import ingest
from dicom_node.settings import Peer, load
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.deliver import deliver
from dicom_node.workflow.node import Node
from dicom_node.workflow.objects import wanted
from dicom_node.workflow.read import read
from medvlm.contract import Box, ImageSource, Reading, Refusal, StudyInput
from medvlm.errors import UnreadableImage
from tests.builders import dx_film, write
from tests.peers import free_port, needs_postgresql, postgresql_server
from tests.scripted_model import IDENTITY, ScriptedModel, ScriptedSession

HOUR = 3600.0


class UnreadableModel(ScriptedModel):
    """What a study becomes whose only image killed the decoder."""

    def open(self, study: StudyInput) -> ScriptedSession:
        class Session(ScriptedSession):
            def draft(self) -> Reading:
                scope = Refusal(code="unreadable", reason="The decoder died on this image.")
                return Reading(study_uid=study.study_uid, model=IDENTITY, scope=scope, created=datetime.now(UTC))

        return Session(study)


class DrawingModel(ScriptedModel):
    """Draws its finding; `pictures` is off for a server that can show none."""

    pictures = True

    def open(self, study: StudyInput) -> ScriptedSession:
        class Session(ScriptedSession):
            def draft(self) -> Reading:
                read = super().draft()
                place = Box(sop_instance_uid=study.images[0].sop_instance_uid, x0=2, y0=2, x1=9, y1=12)
                first, *rest = read.findings
                return read.model_copy(update={"findings": (first.model_copy(update={"evidence": (place,)}), *rest)})

        return Session(study)

    def preview(self, source: ImageSource) -> bytes:
        if not self.pictures:
            raise UnreadableImage("no decoder survives this image")
        return super().preview(source)


def with_peers(node: Node, *profiles: tuple[str, ...]) -> Node:
    """The node with one peer a profile, named p0, p1, …"""
    peers = tuple(
        Peer(name=f"p{number}", ae_title="PACS", host="127.0.0.1", port=free_port(), objects=profile)
        for number, profile in enumerate(profiles)
    )
    deliver_to = node.settings.deliver.model_copy(update={"peers": peers})
    return replace(node, settings=node.settings.model_copy(update={"deliver": deliver_to}), model=DrawingModel())


def queued(node: Node, work: Work) -> dict[str, list[str]]:
    """What the outbox holds for each peer."""
    rows = outbox.of_study(node.engine, work.study_uid)
    return {
        peer.name: sorted(row.kind for row in rows if row.peer == peer.name) for peer in node.settings.deliver.peers
    }


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


def received(node: Node, tmp_path: Path) -> Work:
    film = dx_film()
    assert ingest(node.settings, [write(film, tmp_path / "files")]) == ()
    return find_study(node.engine, film.StudyInstanceUID).work


def drafted(node: Node, work: Work) -> None:
    assembled = assemble(node, work)
    assert assembled is not None
    assert read(node, work, assembled)
    compose(node, work)


def test_every_step_run_twice_leaves_one_reading_one_set_of_reports_and_one_outbox(node: Node, tmp_path: Path) -> None:
    work = received(node, tmp_path)
    drafted(node, work)
    first = reports_of(node.engine, work.study_uid)
    files = {report.path: (node.root / report.path).read_bytes() for report in first}
    drafted(node, work)
    assert reports_of(node.engine, work.study_uid) == first
    assert {path: (node.root / path).read_bytes() for path in files} == files
    assert len(outbox.of_study(node.engine, work.study_uid)) == 2


def test_each_peer_gets_the_objects_of_its_profile_and_what_nobody_gets_is_not_made(node: Node, tmp_path: Path) -> None:
    node = with_peers(node, ("findings", "narrative"), ("narrative", "gsps", "kos"), ("pdf", "capture"))
    work = received(node, tmp_path)
    drafted(node, work)
    assert queued(node, work) == {
        "p0": ["findings", "narrative"],
        "p1": ["gsps", "kos", "narrative"],
        "p2": ["capture", "pdf"],
    }
    files = {one.path: (node.root / one.path).read_bytes() for one in reports_of(node.engine, work.study_uid)}
    assert len(files) == 6
    drafted(node, work)
    assert {path: (node.root / path).read_bytes() for path in files} == files
    few = with_peers(node, ("narrative",))
    assert wanted(few.settings.deliver) == ("findings", "narrative")


def test_without_pictures_the_reports_and_the_page_still_leave(node: Node, tmp_path: Path) -> None:
    node = with_peers(node, ("findings", "pdf", "capture"))
    node.model.pictures = False
    work = received(node, tmp_path)
    drafted(node, work)
    assert queued(node, work) == {"p0": ["findings", "pdf"]}


def test_a_draft_does_not_replace_what_a_person_has_verified(node: Node, tmp_path: Path) -> None:
    work = received(node, tmp_path)
    drafted(node, work)
    with node.engine.begin() as connection:
        connection.execute(update(report).where(report.c.kind == "findings").values(state="signed"))
    ingest(node.settings, [write(dx_film(number=2), tmp_path / "late")])
    drafted(node, find_study(node.engine, work.study_uid).work)
    later = {one.kind: one for one in reports_of(node.engine, work.study_uid) if one.version == 2}
    assert later["findings"].predecessor is None
    assert later["narrative"].predecessor is not None


def test_an_image_that_no_decoder_survives_ends_the_study_as_failed_with_the_reason(node: Node, tmp_path: Path) -> None:
    node = replace(node, model=UnreadableModel())
    work = received(node, tmp_path)
    assembled = assemble(node, work)
    assert assembled is not None
    assert not read(node, work, assembled)
    study = find_study(node.engine, work.study_uid)
    assert (study.state, study.reason) == ("failed", "The decoder died on this image.")


def test_work_that_newer_images_have_overtaken_stops(node: Node, tmp_path: Path) -> None:
    work = received(node, tmp_path)
    ingest(node.settings, [write(dx_film(number=2), tmp_path / "late")])
    assert assemble(node, work) is None


def test_a_peer_that_is_down_for_a_day_gets_everything_when_it_comes_back(node: Node, tmp_path: Path) -> None:
    work = received(node, tmp_path)
    drafted(node, work)
    now, attempts = 0.0, 0
    while now < 24 * HOUR:
        now = min(row.next_attempt for row in outbox.of_study(node.engine, work.study_uid))
        for row in outbox.due(node.engine, now):
            deliver(replace(node, clock=lambda now=now: now), row.id, row.attempts)
            attempts += 1
    rows = outbox.of_study(node.engine, work.study_uid)
    assert {row.state for row in rows} == {"pending"}
    assert all("does not answer" in row.reason for row in rows)
    assert attempts < 2 * 24 * 8  # ever more slowly, up to every quarter of an hour
    with pacs(tmp_path / "pacs", node.settings.deliver.peers[0].port) as peer:
        for row in rows:
            deliver(node, row.id, row.attempts)
            deliver(node, row.id, row.attempts)  # the same attempt again, as after a crash
        assert len(peer.received) == 2
    assert find_study(node.engine, work.study_uid).state == "delivered"


@needs_postgresql
def test_two_reports_confirmed_at_once_leave_the_study_delivered(node: Node, tmp_path: Path) -> None:
    with postgresql_server() as url:
        engine = open_engine(url)
        migrate(engine)
        database = node.settings.database.model_copy(update={"url": url})
        node = replace(node, engine=engine, settings=node.settings.model_copy(update={"database": database}))
        with ThreadPoolExecutor(2) as pool:
            for number in range(10):
                film = dx_film(study=f"at once {number}")
                assert ingest(node.settings, [write(film, tmp_path / "files")]) == ()
                drafted(node, find_study(engine, film.StudyInstanceUID).work)
                rows, together = outbox.of_study(engine, film.StudyInstanceUID), Barrier(2)

                def confirm(row: outbox.Delivery, together: Barrier = together) -> None:
                    together.wait()
                    outbox.delivered(engine, row, 0.0)

                list(pool.map(confirm, rows))
                assert find_study(engine, film.StudyInstanceUID).state == "delivered"
        engine.dispose()
