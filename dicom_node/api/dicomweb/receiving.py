"""STOW-RS into the archive: as durable as C-STORE, by the same intake; bodies of any size, streamed to the disk."""

from __future__ import annotations

import struct
import threading
import time
from dataclasses import dataclass
from typing import Final

import structlog

from dicom_node.archive.files import FileStore, IncomingFile, file_meta
from dicom_node.archive.instance_header import InstanceHeader, is_uid, read_header
from dicom_node.archive.instance_rows import Received
from dicom_node.archive.intake import Intake, open_intake_engine
from dicom_node.archive.sop_classes import is_storage
from dicom_node.archive.transfer_syntaxes import TRANSFER_SYNTAXES
from dicom_node.errors import CannotUnderstand, Edge, NodeError, OutOfResources, WrongClass
from dicom_node.settings import Settings

log = structlog.get_logger()

# Where the file meta has the AE title of a sender (PS3.10 7.1), this says how the instance came.
SENDER: Final = "STOW-RS"
LONGEST_META: Final = 65536
DATA_SET_BEGINS: Final = 132


class NotAPart10File(CannotUnderstand):
    code = "not_a_dicom_file"


class UnknownSyntax(NodeError):
    """Referenced transfer syntax not supported (PS3.18 Table I.2-2)."""

    code = "transfer_syntax_not_supported"
    edge = Edge(dimse=0xC122, http=409, exit=2)


class NotStorage(NodeError):
    """SOP class not supported (PS3.7 C.5.6)."""

    code = "sop_class_not_supported"
    edge = Edge(dimse=0x0122, http=409, exit=2)


class OtherContent(NodeError):
    """Duplicate SOP instance (PS3.7 C.5.3): kept, but what came first under that UID is what is served."""

    code = "duplicate_sop_instance"
    edge = Edge(dimse=0x0111, http=409, exit=2)


class TooLarge(NodeError):
    code = "instance_too_large"
    edge = Edge(dimse=0xA700, http=413, exit=2)


@dataclass(frozen=True)
class Meta:
    """What the file meta says, and where the data set begins."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    length: int


@dataclass(frozen=True)
class Outcome:
    """Of one part. `fault` is None when it is safe in the archive and served."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_uid: str = ""
    series_uid: str = ""
    fault: NodeError | None = None


