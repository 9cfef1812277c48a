"""Starts the roles of one machine and restarts what dies, ever more slowly if it keeps dying."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

import structlog

from dicom_node.api.access import tls
from dicom_node.api.access.callers import token_of
from dicom_node.api.access.origins import page_address
from dicom_node.log import configure
from dicom_node.roles import ROLES, until_signal
from dicom_node.settings import Settings

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
HEALTHY_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass
class Role:
    name: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    pause: float = field(default=FIRST_PAUSE)


def supervise(
    arguments: list[str], environment: Mapping[str, str], stop: threading.Event, log_file: IO[bytes] | None = None
) -> None:
    """Keep every role running until `stop`; then end them in the order of the flow, so that nothing new comes in.

    The roles' events go to `log_file`, else where ours go.
    """
    roles = [Role(name) for name in ROLES]
    try:
        while not stop.is_set():
            for role in roles:
                _keep(role, arguments, environment, log_file)
            stop.wait(0.1)
    finally:
        for role in roles:
            _end(role)


def _keep(role: Role, arguments: list[str], environment: Mapping[str, str], log_file: IO[bytes] | None) -> None:
    now = time.monotonic()
    if role.process is not None and role.process.poll() is not None:
        lived = now - role.started
        role.pause = FIRST_PAUSE if lived > HEALTHY_SECONDS else min(role.pause * 2, LONGEST_PAUSE)
        log.warning("role.died", role=role.name, exit=role.process.returncode, restart_in=role.pause)
        role.process, role.due = None, now + role.pause
    if role.process is None and now >= role.due:
        command = [sys.executable, "-m", "dicom_node.cli", *arguments, "serve", "--role", role.name]
        # Own session: Ctrl-C reaches the supervisor alone, which then ends the roles in order.
        role.process = subprocess.Popen(
            command,
            env=os.environ | dict(environment),
            stderr=log_file,
            start_new_session=True,
            preexec_fn=_end_with_parent(),  # one call into libc, loaded before the fork
        )
        role.started = now


def _end_with_parent() -> Callable[[], object] | None:
    """A supervisor killed by `kill -9` must not leave roles behind that hold its ports (prctl(2), Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_parent_death_signal, signal.SIGKILL)


def _end(role: Role) -> None:
    if role.process is None:
        return
    role.process.terminate()
    try:
        role.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        role.process.kill()
        role.process.wait()


def run(settings: Settings, arguments: list[str]) -> None:
    """`dicom-node serve`: all roles of this machine until Ctrl-C or SIGTERM."""
    configure(settings.log, "supervisor")
    tls.context(settings.api)  # a wrong certificate ends it here, not one role again and again
    stop = until_signal()
    announce(settings)
    supervise(arguments, {}, stop)


def announce(settings: Settings) -> None:
    """Where to send, where to look. The token is printed only to a person at a terminal, never into a log."""
    token = token_of(settings.api.token, settings.archive.root)
    page = page_address(settings.api, token if sys.stderr.isatty() else "")
    listener = settings.listener
    print(f"DICOM  {listener.ae_title} at {listener.host}:{listener.port}", file=sys.stderr)
    print(f"Page   {page}", file=sys.stderr)
    print("For evaluation, not for clinical use.", file=sys.stderr)
