"""The listener: binds the port, keeps the lobby, and gives each admitted association a thread."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

import structlog

from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.files import FileStore
from dicom_node.archive.intake import Intake, open_intake_engine
from dicom_node.audit.participants import source_of
from dicom_node.audit.receptions import Receptions
from dicom_node.errors import PortTaken
from dicom_node.receive.association import Admitted, Receiver, Stopping, objection, read_request, record
from dicom_node.receive.lobby import Lobby
from dicom_node.receive.pdu import LIMIT_EXCEEDED, Abort, Rejection, abort, hang_up, reject
from dicom_node.receive.storage import Storage
from dicom_node.settings import Listener, Settings

BACKLOG: Final = 128
# Connections being admitted or rejected, beyond those inside.
MOST_AT_THE_DOOR: Final = 64
# A running message may still take so long; then the process goes, and what was not answered is sent again.
GRACE_SECONDS: Final = 10.0


def serve(settings: Settings, ready: Callable[[int], None], stop: threading.Event) -> None:
    """Receive until `stop` is set; `ready` gets the port once peers can connect.

    Running messages are finished, then their associations aborted (A-ABORT, source 0).
    Raises `PortTaken`, and `OutOfResources` when the archive cannot be opened.
    """
    _keep_libraries_quiet()
    engine = open_intake_engine(settings.database_url, flush=settings.archive.flush)
    migrate(engine)
    archive = settings.archive
    store = FileStore(archive.root, flush=archive.flush, reserve_bytes=archive.reserve_bytes)
    intake = Intake(engine, store)
    intake.replay()
    storage = Storage(store, intake, settings.listener.max_instance_bytes)
    # Its own engine: the trail is flushed at every commit, the index is not.
    told = open_engine(settings.database_url, flush=archive.flush)
    receptions = Receptions(told, source_of(settings, "listener"))
    try:
        with _bind(settings.listener) as listening:
            desk = Desk(settings.listener, storage, receptions.ended)
            receptions.start()
            ready(listening.getsockname()[1])
            Lobby(listening, desk.receive, settings.listener.association_request_timeout).run(stop.is_set)
        desk.close()
        receptions.stop()
    finally:
        intake.close()
        engine.dispose()
        told.dispose()


class Desk:
    """Admits or rejects, and counts who is inside. `ended` is called after each association."""

    def __init__(self, settings: Listener, storage: Storage, ended: Callable[[], None]) -> None:
        self._settings = settings
        self._ended = ended
        self._intake = storage.intake
        self._receiver = _receiver(settings, storage)
        self._stopping = Stopping()
        self._inside = 0
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._log: Any = structlog.get_logger()

    def receive(self, connection: socket.socket, host: str, raw: bytes) -> None:
        """Called by the lobby, so never blocks: a crowd at the door is turned away without a thread."""
        thread = threading.Thread(target=self._run, args=(connection, host, raw), daemon=True)
        with self._lock:
            crowded = len(self._threads) >= self._settings.max_associations + MOST_AT_THE_DOOR
            if not crowded:
                self._threads.add(thread)
        if not crowded:
            thread.start()
            return
        self._log.warning("association.rejected", host=host, cause="crowded")
        with contextlib.suppress(OSError), connection:
            connection.send(reject(LIMIT_EXCEEDED))

    def close(self) -> None:
        """Let every association finish its message and end."""
        self._stopping.stop()
        deadline = time.monotonic() + GRACE_SECONDS
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not any(thread.is_alive() for thread in threads):
            self._stopping.close()

    def _run(self, connection: socket.socket, host: str, raw: bytes) -> None:
        try:
            self._admit(connection, host, raw)
        except Abort as error:
            self._log.info("association.aborted", host=host, cause=error.words)
            hang_up(connection, abort(2, error.reason))
        except Exception:
            # One association never takes the listener with it.
            self._log.exception("association.failed", host=host)
            connection.close()
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _admit(self, connection: socket.socket, host: str, raw: bytes) -> None:
        request = read_request(raw)
        association = record(request, host)
        log = self._log.bind(association=association.id, calling=association.calling_ae, host=host)
        refused = objection(request, self._settings)
        if refused is not None:
            self._reject(log, connection, refused)
            return
        with self._place() as free:
            if not free:
                self._reject(log, connection, LIMIT_EXCEEDED)
                return
            log.info("association.accepted", called=association.called_ae)
            outcome = self._receiver.run(Admitted(connection, request, association, self._stopping))
            log.info("association.ended", outcome=outcome, seconds=round(time.time() - association.started, 3))
            self._intake.close_association(association, time.time(), outcome)
            self._ended()

    @contextlib.contextmanager
    def _place(self) -> Any:
        """One of `max_associations` places, or False."""
        with self._lock:
            free = self._inside < self._settings.max_associations and not self._stopping.asked
            self._inside += free
        try:
            yield free
        finally:
            with self._lock:
                self._inside -= free

    def _reject(self, log: Any, connection: socket.socket, rejection: Rejection) -> None:
        log.warning("association.rejected", cause=rejection.words)
        hang_up(connection, reject(rejection))


def _receiver(settings: Listener, storage: Storage) -> Receiver:
    if settings.data_path == "pynetdicom":
        from dicom_node.receive.through_pynetdicom import PynetdicomReceiver

        return PynetdicomReceiver(settings, storage)
    from dicom_node.receive.direct import DirectReceiver

    return DirectReceiver(settings, storage)


def _bind(settings: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise PortTaken(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
            where="listener.port",
            way_out="Choose another port, or stop what listens there.",
        ) from error
    return listening


def _keep_libraries_quiet() -> None:
    """Their warnings quote values of data sets: patient data has no place in a log."""
    warnings.simplefilter("ignore", UserWarning)
    for name in ("pydicom", "pynetdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