class Receiver:
    """The archive's entrance, opened at the first instance. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._opened: tuple[FileStore, Intake] | None = None

    @property
    def max_instance_bytes(self) -> int:
        return self._settings.listener.max_instance_bytes

    def doors(self) -> tuple[FileStore, Intake]:
        """Raises `OutOfResources`."""
        with self._lock:
            if self._opened is None:
                archive = self._settings.archive
                store = FileStore(archive.root, flush=archive.flush, reserve_bytes=archive.reserve_bytes)
                engine = open_intake_engine(self._settings.database_url, flush=archive.flush)
                self._opened = store, Intake(engine, store)
            return self._opened


class Incoming:
    """One part as it arrives. After a fault its remaining bytes are taken and forgotten."""

    def __init__(self, receiver: Receiver, study_uid: str | None) -> None:
        self._receiver = receiver
        self._study_uid = study_uid
        self._head = bytearray()
        self._meta: Meta | None = None
        self._file: IncomingFile | None = None
        self._fault: NodeError | None = None
        self._size = 0

    def write(self, piece: memoryview) -> None:
        if self._fault is not None:
            return
        try:
            self._take(piece)
        except NodeError as error:
            self._give_up(error)

    def finish(self) -> Outcome:
        """The part is whole: store it, index it, and say how it went."""
        header: InstanceHeader | None = None
        try:
            if self._fault is None:
                header = self._store()
        except NodeError as error:
            self._give_up(error)
        outcome = self._outcome(header)
        if outcome.fault is not None:
            log.warning("instance.refused", code=outcome.fault.code, cause=outcome.fault.what, bytes=self._size)
        return outcome

    def discard(self) -> None:
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _take(self, piece: memoryview) -> None:
        self._size += len(piece)
        if self._size > self._receiver.max_instance_bytes:
            raise TooLarge("an instance is too large", where="listener.max_instance_bytes")
        if self._file is not None:
            self._file.write(piece)
            return
        self._head += piece
        self._meta = parse_meta(self._head)
        if self._meta is not None:
            self._file = self._open(self._meta)
            with memoryview(self._head) as head:
                self._file.write(head[self._meta.length :])
            self._head = bytearray()

    def _open(self, meta: Meta) -> IncomingFile:
        if meta.transfer_syntax_uid not in TRANSFER_SYNTAXES:
            raise UnknownSyntax("the transfer syntax is not one that is kept here")
        if not is_storage(meta.sop_class_uid):
            raise NotStorage("the SOP class is none of storage")
        store, _ = self._receiver.doors()
        store.refuse_below_reserve()
        file = store.open()
        try:
            file.write_meta(file_meta(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, SENDER))
        except OutOfResources:
            file.discard()
            raise
        return file

    def _store(self) -> InstanceHeader:
        if self._file is None or self._meta is None:
            raise NotAPart10File("a part is no DICOM file (PS3.10)")
        with self._file.data_set() as data_set:
            header = read_header(data_set, self._meta.transfer_syntax_uid)
        if header is None:
            raise CannotUnderstand("the data set has no header")
        self._check(header, self._meta)
        store, intake = self._receiver.doors()
        now = time.time()
        kept = store.keep(self._file, now)
        self._file = None
        outcome = intake.admit(Received(header, kept, self._meta.transfer_syntax_uid, now))
        log.debug(f"instance.{outcome}", study=header.study_uid, instance=header.sop_instance_uid, bytes=kept.size)
        if outcome == "conflict":
            self._fault = OtherContent("another content was received under this UID before", way_out="It stays so.")
        return header

    def _check(self, header: InstanceHeader, meta: Meta) -> None:
        if header.sop_class_uid != meta.sop_class_uid:
            raise WrongClass("the data set has another SOP class than the file meta")
        if header.sop_instance_uid != meta.sop_instance_uid:
            raise CannotUnderstand("the data set has another SOP Instance UID than the file meta")
        if self._study_uid is not None and header.study_uid != self._study_uid:
            raise CannotUnderstand("the instance is of another study than the address says")

    def _outcome(self, header: InstanceHeader | None) -> Outcome:
        if header is not None:
            return Outcome(
                header.sop_class_uid, header.sop_instance_uid, header.study_uid, header.series_uid, self._fault
            )
        meta = self._meta
        fault = self._fault or CannotUnderstand("the part cannot be stored")
        return Outcome(meta.sop_class_uid if meta else "", meta.sop_instance_uid if meta else "", fault=fault)

    def _give_up(self, fault: NodeError) -> None:
        self._fault = fault
        self.discard()


def parse_meta(head: bytearray) -> Meta | None:
    """The file meta at the head of a file; None while it is not whole. Raises `NotAPart10File`.

    A file that begins with its meta, without preamble, is taken too: so does dicomweb-client write data sets that were
    never read from a file.
    """
    if len(head) < DATA_SET_BEGINS:
        return None
    bare = head[128:132] != b"DICM"
    if bare and head[:2] != b"\x02\0":
        raise NotAPart10File("a part is no DICOM file (PS3.10)")
    found: dict[int, bytes] = {}
    at = 0 if bare else DATA_SET_BEGINS
    while at + 12 <= len(head):
        group, element, vr, length = struct.unpack_from("<HH2sH", head, at)
        if group != 0x0002:
            return _meta(found, at)
        value = at + 8
        if vr in (b"OB", b"OW", b"UN", b"UT", b"SQ"):
            length, value = struct.unpack_from("<I", head, at + 8)[0], at + 12
        found[element] = bytes(head[value : value + length])
        at = value + length
        if at > LONGEST_META:
            raise NotAPart10File("the file meta is longer than 64 kB")
    return None


def _meta(found: dict[int, bytes], length: int) -> Meta:
    def uid(element: int) -> str:
        value = found.get(element, b"").decode("ascii", "replace").strip(" \0")
        if not is_uid(value):
            raise NotAPart10File("the file meta lacks a UID")
        return value

    return Meta(uid(0x0002), uid(0x0003), uid(0x0010), length)
