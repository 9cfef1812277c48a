"""The index: its migrations, and that no late image is overlooked."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, inspect

from dicom_node.archive.database import alembic_config, migrate, open_engine
from dicom_node.archive.studies import find_study, is_current, move, queue, quiet_studies, read_again
from dicom_node.offline import ingest
from dicom_node.settings import Settings, load
from tests.builders import dx_film, write


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(archive={"url": str(tmp_path / "archive"), "flush": False})


@pytest.fixture
def engine(settings: Settings) -> Engine:
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    return engine


def test_the_migrations_make_exactly_the_tables_of_the_code(engine: Engine) -> None:
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_the_schema_goes_down_and_up_again(engine: Engine) -> None:
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrate(engine)
    assert "study" in inspect(engine).get_table_names()


def test_commits_are_flushed_and_readers_do_not_wait(settings: Settings) -> None:
    engine = open_engine(settings.database_url)
    with engine.connect().execution_options(reading=True) as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]


def receive(settings: Settings, tmp_path: Path, number: int) -> str:
    film = dx_film(study="one", number=number)
    assert ingest(settings, [write(film, tmp_path / "files")]) == ()
    return str(film.StudyInstanceUID)


def test_an_image_that_comes_while_a_study_is_read_is_not_overlooked(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    uid = receive(settings, tmp_path, 1)
    work = find_study(engine, uid).work
    assert queue(engine, work)
    receive(settings, tmp_path, 2)
    assert not is_current(engine, work)
    assert not move(engine, work, "drafted")
    assert find_study(engine, uid).state == "receiving"
    assert [study.work.images for study in quiet_studies(engine, before=float("inf"))] == [2]


def test_queueing_does_not_undo_what_the_work_has_done_already(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    uid = receive(settings, tmp_path, 1)
    work = find_study(engine, uid).work
    move(engine, work, "reading")
    assert not queue(engine, work)
    assert find_study(engine, uid).state == "reading"


def test_reading_again_is_other_work_on_the_same_images(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    uid = receive(settings, tmp_path, 1)
    work = find_study(engine, uid).work
    move(engine, work, "refused", "a reason")
    read_again(engine, uid)
    again = find_study(engine, uid)
    assert (again.state, again.reason, again.work.images) == ("receiving", "", 1)
    assert again.work.key != work.key
    assert not move(engine, work, "drafted")
