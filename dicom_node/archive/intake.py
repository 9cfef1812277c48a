"""From a whole file to an indexed instance: what Success stands on.

An instance is safe once its file is flushed under its final name (`FileStore.keep`): the file alone can make its index
row again, and `Intake.replay` does so at start. On SQLite the row's own commit is therefore not flushed by the
listener; PostgreSQL flushes it anyway and groups such flushes itself. Whatever waits is indexed in one transaction:
the first thread to get the turn commits for all (group commit), so a lone association waits for nobody.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
from pydicom.filereader import read_file_meta_info
from sqlalchemy import Connection, Engine, event, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dicom_node.archive import tables
from dicom_node.archive.database import open_engine
from dicom_node.archive.files import FileStore, StoredFile, data_set_offset, digest, named_digest
from dicom_node.archive.instance_header import read_header
from dicom_node.archive.instance_rows import Association, InstanceRows, Outcome, Received
from dicom_node.errors import NodeError, OutOfResources

BATCH_AT_MOST: Final = 64
# How an association ended whose instances were indexed again from their files.
REPLAYED: Final = "replayed"


def open_intake_engine(url: str, *, flush: bool = True) -> Engine:
    """The listener's own engine. On SQLite its commits survive the process, not a power cut: `replay` does the rest."""
    engine = open_engine(url, flush=flush)
    if engine.dialect.name == "sqlite" and flush:
        event.listen(engine, "connect", _commit_without_flush)
    return engine


@dataclass(eq=False)
class _Ticket:
    received: Received
    outcome: Outcome | None = None
    error: NodeError | None = None

    @property
    def done(self) -> bool:
        return self.outcome is not None or self.error is not None


