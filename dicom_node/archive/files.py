"""Files as received: written beside, named when whole, flushed once.

Layout below the archive's root:

    incoming/<random>.part            being received; nothing else ever reads it
    objects/<date>T<hour>/<sha256>.<random>.dcm

A file is named by the SHA-256 of its data set, never by what a peer sent. It gets its final name *before* its one
flush: a journalling file system then commits bytes and name together. The name proves the content, so a file that a
power cut tore is known for what it is, and the index row of a whole one can be made again (`intake.replay`).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from dicom_node.errors import OutOfResources

# 2.25 and a UUID (PS3.5 B.2): this software, whoever runs it.
IMPLEMENTATION_CLASS_UID: Final = "2.25.178716533608359207709858310635747190992"
IMPLEMENTATION_VERSION_NAME: Final = "MEDVLM_0_1"

INCOMING: Final = "incoming"
OBJECTS: Final = "objects"

# On these, flushing a renamed file makes its name durable too: one journal commit holds both.
NAME_GOES_WITH_FILE: Final = frozenset({"ext4", "xfs", "btrfs"})

PAGE: Final = 4096
# Smaller pieces cost more in requests to the disk than they save at the flush.
WORTH_A_WRITE: Final = 1 << 18

DISK_IS_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class StoredFile:
    """A whole file under its final name. `path` is relative to the archive's root; `sha256` is of the data set."""

    path: str
    sha256: str
    size: int


