"""`dicom-node serve`: all roles of one machine, and what becomes of one that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dicom_node.deliver.scu import Remote, echo
from tests.peers import free_port, wait_for_port
from tests.running_node import CHECKOUT


def children(parent: int) -> dict[str, int]:
    """Role: process id, of the supervisor's children."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().decode().split("\0")
                is_child = (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(parent)
            except OSError:
                continue
            if is_child and "--role" in command:
                found[command[command.index("--role") + 1]] = int(entry.name)
    return found


def eventually(claim: Callable[[], bool], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if claim():
            return True
        time.sleep(0.1)
    return False


def test_a_role_that_dies_is_started_again_and_all_end_with_the_supervisor(tmp_path: Path) -> None:
    port, model, api = free_port(), free_port(), free_port()
    environment = os.environ | {
        "DICOM_NODE_LISTENER__PORT": str(port),
        "DICOM_NODE_MODEL__URL": f"http://127.0.0.1:{model}",
        "DICOM_NODE_API__PORT": str(api),
        "DICOM_NODE_ARCHIVE__URL": str(tmp_path / "archive"),
    }
    command = [sys.executable, "-m", "dicom_node.cli", "serve"]
    with (tmp_path / "serve.log").open("wb") as log:
        supervisor = subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=log, stderr=log)
    try:
        wait_for_port(port, supervisor)
        before = children(supervisor.pid)["listener"]
        os.kill(before, signal.SIGKILL)
        assert eventually(lambda: children(supervisor.pid).get("listener", before) != before)
        assert eventually(lambda: echo(Remote("127.0.0.1", port, "MEDVLM", "TEST")).ok)
        running = children(supervisor.pid)
    finally:
        supervisor.terminate()
        supervisor.wait(60)
    assert "role.died" in (tmp_path / "serve.log").read_text()
    assert not [pid for pid in running.values() if Path(f"/proc/{pid}").exists()]


def test_a_killed_supervisor_leaves_nothing_behind_and_can_be_started_again(tmp_path: Path) -> None:
    port = free_port()
    environment = os.environ | {
        "DICOM_NODE_LISTENER__PORT": str(port),
        "DICOM_NODE_MODEL__URL": f"http://127.0.0.1:{free_port()}",
        "DICOM_NODE_API__PORT": str(free_port()),
        "DICOM_NODE_ARCHIVE__URL": str(tmp_path / "archive"),
    }
    for _ in range(2):
        with (tmp_path / "serve.log").open("ab") as log:
            command = [sys.executable, "-m", "dicom_node.cli", "serve"]
            supervisor = subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=log, stderr=log)
        wait_for_port(port, supervisor)
        running = tuple(children(supervisor.pid).values())
        supervisor.kill()
        supervisor.wait()
        assert running
        assert eventually(lambda pids=running: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_the_token_is_not_written_into_a_log(tmp_path: Path) -> None:
    environment = os.environ | {
        "DICOM_NODE_LISTENER__PORT": str(free_port()),
        "DICOM_NODE_MODEL__URL": f"http://127.0.0.1:{free_port()}",
        "DICOM_NODE_API__PORT": str(free_port()),
        "DICOM_NODE_ARCHIVE__URL": str(tmp_path / "archive"),
    }
    log = tmp_path / "serve.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "dicom_node.cli", "serve"]
        supervisor = subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=out, stderr=out)
    try:
        assert eventually((tmp_path / "archive" / "api-token").exists)
        assert eventually(lambda: "Page" in log.read_text())
    finally:
        supervisor.terminate()
        supervisor.wait(60)
    assert (tmp_path / "archive" / "api-token").read_text() not in log.read_text()
