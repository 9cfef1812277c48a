"""The storage service (PS3.4 Annex B): one instance from its C-STORE-RQ to the status that it deserves.

Both data paths bring their bytes here; nothing below knows which.
"""

from __future__ import annotations

import contextlib
import time
from io import BytesIO
from types import TracebackType
from typing import Any, Final

import structlog

from dicom_node.archive.files import FileStore, IncomingFile, file_meta
from dicom_node.archive.instance_header import InstanceHeader, is_uid, read_header
from dicom_node.archive.instance_rows import Association, Received
from dicom_node.archive.intake import Intake
from dicom_node.errors import BadInstanceUid, CannotUnderstand, NodeError, OutOfResources, WrongClass
from dicom_node.receive.command_set import LONGEST_COMMENT, SUCCESS, Answer, Command

# The indexed elements nearly always end before this; the header is then parsed while the rest still arrives.
EARLY: Final = 32768


class TooLong(Exception):
    """An instance beyond `listener.max_instance_bytes`: the association ends, for nobody knows when it would."""


class Storage:
    """Receives instances into the archive. Thread-safe."""

    def __init__(self, store: FileStore, intake: Intake, max_instance_bytes: int) -> None:
        self.store = store
        self.intake = intake
        self.max_instance_bytes = max_instance_bytes
        self.log: Any = structlog.get_logger().bind()

    def begin(
        self, command: Command, transfer_syntax_uid: str, association: Association, spare: Spare | None = None
    ) -> Reception:
        return Reception(self, command, transfer_syntax_uid, association, spare or Spare(self.store))


class Spare:
    """The file of the next instance, made while the peer still gets ready to send it."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._file: IncomingFile | None = None

    def prepare(self) -> None:
        with contextlib.suppress(OutOfResources):  # said when the file is needed
            self._file = self._file or self._store.open()

    def take(self) -> IncomingFile:
        """Raises `OutOfResources`."""
        self._store.refuse_below_reserve()
        file, self._file = self._file, None
        return file or self._store.open()

    def discard(self) -> None:
        if self._file is not None:
            self._file.discard()
            self._file = None


class Reception:
    """One instance. After a fault its remaining bytes are taken and forgotten: the peer waits for a status."""

    def __init__(
        self, storage: Storage, command: Command, transfer_syntax_uid: str, association: Association, spare: Spare
    ) -> None:
        self._storage = storage
        self._command = command
        self._syntax = transfer_syntax_uid
        self._association = association
        self._fault: NodeError | None = None
        self._file: IncomingFile | None = None
        self._head = bytearray()
        self._header: InstanceHeader | None = None
        self._size = 0
        self._log = storage.log
        try:
            self._file = self._open(spare)
        except NodeError as error:
            self._fault = error

    def __enter__(self) -> Reception:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whatever ends a reception early, half a file never stays."""
        self._discard()

    def write(self, fragment: memoryview) -> None:
        """The next bytes of the data set. Raises `TooLong`."""
        self._size += len(fragment)
        if self._size > self._storage.max_instance_bytes:
            raise TooLong
        if self._file is None:
            return
        try:
            self._file.write(fragment)
        except OutOfResources as error:
            self._give_up(error)
            return
        self._look_early(fragment)

    def finish(self) -> Answer:
        """The data set is whole: store it, index it, and say how it went. Success is only ever returned here."""
        if self._file is not None:
            try:
                return self._store(self._file)
            except NodeError as error:
                self._give_up(error)
        fault = self._fault or OutOfResources("the archive cannot be written")
        self._log.warning(
            "instance.refused",
            association=self._association.id,
            code=fault.code,
            status=f"{fault.edge.dimse:#06x}",
            cause=fault.what,
            bytes=self._size,
        )
        return Answer(fault.edge.dimse, fault.what[:LONGEST_COMMENT])

    def _open(self, spare: Spare) -> IncomingFile:
        if not is_uid(self._command.sop_instance_uid):
            raise BadInstanceUid("the SOP Instance UID is no UID")
        if not is_uid(self._command.sop_class_uid):
            raise WrongClass("the SOP Class UID is no UID")
        if not self._command.has_data_set:
            raise CannotUnderstand("no data set")
        file = spare.take()
        meta = file_meta(
            self._command.sop_class_uid, self._command.sop_instance_uid, self._syntax, self._association.calling_ae
        )
        try:
            file.write_meta(meta)
        except OutOfResources:
            file.discard()
            raise
        return file

    def _look_early(self, fragment: memoryview) -> None:
        if len(self._head) >= EARLY:
            return
        self._head += fragment[: 2 * EARLY]
        if len(self._head) >= EARLY:
            self._header = self._try_early()

    def _try_early(self) -> InstanceHeader | None:
        try:
            return read_header(BytesIO(self._head), self._syntax, whole=False)
        except CannotUnderstand:
            return None  # said of the whole data set, if it still holds then

    def _store(self, file: IncomingFile) -> Answer:
        header = self._header or self._read_whole(file)
        self._check(header)
        now = time.time()
        kept = self._storage.store.keep(file, now)
        self._file = None
        outcome = self._storage.intake.admit(Received(header, kept, self._syntax, now, self._association))
        event = self._log.warning if outcome == "conflict" else self._log.debug
        event(
            f"instance.{outcome}",
            association=self._association.id,
            study=header.study_uid,
            instance=header.sop_instance_uid,
            sop_class=header.sop_class_uid,
            bytes=kept.size,
        )
        return Answer(SUCCESS)

    def _read_whole(self, file: IncomingFile) -> InstanceHeader:
        with file.data_set() as data_set:
            header = read_header(data_set, self._syntax)
        if header is None:
            raise CannotUnderstand("the data set has no header")
        return header

    def _check(self, header: InstanceHeader) -> None:
        if header.sop_class_uid != self._command.sop_class_uid:
            raise WrongClass("the data set has another SOP class than the command")
        if header.sop_instance_uid != self._command.sop_instance_uid:
            raise CannotUnderstand("the data set has another SOP Instance UID")

    def _give_up(self, fault: NodeError) -> None:
        self._fault = fault
        self._discard()

    def _discard(self) -> None:
        if self._file is not None:
            self._file.discard()
            self._file = None