class FileStore:
    """The archive's folder, made if it is not there (else `OutOfResources`). Thread-safe.

    `flush=False` only to measure.
    """

    def __init__(self, root: Path, *, flush: bool = True, reserve_bytes: int = 0) -> None:
        self.root = root
        self._flush = flush
        self._reserve = reserve_bytes
        # Strings, not paths, where each instance passes.
        self._prefix = str(root)
        self._incoming = root / INCOMING
        try:
            for folder in (self._incoming, root / OBJECTS):
                folder.mkdir(parents=True, exist_ok=True)
            if flush:
                flush_folder(root)
        except OSError as error:
            raise full(error) from error
        self._flush_names = flush and file_system(root) not in NAME_GOES_WITH_FILE
        self._made: set[str] = set()

    def open(self) -> IncomingFile:
        """A new file to receive into. Raises `OutOfResources`."""
        try:
            return IncomingFile(f"{self._prefix}/{INCOMING}/{secrets.token_hex(16)}.part", begin_early=self._flush)
        except OSError as error:
            raise full(error) from error

    def keep(self, file: IncomingFile, now: float) -> StoredFile:
        """Give a whole file its final name and flush it. Raises `OutOfResources`; the file is then gone."""
        sha256 = file.sha256
        folder = _folder(int(now // 3600))
        path = f"{folder}/{sha256}.{secrets.token_hex(4)}.dcm"
        try:
            self._make(folder)
            file.rename(f"{self._prefix}/{path}")
            if self._flush:
                file.flush()
            if self._flush_names:
                flush_folder(self.root / folder)
        except OSError as error:
            # After a failed flush the kernel drops the dirty pages: the same descriptor must not be tried again.
            file.discard()
            raise full(error) from error
        file.close()
        return StoredFile(path, sha256, file.size)

    def remove(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what a killed listener left half-received; leave what a living one is writing. Returns how many."""
        return sum(_remove_unless_locked(part) for part in self._incoming.glob("*.part"))

    def folders(self) -> list[str]:
        """The folders of `objects/`, oldest first, relative to the root."""
        return [f"{OBJECTS}/{entry.name}" for entry in sorted((self.root / OBJECTS).iterdir()) if entry.is_dir()]

    def paths(self, folder: str) -> list[str]:
        """The files of one folder in the order in which they were received, relative to the root."""
        entries = sorted(os.scandir(self.root / folder), key=lambda entry: entry.stat().st_mtime_ns)
        return [f"{folder}/{entry.name}" for entry in entries if entry.name.endswith(".dcm")]

    def _make(self, folder: str) -> None:
        if folder in self._made:
            return
        (self.root / folder).mkdir(exist_ok=True)
        if self._flush:
            flush_folder(self.root / OBJECTS)
        self._made = {folder}

    def refuse_below_reserve(self) -> None:
        """Raises `OutOfResources` when the disk is too full to begin another instance."""
        disk = os.statvfs(self._prefix)
        if disk.f_bavail * disk.f_frsize < self._reserve:
            raise OutOfResources("the archive's disk is nearly full", where="archive.reserve_bytes")
        if disk.f_files and not disk.f_favail:
            raise OutOfResources("the archive's disk has no inodes left", where="archive.url")


class IncomingFile:
    """A file being received: file meta, then the data set, hashed as it passes. Removed unless it was kept."""

    def __init__(self, path: str, *, begin_early: bool = False) -> None:
        self._path = path
        self._begin_early = begin_early and hasattr(os, "posix_fadvise")
        self._begun = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        # The lock dies with its process: a sweep then knows what nobody writes any more.
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._hash = hashlib.sha256()
        self._data_set_offset = 0
        self.size = 0

    def __enter__(self) -> IncomingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    @property
    def sha256(self) -> str:
        """Of the data set alone, in lower-case hexadecimal."""
        return self._hash.hexdigest()

    def write_meta(self, meta: bytes) -> None:
        self._write(memoryview(meta))
        self._data_set_offset = self.size

    def write(self, fragment: memoryview) -> None:
        """The next bytes of the data set. Raises `OutOfResources` when the disk takes no more."""
        self._write(fragment)
        if self._begin_early:
            self._begin_writing_back()
        self._hash.update(fragment)

    def data_set(self) -> BinaryIO:
        """The data set as written so far, from its first byte. The caller closes it."""
        stream = os.fdopen(os.dup(self._fd), "rb")
        stream.seek(self._data_set_offset)
        return stream

    def rename(self, path: str) -> None:
        os.rename(self._path, path)  # noqa: PTH104
        self._path = path

    def flush(self) -> None:
        os.fsync(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def discard(self) -> None:
        """Close and remove; once kept and closed, or discarded, nothing more happens."""
        if self._fd < 0:
            return
        self.close()
        Path(self._path).unlink(missing_ok=True)

    def _begin_writing_back(self) -> None:
        """Let the disk work while the rest still arrives: the flush then waits for little more than the name.

        Linux begins to write dirty pages that it is told nobody needs; being under way, they stay in memory.
        """
        whole_pages = self.size & -PAGE
        if whole_pages - self._begun >= WORTH_A_WRITE:
            os.posix_fadvise(self._fd, self._begun, whole_pages - self._begun, os.POSIX_FADV_DONTNEED)
            self._begun = whole_pages

    def _write(self, view: memoryview) -> None:
        self.size += len(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise full(error) from error


def file_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, calling_ae: str) -> bytes:
    """Preamble of zeros, prefix and File Meta Information (PS3.10 7.1), Explicit VR Little Endian."""
    elements = b"".join(
        (
            b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01",
            _short(0x0002, b"UI", sop_class_uid, b"\0"),
            _short(0x0003, b"UI", sop_instance_uid, b"\0"),
            _short(0x0010, b"UI", transfer_syntax_uid, b"\0"),
            _short(0x0012, b"UI", IMPLEMENTATION_CLASS_UID, b"\0"),
            _short(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME, b" "),
            _short(0x0016, b"AE", calling_ae, b" "),
        )
    )
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(elements)) + elements


def data_set_offset(stream: BinaryIO) -> int:
    """Where the data set begins in a file that `file_meta` began. Raises ValueError when it did not."""
    head = stream.read(144)
    if len(head) < 144 or head[:138] != bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL":
        raise ValueError("no file meta of ours")
    return 144 + int(struct.unpack("<I", head[140:])[0])


def named_digest(path: str) -> str:
    """The SHA-256 that a file's name promises."""
    return Path(path).name.split(".", 1)[0]


def digest(stream: BinaryIO) -> str:
    """SHA-256 of the rest of a stream."""
    found = hashlib.sha256()
    while piece := stream.read(1 << 20):
        found.update(piece)
    return found.hexdigest()


def flush_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def file_system(folder: Path) -> str:
    """The type of the file system that holds a folder (`ext4`, `tmpfs`, ...); "" where it cannot be known."""
    best, kind = Path("/"), ""
    for mount, found in _mounts():
        if folder.resolve().is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, found
    return kind


def full(error: OSError) -> OutOfResources:
    """The error that a peer is told when the disk took no more (PS3.4 Table B.2-1, A700)."""
    words = "the archive's disk is full" if error.errno in DISK_IS_FULL else "the archive cannot be written"
    return OutOfResources(words, where=os.strerror(error.errno or 0), way_out="Free space, then send again.")


def _short(element: int, vr: bytes, value: str, padding: bytes) -> bytes:
    raw = value.encode("ascii", "replace")
    raw += padding * (len(raw) % 2)
    return struct.pack("<HH2sH", 0x0002, element, vr, len(raw)) + raw


@lru_cache(maxsize=4)
def _folder(hour: int) -> str:
    return f"{OBJECTS}/{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%dT%H}"


def _mounts() -> Iterator[tuple[Path, str]]:
    table = Path("/proc/self/mounts")
    if not table.exists():
        return
    for line in table.read_text().splitlines():
        fields = line.split(" ")
        yield Path(fields[1].replace("\\040", " ")), fields[2]


def _remove_unless_locked(part: Path) -> bool:
    try:
        with part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True
