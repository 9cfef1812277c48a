"""Decoding of pixel data that may be hostile, in one long-lived child process with limits.

A codec that crashes, loops or eats memory costs one image: the caller gets `DecoderDied`, the next image a new child.
"""

from __future__ import annotations

import fcntl
import json
import math
import mmap
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from medvlm.errors import DecoderDied, UnreadableImage

DECODER_COMMAND = (sys.executable, "-m", "medvlm.imaging.decoder_process")

_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "LC_ALL")  # no secrets of the parent
_DTYPES = frozenset({"|u1", "|i1", "<u2", "<i2", "<u4", "<i4"})
_LONGEST_ANSWER = 1 << 16


@dataclass(frozen=True)
class DecodeLimits:
    """What one image may cost. Bytes, except `seconds` of wall clock for one frame."""

    frame_bytes: int = 512 << 20
    study_bytes: int = 8 << 30
    file_bytes: int = 4 << 30
    inflate_ratio: int = 100
    address_space: int = 4 << 30
    seconds: float = 60.0


@dataclass(frozen=True)
class Decoded:
    """One frame: (rows, columns) or (rows, columns, 3), and its photometric interpretation after decoding."""

    pixels: npt.NDArray[Any]
    photometric: str


class Decoder:
    """A child process that decodes one frame at a time. Thread-safe; to be used as a context manager.

    `command` is the program that speaks the protocol of `decoder_process`; it is called with the arena's
    descriptor, the address space and the largest arena in bytes.
    """

    def __init__(self, limits: DecodeLimits | None = None, command: Sequence[str] = DECODER_COMMAND) -> None:
        self.limits = limits or DecodeLimits()
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Decoder:
        with self._lock:
            self._alive()  # starts now, so that it is ready when the first header is parsed
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def frame(self, syntax: str, encoded: bytes, options: Mapping[str, object]) -> Decoded:
        """Decodes one DICOM frame of a transfer syntax; `options` are pydicom's decoding options.

        Raises `UnreadableImage` when the codec refuses the bytes, `DecoderDied` when it crashed or ran out of time.
        """
        return self._ask({"kind": "dicom", "syntax": syntax, "options": dict(options)}, encoded)

    def picture(self, encoded: bytes) -> Decoded:
        """Decodes a PNG, JPEG or WebP file. Errors as in `frame`."""
        return self._ask({"kind": "picture", "max_pixels": self.limits.frame_bytes // 4}, encoded)

    def _ask(self, request: dict[str, object], encoded: bytes) -> Decoded:
        if len(encoded) > self.limits.frame_bytes:
            raise UnreadableImage("one frame is larger than allowed", way_out="Raise the limit of bytes a frame.")
        with self._lock:
            child = self._alive()
            try:
                return child.decode(request, encoded, self.limits.seconds)
            except DecoderDied:
                self._drop()
                raise

    def _alive(self) -> _Child:
        if self._child is None or not self._child.running:
            self._drop()
            self._child = _Child(self._command, self.limits)
        return self._child

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()


class _Child:
    """One process and its arena."""

    def __init__(self, command: tuple[str, ...], limits: DecodeLimits) -> None:
        self._arena = _open_arena()
        self._map: mmap.mmap | None = None
        self._size_limit = 2 * limits.frame_bytes + (1 << 20)
        self._process = subprocess.Popen(
            [*command, str(self._arena), str(limits.address_space), str(self._size_limit)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # codecs write what they like there
            pass_fds=(self._arena,),
            env=_environment(),
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def decode(self, request: dict[str, object], encoded: bytes, seconds: float) -> Decoded:
        self._store(encoded)
        message = {**request, "length": len(encoded), "seconds": seconds}
        answer = self._exchange(json.dumps(message).encode() + b"\n", seconds)
        if "error" in answer:
            raise UnreadableImage(f"the pixel data could not be decoded: {_printable(answer['error'])}")
        return self._result(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._map = None  # not closed: arrays may still look into it
        os.close(self._arena)

    def _store(self, encoded: bytes) -> None:
        size = len(encoded)
        if self._map is None or len(self._map) < size:
            self._remap(at_least=size)
        assert self._map is not None  # noqa: S101
        self._map[:size] = encoded

    def _remap(self, at_least: int) -> None:
        have = os.fstat(self._arena).st_size
        if have < at_least:
            have = math.ceil(at_least / (1 << 20)) * (1 << 20)
            os.ftruncate(self._arena, have)
        self._map = mmap.mmap(self._arena, have)

    def _exchange(self, message: bytes, seconds: float) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(message)
            self._process.stdin.flush()
        except OSError as error:
            raise self._died() from error
        line = self._read_line(time.monotonic() + seconds)
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise self._died() from error
        if not isinstance(answer, dict):
            raise self._died()
        return answer

    def _read_line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101
        stream, line = self._process.stdout.fileno(), b""
        poll = select.poll()  # select() ends at 1024 descriptors
        poll.register(stream, select.POLLIN)
        while not line.endswith(b"\n"):
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise DecoderDied("the decoder ran out of time on this image", way_out=_WAY_OUT)
            piece = os.read(stream, _LONGEST_ANSWER)
            if not piece or len(line) > _LONGEST_ANSWER:
                raise self._died()
            line += piece
        return line

    def _died(self) -> DecoderDied:
        self._process.kill()
        status = self._process.wait()
        # -9 may be our own kill of a child that spoke nonsense; any other signal is the codec's.
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return DecoderDied(f"the decoder died on this image ({how})", way_out=_WAY_OUT)

    def _result(self, answer: dict[str, Any]) -> Decoded:
        """A copy of the array that the answer describes. Its numbers are checked, for the child may be hostile."""
        try:
            dtype, shape, offset = answer["dtype"], tuple(map(int, answer["shape"])), int(answer["offset"])
            photometric = str(answer["photometric"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._died() from error
        fits = dtype in _DTYPES and len(shape) in (2, 3) and min(shape) > 0 and offset >= 0
        size = math.prod(shape) * np.dtype(dtype).itemsize if fits else 0
        if not fits or offset + size > min(self._size_limit, os.fstat(self._arena).st_size):
            raise self._died()
        if self._map is None or len(self._map) < offset + size:
            self._remap(at_least=offset + size)
        view = np.frombuffer(self._map, dtype=dtype, count=math.prod(shape), offset=offset)  # type: ignore[arg-type]
        return Decoded(view.reshape(shape).copy(), photometric)


_WAY_OUT = "The image is left out; the next one gets a new decoder."


def _open_arena() -> int:
    """An anonymous file in memory, not bounded by the size of /dev/shm, that the child can grow but not shrink."""
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    descriptor = os.memfd_create("decoder", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    # Shrinking under our mapping would kill this process with SIGBUS.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _printable(words: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(words)[:300]).rstrip(". ")
