"""The node's roles as processes, for tests from outside: listener, worker, API, and a model server."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import Dataset
from sqlalchemy import Engine

from dicom_node.archive import outbox
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import reports_of
from dicom_node.archive.studies import Study, find_study
from dicom_node.deliver.scu import Remote
from dicom_node.deliver.send import send
from dicom_node.errors import NotFound
from tests.builders import write
from tests.peers import end, free_port, wait_for_port

CHECKOUT = Path(__file__).parents[1]
QUIET_SECONDS = 0.5


@dataclass
class RunningNode:
    """Start and stop roles as a test needs them. `settings` are `section__key`."""

    folder: Path
    settings: dict[str, Any]
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.settings["listener__port"])

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.settings['api__port']}"

    @property
    def root(self) -> Path:
        return Path(self.settings["archive__url"])

    @property
    def engine(self) -> Engine:
        engine = open_engine(self.settings.get("database__url") or f"sqlite:///{self.root / 'db' / 'index.sqlite'}")
        migrate(engine)
        return engine

    def start(self, role: str, **more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dicom_node.cli", "serve", "--role", role]
        if role == "scripted-model":
            command = [sys.executable, "-m", "tests.scripted_model", self.settings["model__url"].rpartition(":")[2]]
        previous = self._processes.get(role)
        assert previous is None or previous.poll() is not None, f"{role} is running already"
        with (self.folder / f"{role}.log").open("ab") as log:
            self._processes[role] = subprocess.Popen(
                command, env=self.environment | more, cwd=CHECKOUT, stdout=log, stderr=log, start_new_session=True
            )
        return self._processes[role]

    def stop(self, role: str) -> None:
        if role in self._processes:
            end(self._processes.pop(role))

    def kill(self, role: str) -> None:
        """As `kill -9` does."""
        process = self._processes.pop(role)
        process.kill()
        process.wait()

    def stop_all(self) -> None:
        for role in list(self._processes):
            self.stop(role)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {f"DICOM_NODE_{key.upper()}": _text(value) for key, value in self.settings.items()}

    def send(self, *datasets: Dataset) -> None:
        """Over one association, in this order. Every instance must be answered with Success."""
        paths = [write(dataset, self.folder / "sent") for dataset in datasets]
        outcomes = send(paths, Remote("127.0.0.1", self.port, "MEDVLM", "MODALITY"))
        assert [one.words for one in outcomes if not one.ok] == []

    def study(self, uid: str) -> Study | None:
        try:
            return find_study(self.engine, uid)
        except NotFound:
            return None

    def wait_for(self, uid: str, *states: str, seconds: float = 60) -> Study:
        """The study once it is in one of the states."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.study(uid)
            if found is not None and found.state in states:
                return found
            time.sleep(0.1)
        raise AssertionError(f"not {states} after {seconds} s: {self.study(uid)}\n{self.log('worker')}")

    def versions(self, uid: str) -> list[int]:
        return sorted({report.version for report in reports_of(self.engine, uid)})

    def wait_for_deliveries(self, uid: str, state: str, count: int, seconds: float = 60) -> Sequence[outbox.Delivery]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            rows = outbox.of_study(self.engine, uid)
            if len(rows) == count and all(row.state == state for row in rows):
                return rows
            time.sleep(0.1)
        raise AssertionError(f"not {count} {state} after {seconds} s: {rows}\n{self.log('worker')}")

    def log(self, role: str) -> str:
        path = self.folder / f"{role}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""


@contextlib.contextmanager
def running_node(
    folder: Path,
    peers: Mapping[str, tuple[str, int]] | None = None,
    roles: Sequence[str] = ("scripted-model", "listener", "worker"),
    **settings: Any,
) -> Iterator[RunningNode]:
    """`peers` are name: (AE title, port on loopback)."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {
        "listener__port": free_port(),
        "api__port": free_port(),
        "model__url": f"http://127.0.0.1:{free_port()}",
        "archive__url": str(folder / "archive"),
        "workflow__quiet_seconds": QUIET_SECONDS,
        "workflow__poll_seconds": 0.1,
        "deliver__first_retry_seconds": 0.5,
        "deliver__connect_timeout": 2,
        "deliver__peers": [
            {"name": name, "ae_title": title, "host": "127.0.0.1", "port": port}
            for name, (title, port) in (peers or {}).items()
        ],
    } | settings
    node = RunningNode(folder, chosen)
    try:
        for role in roles:
            node.start(role)
        if "listener" in roles:
            wait_for_port(node.port, node._processes["listener"])
        yield node
    finally:
        node.stop_all()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