class Intake:
    """Indexes received files. Thread-safe."""

    def __init__(self, engine: Engine, store: FileStore) -> None:
        self._engine = engine
        self._driver: Any = engine.dialect.loaded_dbapi
        self._store = store
        self._rows = InstanceRows(engine.dialect)
        self._waiting: list[_Ticket] = []
        self._joining = threading.Lock()
        self._turn = threading.Lock()
        self._connection: Connection | None = None
        self._log: Any = structlog.get_logger()

    def admit(self, received: Received) -> Outcome:
        """Index a kept file. On return the instance is durable; a file that nothing points at is gone.

        Raises `OutOfResources` when the index takes no rows.
        """
        ticket = _Ticket(received)
        with self._joining:
            self._waiting.append(ticket)
        with self._turn:
            if not ticket.done:
                self._commit_waiting()
        if ticket.outcome is None:
            # A server may have committed before its answer was lost: then the row needs its file.
            if self._engine.dialect.name == "sqlite":
                self._store.remove(received.file.path)
            raise ticket.error or OutOfResources("the index did not answer")
        if ticket.outcome == "duplicate":
            self._keep_one(received)
        return ticket.outcome

    def close(self) -> None:
        with self._turn:
            self._forget()

    def close_association(self, association: Association, ended: float, outcome: str) -> None:
        """Note how an association ended. Says so in the log when the index takes no rows: nothing depends on it."""
        try:
            with self._turn, self._connected().begin():
                self._rows.close_association(self._connected(), association, ended, outcome)
        except SQLAlchemyError as error:
            self._forget()
            self._log.warning("association.not_noted", association=association.id, cause=type(error).__name__)

    def _keep_one(self, received: Received) -> None:
        """Of the same content twice, the new file goes; unless the old one was lost, which the new one then mends."""
        row, path = tables.instance, received.file.path
        same = (row.c.sop_instance_uid == received.header.sop_instance_uid) & (row.c.sha256 == received.file.sha256)
        with self._engine.begin() as connection:
            kept = connection.execute(select(row.c.path).where(same)).scalar()
            if kept is not None and not (self._store.root / kept).exists():
                connection.execute(update(row).where(same).values(path=path))
                self._log.warning("archive.file.mended", path=path)
                return
        if kept != path:
            self._store.remove(path)

    def replay(self) -> int:
        """Make the rows of whole files that have none (a power cut took them); remove torn files. Returns how many.

        Rows are committed in the order of the files' folders and a power cut takes the last ones: what is older than
        the newest row's folder is complete.
        """
        self._store.sweep()
        senders = _Senders()
        replayed = sum(self._replay_folder(folder, senders) for folder in self._unsettled())
        for sender in senders:
            self.close_association(sender, sender.started, REPLAYED)
        return replayed

    def _unsettled(self) -> list[str]:
        row = tables.instance
        newest = select(row.c.path).order_by(row.c.id.desc()).limit(1)
        with self._engine.begin() as connection:
            path = connection.execute(newest).scalar()
        folders = self._store.folders()
        if path is None:
            return folders
        older = [folder for folder in folders if folder < path.rpartition("/")[0]]
        # An instance that waited over the full hour may be indexed after one of the next folder.
        return folders[max(0, len(older) - 1) :]

    def _replay_folder(self, folder: str, senders: _Senders) -> int:
        row = tables.instance
        with self._engine.begin() as connection:
            indexed = set(connection.execute(select(row.c.path).where(row.c.path.startswith(f"{folder}/"))).scalars())
        return sum(self._replay_file(path, senders) for path in self._store.paths(folder) if path not in indexed)

    def _replay_file(self, path: str, senders: _Senders) -> bool:
        try:
            received = self._read_back(path, senders)
        except (ValueError, NodeError, OSError) as error:
            self._log.warning("archive.file.torn", path=path, cause=type(error).__name__)
            self._store.remove(path)
            return False
        outcome = self.admit(received)
        self._log.info("archive.file.indexed_again", path=path, outcome=outcome)
        return True

    def _read_back(self, path: str, senders: _Senders) -> Received:
        """Raises ValueError or a NodeError when the file is not what its name promises."""
        file = self._store.root / path
        with file.open("rb") as stream:
            offset = data_set_offset(stream)
            stream.seek(offset)
            if digest(stream) != named_digest(path):
                raise ValueError("not the bytes that the name promises")
            meta = read_file_meta_info(file)
            syntax = str(meta.get("TransferSyntaxUID", ""))
            stream.seek(offset)
            header = read_header(stream, syntax)
        if header is None:
            raise ValueError("no header")
        status = file.stat()
        stored = StoredFile(path, named_digest(path), status.st_size)
        sender = senders.named(str(meta.get("SourceApplicationEntityTitle", "")))
        return Received(header, stored, syntax, status.st_mtime, sender)

    def _commit_waiting(self) -> None:
        while True:
            with self._joining:
                batch, self._waiting = self._waiting[:BATCH_AT_MOST], self._waiting[BATCH_AT_MOST:]
            if not batch:
                return
            self._commit(batch)

    def _commit(self, batch: list[_Ticket]) -> None:
        try:
            self._commit_together(batch)
        except (OperationalError, self._driver.OperationalError) as error:
            self._fail(batch, error)
        except (SQLAlchemyError, self._driver.Error):
            # Something remembered was deleted meanwhile, or one instance does not fit: it must not take the others.
            for ticket in batch:
                self._commit_alone(ticket)

    def _commit_alone(self, ticket: _Ticket) -> None:
        try:
            self._commit_together([ticket])
        except (SQLAlchemyError, self._driver.Error) as error:
            self._fail([ticket], error)

    def _commit_together(self, batch: list[_Ticket]) -> None:
        try:
            with self._connected().begin():
                outcomes = self._rows.write(self._connected(), [ticket.received for ticket in batch])
        except Exception:
            self._forget()
            raise
        for ticket, outcome in zip(batch, outcomes, strict=True):
            ticket.outcome = outcome

    def _connected(self) -> Connection:
        """One connection, kept: taking it from the pool and giving it back costs as much as the rows."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _forget(self) -> None:
        self._rows.forget()
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
        self._connection = None

    def _fail(self, batch: list[_Ticket], error: Exception) -> None:
        self._log.error("archive.index.failed", cause=type(error).__name__, instances=len(batch))
        for ticket in batch:
            ticket.error = OutOfResources("the index cannot be written", way_out="Send again later.")


class _Senders:
    """Of files that are indexed again: the association went with the rows, so that one stands for each sender."""

    def __init__(self) -> None:
        self._met: dict[str, Association] = {}

    def __iter__(self) -> Iterator[Association]:
        return iter(self._met.values())

    def named(self, title: str) -> Association:
        met = Association(str(uuid.uuid4()), title[:16], "", "", time.time())
        return self._met.setdefault(title, met)


def _commit_without_flush(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=4000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
