"""The durable intake over a real SQLite file: what Success promises, and what a power cut may take."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.dialects import postgresql

from dicom_node.archive import tables
from dicom_node.archive.database import migrate
from dicom_node.archive.files import FileStore
from dicom_node.archive.instance_rows import Association, InstanceRows
from dicom_node.archive.intake import Intake, open_intake_engine
from dicom_node.receive.command_set import C_STORE_RQ, Answer, Command
from dicom_node.receive.storage import Storage, TooLong
from tests.builders import bytes_of, ct_slice, data_set_of, sr_document, uid
from tests.peers import needs_postgresql, postgresql_server

SENDER = Association("a-1", "PACS", "MEDVLM", "127.0.0.1", 0.0)


@dataclass(frozen=True)
class Archive:
    root: Path
    engine: Engine
    store: FileStore
    intake: Intake
    storage: Storage

    def receive(self, ds: Dataset, *, chunk: int = 4096, association: Association = SENDER) -> Answer:
        """What a data path does with one C-STORE."""
        data_set = memoryview(data_set_of(bytes_of(ds)))
        with self.storage.begin(command_for(ds), ds.file_meta.TransferSyntaxUID, association) as reception:
            for at in range(0, len(data_set), chunk):
                reception.write(data_set[at : at + chunk])
            return reception.finish()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def files(self) -> list[str]:
        return sorted(str(file.relative_to(self.root)) for file in self.root.rglob("*.dcm"))

    def parts(self) -> list[Path]:
        return list(self.root.rglob("*.part"))


def command_for(ds: Dataset) -> Command:
    return Command(C_STORE_RQ, 1, str(ds.SOPClassUID), str(ds.SOPInstanceUID), has_data_set=True)


def open_archive(root: Path, url: str = "", **options: Any) -> Archive:
    engine = open_intake_engine(url or f"sqlite:///{root}/db/index.sqlite")
    migrate(engine)
    store = FileStore(root, **options)
    intake = Intake(engine, store)
    return Archive(root, engine, store, intake, Storage(store, intake, 1 << 30))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = open_archive(tmp_path)
    yield opened
    opened.engine.dispose()


def test_success_is_not_returned_before_the_index_row_is_committed(archive: Archive) -> None:
    with archive.engine.connect() as other, ThreadPoolExecutor(1) as pool:
        transaction = other.begin()
        answer = pool.submit(archive.receive, ct_slice())
        time.sleep(0.3)
        assert not answer.done()
        transaction.rollback()
        assert answer.result(10).status == 0x0000
    assert archive.rows("select count(*) from instance") == [(1,)]


def test_success_is_not_returned_before_the_file_is_flushed_under_its_name(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: flushed.append(str(Path(f"/proc/self/fd/{fd}").readlink())))
    monkeypatch.setattr(archive.intake, "admit", lambda received: flushed.append("row") or "stored")
    assert archive.receive(ct_slice()).status == 0x0000
    (kept,) = archive.files()
    assert flushed[-2:] == [str(archive.root / kept), "row"]


def test_the_rows_of_an_instance(archive: Archive) -> None:
    archive.receive(ct_slice(PatientID="P\0 ", IssuerOfPatientID="H1"))
    assert archive.rows("select issuer, patient_id from patient") == [("H1", "P")]
    assert archive.rows("select uid, state, images, round, study_date from study") == [
        (uid("study"), "receiving", 1, 0, "20260102")
    ]
    assert archive.rows("select uid, study, modality from series") == [(uid("study", "series"), uid("study"), "CT")]
    ((path, size, association, conflicting),) = archive.rows(
        "select path, size, association, conflicting from instance"
    )
    assert (archive.root / path).stat().st_size == size
    assert (association, conflicting) == (SENDER.id, 0)


def test_texts_are_decoded_by_their_character_set(archive: Archive) -> None:
    ds = ct_slice(StudyDescription="Thorax während Übung")
    ds.SpecificCharacterSet = "ISO_IR 100"
    archive.receive(ds)
    assert archive.rows("select description from study") == [("Thorax während Übung",)]


def test_the_same_instance_again_adds_neither_row_nor_file(archive: Archive) -> None:
    assert [archive.receive(ct_slice()).status for _ in range(3)] == [0, 0, 0]
    assert len(archive.files()) == 1
    assert archive.rows("select images from study") == [(1,)]


def test_the_first_content_of_a_uid_is_the_one_that_is_read(archive: Archive) -> None:
    archive.receive(ct_slice(seed=1))
    assert archive.receive(ct_slice(seed=2)).status == 0x0000
    assert archive.rows("select conflicting from instance order by id") == [(0,), (1,)]
    ((name, fields),) = archive.rows("select name, fields from event")
    assert name == "instance.conflict"
    assert set(json.loads(fields)) == {"sop_instance_uid", "sha256"}
    assert archive.rows("select images from study") == [(1,)]


def test_a_uid_that_comes_in_another_study_is_a_conflict(archive: Archive) -> None:
    archive.receive(ct_slice(sop_instance_uid="1.2.3"))
    archive.receive(ct_slice(sop_instance_uid="1.2.3", study="second"))
    assert archive.rows("select conflicting from instance order by id") == [(0,), (1,)]
    assert archive.rows("select images from study order by images") == [(0,), (1,)]


def test_a_series_that_comes_in_another_study_is_a_conflict(archive: Archive) -> None:
    archive.receive(ct_slice(number=1))
    stray = ct_slice(number=2)
    stray.StudyInstanceUID = uid("second")
    archive.receive(stray)
    assert archive.rows("select conflicting from instance order by id") == [(0,), (1,)]
    assert archive.rows("select name, study from event") == [("instance.conflict", uid("second"))]


def test_another_patient_in_a_study_is_reported(archive: Archive) -> None:
    archive.receive(ct_slice(number=1))
    archive.receive(ct_slice(number=2, patient_id="PAT-2"))
    assert archive.rows("select name, study from event") == [("instance.patient_differs", uid("study"))]
    assert archive.rows("select images from study") == [(2,)]


def test_a_late_image_makes_a_finished_study_due_again_and_a_report_does_not(archive: Archive) -> None:
    archive.receive(ct_slice(number=1))
    with archive.engine.begin() as connection:
        connection.execute(update(tables.study).values(state="refused", reason="why"))
    archive.receive(sr_document())
    assert archive.rows("select state, reason, images from study") == [("refused", "why", 1)]
    archive.receive(ct_slice(number=2))
    assert archive.rows("select state, reason, images from study") == [("receiving", "", 2)]


def test_a_study_that_begins_with_a_report_has_its_row(archive: Archive) -> None:
    archive.receive(sr_document())
    assert archive.rows("select state, images from study") == [("receiving", 0)]


def test_a_resent_instance_mends_a_lost_file(archive: Archive) -> None:
    archive.receive(ct_slice())
    (lost,) = archive.files()
    (archive.root / lost).unlink()
    assert archive.receive(ct_slice()).status == 0x0000
    assert archive.rows("select path from instance") == [(file,) for file in archive.files()]
    assert len(archive.files()) == 1


def test_an_association_has_one_row_with_its_end(archive: Archive) -> None:
    archive.receive(ct_slice(number=1))
    archive.receive(ct_slice(number=2))
    archive.intake.close_association(SENDER, 9.0, "released")
    archive.intake.close_association(replace(SENDER, id="echo only"), 9.0, "released")
    assert archive.rows("select id, ended, outcome from association") == [("a-1", 9.0, "released")]


def test_rows_deleted_behind_its_back_are_made_again(archive: Archive) -> None:
    archive.receive(ct_slice(number=1))
    with archive.engine.begin() as connection:
        for table in (tables.instance, tables.series, tables.study, tables.patient):
            connection.execute(table.delete())
    assert archive.receive(ct_slice(number=2)).status == 0x0000
    assert archive.rows("select images from study") == [(1,)]


def test_waiting_associations_share_one_transaction(archive: Archive) -> None:
    commits: list[float] = []
    archive.receive(ct_slice(number=99))
    event.listen(archive.engine, "commit", lambda _: commits.append(time.monotonic()))
    with archive.intake._turn, ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(archive.receive, ct_slice(number=n)) for n in range(8)]
        deadline = time.monotonic() + 10
        while len(archive.intake._waiting) < 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        archive.intake._turn.release()
        assert [answer.result(10).status for answer in answers] == [0] * 8
        archive.intake._turn.acquire()
    assert len(commits) == 1


def test_many_threads_lose_and_double_nothing(archive: Archive) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: archive.receive(ct_slice(number=n % 40)).status, range(80)))
    assert answers == [0] * 80
    assert archive.rows("select images from study") == [(40,)]
    assert archive.files() == sorted(path for (path,) in archive.rows("select path from instance"))


# Power cuts and kills


def test_after_a_power_cut_the_rows_are_made_again_from_the_files(archive: Archive, tmp_path: Path) -> None:
    """What SQLite had not flushed is lost from the end; every such prefix must lead back to the same index."""
    whole = "select sop_instance_uid, sha256, path, size, transfer_syntax_uid, conflicting from instance order by path"
    snapshots = []
    for turn, ds in enumerate([ct_slice(number=1), ct_slice(number=2), ct_slice(number=2, seed=5), sr_document()]):
        snapshots.append(_snapshot(archive, tmp_path / f"snapshot-{turn}"))
        archive.receive(ds)
    expected = archive.rows(whole)
    archive.engine.dispose()
    for snapshot in snapshots:
        shutil.rmtree(archive.root / "db")
        shutil.copytree(snapshot, archive.root / "db")
        again = open_archive(archive.root)
        again.intake.replay()
        assert again.rows(whole) == expected
        assert again.rows("select images from study") == [(2,)]
        again.engine.dispose()


def _snapshot(archive: Archive, folder: Path) -> Path:
    folder.mkdir()
    with archive.engine.connect() as connection:
        connection.connection.driver_connection.execute(f"vacuum into '{folder}/index.sqlite'")  # type: ignore[union-attr]
    return folder


def test_a_torn_file_is_removed(archive: Archive) -> None:
    archive.receive(ct_slice(number=1))
    archive.receive(ct_slice(number=2))
    first, second = (path for (path,) in archive.rows("select path from instance order by id"))
    torn = (archive.root / first).read_bytes()[:-7]
    folder = (archive.root / second).parent
    for content in (torn, torn[:100], b""):
        (folder / f"{'0' * 64}.{len(content):08x}.dcm").write_bytes(content)
    assert archive.intake.replay() == 0
    assert archive.files() == sorted((first, second))


def test_what_was_half_received_is_swept_and_what_is_being_received_is_not(archive: Archive) -> None:
    (archive.root / "incoming" / "dead.part").write_bytes(b"half")
    ds = ct_slice()
    with archive.storage.begin(command_for(ds), ds.file_meta.TransferSyntaxUID, SENDER) as reception:
        assert archive.store.sweep() == 1
        reception.write(memoryview(data_set_of(bytes_of(ds))))
        assert reception.finish().status == 0x0000


def test_replay_looks_no_further_back_than_it_must(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in range(5):
        monkeypatch.setattr(time, "time", lambda hour=hour: 3600.0 * hour)
        archive.receive(ct_slice(number=hour))
    looked: list[str] = []
    paths = archive.store.paths
    monkeypatch.setattr(archive.store, "paths", lambda folder: looked.append(folder) or paths(folder))
    archive.intake.replay()
    assert looked == ["objects/1970-01-01T03", "objects/1970-01-01T04"]


# Disk faults


def _fail_when(monkeypatch: pytest.MonkeyPatch, call: str, fails: Callable[..., bool], number: int) -> list[int]:
    tried: list[int] = []
    real = getattr(os, call)

    def failing(fd: int, *rest: Any) -> Any:
        if fails(fd, *rest):
            tried.append(fd)
            raise OSError(number, os.strerror(number))
        return real(fd, *rest)

    monkeypatch.setattr(os, call, failing)
    return tried


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_failed_flush_is_refused_and_not_tried_again(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    archive.receive(ct_slice(number=1))
    with monkeypatch.context() as patch:
        tried = _fail_when(patch, "fsync", lambda fd: True, number)
        answer = archive.receive(ct_slice(number=2))
    assert answer.status == 0xA700
    assert 0 < len(answer.comment) <= 64
    assert len(tried) == 1
    assert len(archive.files()) == 1
    assert not archive.parts()
    assert archive.receive(ct_slice(number=2)).status == 0x0000


@pytest.mark.parametrize("written", [0, 1, 3])
def test_a_disk_that_fills_while_receiving_is_refused(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    with monkeypatch.context() as patch:
        calls = iter(range(1000))
        _fail_when(patch, "write", lambda *_: next(calls) >= written, errno.ENOSPC)
        assert archive.receive(ct_slice(shape=(128, 128))).status == 0xA700
    assert not archive.parts()
    assert not archive.files()
    assert archive.rows("select count(*) from instance") == [(0,)]
    assert archive.receive(ct_slice(shape=(128, 128))).status == 0x0000


def test_an_index_that_cannot_be_written_is_a_temporary_refusal(archive: Archive) -> None:
    with archive.engine.begin() as connection:
        connection.execute(text("create trigger no before insert on instance begin select raise(abort, 'no'); end"))
    assert archive.receive(ct_slice()).status == 0xA700
    assert not archive.files()
    with archive.engine.begin() as connection:
        connection.execute(text("drop trigger no"))
    assert archive.receive(ct_slice()).status == 0x0000


def test_an_instance_beyond_the_limit_leaves_nothing(tmp_path: Path) -> None:
    archive = open_archive(tmp_path)
    small = replace(archive, storage=Storage(archive.store, archive.intake, 1000))
    with pytest.raises(TooLong):
        small.receive(ct_slice(shape=(128, 128)))
    assert not archive.parts()
    archive.engine.dispose()


def test_the_statements_are_those_of_postgresql_too() -> None:
    rows = InstanceRows(postgresql.psycopg.dialect())
    assert "ON CONFLICT (sop_instance_uid, sha256) DO NOTHING RETURNING" in rows._instance._sql
    assert rows._instance._order is None


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@needs_postgresql
def test_postgresql_holds_the_same_index(archive: Archive, postgresql_url: str, tmp_path: Path) -> None:
    other = open_archive(tmp_path / "other", postgresql_url)
    sent = [ct_slice(number=1), ct_slice(number=1), ct_slice(number=1, seed=3), ct_slice(number=2, patient_id="Q")]
    for each in (archive, other):
        for ds in [*sent, sr_document()]:
            assert each.receive(ds).status == 0x0000
        each.intake.close_association(SENDER, 9.0, "released")
    for query in (
        "select sop_instance_uid, sha256, size, association from instance order by id",
        "select uid, state, images, round from study",
        "select name, study, fields from event order by id",
        "select id, ended, outcome from association",
    ):
        assert other.rows(query) == archive.rows(query)
    assert other.rows("select conflicting from instance order by id") == [(False,), (True,), (False,), (False,)]
    other.engine.dispose()


def test_a_reader_never_waits_for_the_listener(archive: Archive) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: [archive.receive(ct_slice(number=n)) for n in range(30)] and stop.set())
        while not stop.is_set():
            begin = time.monotonic()
            with archive.engine.connect().execution_options(reading=True) as connection:
                connection.execute(select(tables.study.c.images)).all()
            assert time.monotonic() - begin < 5
        sending.result()
