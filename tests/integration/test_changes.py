"""What the poller tells from two looks at the index."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from dicom_node.archive.changes import OVERLAP_SECONDS, Watch
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.studies import find_study, move, read_again, record
from dicom_node.archive.tables import study
from dicom_node.offline import ingest
from dicom_node.settings import load
from tests.builders import dx_film, write


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def uid(tmp_path: Path) -> str:
    film = dx_film()
    ingest(load(archive={"url": str(tmp_path), "flush": False}), [write(film, tmp_path / "files")])
    return str(film.StudyInstanceUID)


@pytest.fixture
def engine(tmp_path: Path, uid: str) -> Engine:
    engine = open_engine(load(archive={"url": str(tmp_path)}).database_url, flush=False)
    migrate(engine)
    return engine


def test_the_first_look_finds_nothing_and_neither_does_one_without_changes(engine: Engine, clock: Clock) -> None:
    watch = Watch(engine, clock)
    assert watch.look() == watch.look() == frozenset()


def test_every_move_of_a_study_is_found_once(engine: Engine, clock: Clock, uid: str) -> None:
    watch = Watch(engine, clock)
    watch.look()
    for state in ("queued", "reading", "drafted", "failed"):
        move(engine, find_study(engine, uid).work, state)  # type: ignore[arg-type]
        assert watch.look() == {uid}
        assert watch.look() == frozenset()
    read_again(engine, uid)
    assert watch.look() == {uid}


def test_an_old_study_that_is_drafted_is_found_and_is_not_found_again_as_it_grows_old(
    engine: Engine, clock: Clock, uid: str
) -> None:
    with engine.begin() as connection:
        connection.execute(update(study).values(last_received=clock.now - 1000, state="reading"))
    watch = Watch(engine, clock)
    watch.look()
    move(engine, find_study(engine, uid).work, "drafted")
    assert watch.look() == {uid}
    clock.now += 2 * OVERLAP_SECONDS
    assert watch.look() == frozenset()


def test_an_event_is_found_once_also_when_it_becomes_visible_late(engine: Engine, clock: Clock, uid: str) -> None:
    watch = Watch(engine, clock)
    watch.look()
    for seconds in (0.0, OVERLAP_SECONDS / 2, 3 * OVERLAP_SECONDS):
        clock.now += seconds
        with engine.begin() as connection:
            record(connection, clock.now, "report.edit", uid)
        assert watch.look() == {uid}
        assert watch.look() == frozenset()
