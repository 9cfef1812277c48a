"""Frames that have to be decoded: asked of one child process, started at the first and again after it died."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dicom_node.api.dicomweb.rendering import Look

COMMAND: Final = (sys.executable, "-m", "dicom_node.api.dicomweb.pixels_process")
SECONDS: Final = 60.0
# No settings and no secrets of the parent.
INHERITED: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "LC_ALL")


class CannotDecode(Exception):
    """No decoder takes these pixels, or the one that tried died. Says nothing of the image."""


class Pixels:
    """Thread-safe; one request at a time."""

    def __init__(self, command: Sequence[str] = COMMAND, seconds: float = SECONDS) -> None:
        self._command = tuple(command)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def picture(self, path: Path, frame: int, look: Look) -> bytes:
        """A frame as displayed. Raises `CannotDecode`."""
        return self._ask({"do": "picture", "path": str(path), "frame": frame, "look": look.model_dump(mode="json")})

    def frame(self, path: Path, frame: int) -> bytes:
        """Little-endian octets of a frame. Raises `CannotDecode`."""
        return self._ask({"do": "frame", "path": str(path), "frame": frame})

    def file(self, path: Path) -> bytes:
        """The instance in Explicit VR Little Endian. Raises `CannotDecode`."""
        return self._ask({"do": "file", "path": str(path)})

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _ask(self, request: dict[str, Any]) -> bytes:
        with self._lock:
            child = self._alive()
            late = threading.Timer(self._seconds, child.kill)
            late.start()
            try:
                return _exchange(child, request)
            except (OSError, ValueError) as error:
                self._drop()
                raise CannotDecode("the decoder stopped") from error
            finally:
                late.cancel()

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._drop()
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # codecs write what they like there
                env={name: os.environ[name] for name in INHERITED if name in os.environ},
            )
        return self._child

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


def _exchange(child: subprocess.Popen[bytes], request: dict[str, Any]) -> bytes:
    assert child.stdin is not None  # noqa: S101
    assert child.stdout is not None  # noqa: S101
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()
    head = json.loads(child.stdout.readline() or b"-")
    if "error" in head:
        raise CannotDecode("no decoder takes these pixels")
    made = child.stdout.read(head["bytes"])
    if len(made) < head["bytes"]:
        raise ValueError("the child died while answering")
    return made
