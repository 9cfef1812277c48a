"""Processes that a test talks to from outside: the listener, DCMTK, Orthanc. All on loopback, all on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

HOST = "127.0.0.1"
ORTHANC = shutil.which("Orthanc") or "/usr/sbin/Orthanc"

# In CI a missing peer is a failure of the test that needs it, never a skip.
MAY_SKIP = "CI" not in os.environ
needs_dcmtk = pytest.mark.skipif(MAY_SKIP and shutil.which("storescu") is None, reason="DCMTK is not installed")
needs_orthanc = pytest.mark.skipif(MAY_SKIP and not Path(ORTHANC).exists(), reason="Orthanc is not installed")

DICOMWEB = next(Path("/usr/share/orthanc/plugins").glob("libOrthancDicomWeb.so*"), Path("libOrthancDicomWeb.so"))
needs_dicomweb = pytest.mark.skipif(
    MAY_SKIP and not (DICOMWEB.exists() and Path(ORTHANC).exists()), reason="Orthanc's DICOMweb is not installed"
)

POSTGRESQL = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))
needs_postgresql = pytest.mark.skipif(
    MAY_SKIP and not (POSTGRESQL / "initdb").exists(), reason="PostgreSQL is not installed"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None, *, seconds: float = 30) -> None:
    """Until something listens. Fails at once when the process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{process.args} ended with {process.returncode}")  # type: ignore[str-bytes-safe]
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on port {port} after {seconds} s")


def dcmtk_environment() -> dict[str, str]:
    """DCMTK since 3.6.2 leaves Nagle on: without this each instance waits some 48 ms for a delayed acknowledgement.

    An activated environment of ours has programs of pynetdicom's under the same names: they are left out of the path.
    """
    own = str(Path(sys.prefix) / "bin")
    path = os.pathsep.join(folder for folder in os.get_exec_path() if folder != own)
    return os.environ | {"TCP_NODELAY": "1", "PATH": path}


def dcmtk(*command: object, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a DCMTK tool; `stdout` has its log as well."""
    return subprocess.run(
        [str(part) for part in command],
        env=dcmtk_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


def statuses(output: str) -> list[str]:
    """What `storescu -v` and `dcmsend -v` printed of each response: `Success`, `Refused: OutOfResources`, ..."""
    lines = [line for line in output.splitlines() if "Store Response (" in line or "C-STORE Response (" in line]
    return [line.rpartition("(")[2].rstrip(")") for line in lines]


@contextlib.contextmanager
def process(command: Sequence[object], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own group, ended when the block ends; what it says is in `log`."""
    with log.open("ab") as out:
        started = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, start_new_session=True, **options
        )
        try:
            yield started
        finally:
            end(started)


def end(started: subprocess.Popen[bytes], *, seconds: float = 15) -> None:
    """Ask it and what it started to stop; kill them when they do not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGTERM)
    try:
        started.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@dataclass(frozen=True)
class Node:
    """A listener in a process of its own."""

    port: int
    ae_title: str
    root: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def database(self) -> Path:
        return self.root / "db" / "index.sqlite"


@contextlib.contextmanager
def listener(folder: Path, *, port: int = 0, prefix: Sequence[object] = (), **settings: Any) -> Iterator[Node]:
    """`dicom_node.receive.listener.serve` over `folder/archive`.

    `settings` are `section__key=value`; `prefix` goes before the command (`strace`, `prlimit`).
    """
    port, root, log = port or free_port(), folder / "archive", folder / "listener.log"
    chosen = {"listener__port": port, "archive__url": root, "archive__reserve_bytes": 0} | settings
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    environment |= {f"DICOM_NODE_{key.upper()}": _as_environment(value) for key, value in chosen.items()}
    command = [*prefix, sys.executable, "-m", "tests.listener_process"]
    with process(command, log, env=environment, cwd=folder) as started:
        wait_for_port(port, started)
        yield Node(port, str(chosen.get("listener__ae_title", "MEDVLM")), root, started, log)


@dataclass(frozen=True)
class Orthanc:
    """An Orthanc as the PACS: `port` for DICOM, `http_port` for its REST interface."""

    ae_title: str
    port: int
    http_port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}/{path}", timeout=30).raise_for_status().json()

    def file(self, orthanc_id: str) -> bytes:
        """The DICOM file of one of `get("instances")`."""
        return httpx.get(f"{self.url}/instances/{orthanc_id}/file", timeout=30).raise_for_status().content


@contextlib.contextmanager
def orthanc(
    folder: Path,
    aet: str = "ORTHANC",
    peers: dict[str, tuple[str, int]] | None = None,
    plugins: Sequence[Path] = (),
) -> Iterator[Orthanc]:
    """Debian's Orthanc with its defaults; `peers` are name: (AE title, port on loopback)."""
    folder.mkdir(parents=True, exist_ok=True)
    port, http_port = free_port(), free_port()
    configuration = {
        "Name": aet,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(plugin) for plugin in plugins],
        "DicomAet": aet,
        "DicomPort": port,
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True,
        "DicomModalities": {name: [title, HOST, where] for name, (title, where) in (peers or {}).items()},
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(configuration, indent=2))
    with process([ORTHANC, file], folder / "orthanc.log", env=dcmtk_environment()) as started:
        wait_for_port(port, started)
        wait_for_port(http_port, started)
        yield Orthanc(aet, port, http_port, folder / "orthanc.log")


@contextlib.contextmanager
def storescp(folder: Path, *options: object, aet: str = "STORESCP") -> Iterator[int]:
    """DCMTK's storescp writing into `folder`; its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ["storescp", "-aet", aet, "-od", folder, *options, port]
    with process(command, folder.parent / f"{folder.name}.log", env=dcmtk_environment()) as started:
        wait_for_port(port, started)
        yield port


def associate_request(called: str, calling: str = "RAW") -> bytes:
    """A-ASSOCIATE-RQ for CT Image Storage (PS3.8 9.3.2)."""

    def item(kind: int, body: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(body)) + body

    context = b"\x01\0\0\0" + item(0x30, b"1.2.840.10008.5.1.4.1.1.2") + item(0x40, b"1.2.840.10008.1.2.1")
    user = item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4")
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, context) + item(0x50, user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


def _as_environment(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list | tuple | dict) else str(value)


@contextlib.contextmanager
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL of its own, reached by a socket; its URL. It refuses to run as root."""
    user: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        folder, data = Path(name), f"{name}/data"
        if user:
            shutil.chown(folder, "nobody")
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder} | user
        subprocess.run(
            [POSTGRESQL / "initdb", "-D", data, "-A", "trust", "-U", "node", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            **quiet,
        )
        control = [str(POSTGRESQL / "pg_ctl"), "-D", data, "-w"]
        options = f"-c listen_addresses= -c unix_socket_directories={folder}"
        subprocess.run([*control, "-o", options, "start"], check=True, **quiet)
        try:
            yield f"postgresql://node@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)
