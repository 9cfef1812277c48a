"""A second application entity that stands for the PACS: it takes what is stored to it and writes it down."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification

from dicom_node.deliver.scu import without_delay
from dicom_node.errors import PortTaken

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC001  # PS3.4 Table B.2-1
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Received:
    """One object that arrived: where it was written and when (UTC)."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    at: datetime


@dataclass
class Pacs:
    """A running peer. `received` may be read at any moment."""

    ae_title: str
    folder: Path
    clock: Clock = now
    port: int = 0
    _arrivals: list[Received] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def received(self) -> tuple[Received, ...]:
        with self._changed:
            return tuple(self._arrivals)

    def of_study(self, study_uid: str) -> tuple[Received, ...]:
        return tuple(each for each in self.received if each.study_uid == study_uid)

    def wait_for(self, enough: Callable[[tuple[Received, ...]], bool], seconds: float) -> bool:
        """True as soon as `enough(received)`, False after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: enough(tuple(self._arrivals)), timeout=seconds)

    def take(self, event: Any) -> int:
        """Handler of EVT_C_STORE. A file is named by its content, never by what the sender says."""
        try:
            study_uid = str(event.dataset.StudyInstanceUID)
        except Exception:  # whatever a damaged data set makes the parser raise
            return CANNOT_UNDERSTAND
        try:
            path = _written(self.folder, event.encoded_dataset())
        except OSError:
            return OUT_OF_RESOURCES
        request = event.request
        identity = (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID))
        with self._changed:
            self._arrivals.append(Received(path, *identity, study_uid, self.clock()))
            self._changed.notify_all()
        return SUCCESS


def _written(folder: Path, content: bytes) -> Path:
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.dcm"
    part = path.with_suffix(f".{threading.get_ident()}.part")
    part.write_bytes(content)
    return part.replace(path)


@contextmanager
def pacs(folder: Path, port: int = 0, ae_title: str = "PACS", clock: Clock = now) -> Iterator[Pacs]:
    """A PACS on the loopback; port 0 takes a free one. Raises `PortTaken`."""
    folder.mkdir(parents=True, exist_ok=True)
    running = Pacs(ae_title=ae_title, folder=folder, clock=clock)
    entity = AE(ae_title=ae_title)
    entity.require_called_aet = True
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), SYNTAXES)
    entity.add_supported_context(Verification, SYNTAXES)
    handlers: list[Any] = [(evt.EVT_C_STORE, running.take), (evt.EVT_CONN_OPEN, without_delay)]
    try:
        server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    except OSError as error:
        raise PortTaken("the port is taken", where=f"127.0.0.1:{port}", way_out="Choose another.") from error
    running.port = int(server.socket.getsockname()[1])
    try:
        yield running
    finally:
        _stop(server)


def _stop(server: Any) -> None:
    """Let associations end by themselves for a moment, so that a sender sees its last answer."""
    deadline = time.monotonic() + 1
    while server.active_associations and time.monotonic() < deadline:
        time.sleep(0.01)
    server.shutdown()
