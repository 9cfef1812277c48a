"""Model servers for the length of a run: children on loopback, one a worker, started again when they stop."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from medvlm.client import RemoteModel
from medvlm.errors import MedvlmError, ModelUnavailable
from validation.errors import ModelLost
from validation.runner.execute import Worker

START_SECONDS = 180.0
STOP_SECONDS = 10.0
MOST_STARTS = 5
SESSION_BYTES = 64 << 20
"""Enough to keep the study at hand between its draft and its questions."""
LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1
"""prctl(2)."""


class Server:
    """One `medvlm serve` child; `revive` starts it again, at most `MOST_STARTS` times in all."""

    def __init__(self, arguments: Sequence[str], threads: int, log: Path, adapter: str = "") -> None:
        self._arguments, self._threads, self._log = tuple(arguments), threads, log
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        path = f"/adapters/{adapter}" if adapter else ""
        self.model = RemoteModel(f"http://{LOOPBACK}:{self._port}{path}")

    def start(self) -> None:
        """Returns when the model answers. Raises `ModelLost`."""
        self._starts += 1
        command = [sys.executable, "-m", "medvlm.cli", "serve", "--port", str(self._port)]
        command += ["--threads", str(self._threads), "--session-bytes", str(SESSION_BYTES), *self._arguments]
        # More threads than cores of a worker's own make every worker slower.
        environment = os.environ | {"OMP_NUM_THREADS": str(self._threads)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, preexec_fn=_end_with_the_run()
            )
        self._await_health(self._process)

    def revive(self) -> bool:
        if self._starts >= MOST_STARTS:
            return False
        self.stop()
        self.start()
        return True

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _await_health(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(ModelUnavailable, MedvlmError):
                self.model.card()
                return
            time.sleep(0.2)
        self.stop()
        raise ModelLost("the model server did not start", where=f"its log: {self._log}", way_out="Read the log.")


@contextmanager
def local_servers(
    count: int, arguments: Sequence[str], folder: Path, adapter: str = ""
) -> Iterator[tuple[Worker, ...]]:
    """`count` servers with an even share of the cores each; `arguments` go to `medvlm serve` (--model, --adapter …).

    `adapter` is the name of one among them: the workers then speak with the model under it.
    """
    threads = max((os.cpu_count() or 1) // count, 1)
    with ExitStack() as running:
        servers = [Server(arguments, threads, folder / f"model-{k}.log", adapter) for k in range(count)]
        for server in servers:
            running.callback(server.stop)
            server.start()
        yield tuple(Worker(server.model, server.revive) for server in servers)


def remote_worker(url: str, connections: int) -> tuple[Worker, ...]:
    """A model that runs already: `connections` calls at once, and nothing to be started again."""
    return tuple(Worker(RemoteModel(url)) for _ in range(connections))


def _end_with_the_run() -> Callable[[], None]:
    """For the child, before it runs: on Linux it is ended when the run is killed and can no longer end it."""
    if sys.platform != "linux":
        return lambda: None
    # Loaded here, in the parent: between fork and exec nothing may be imported.
    control = ctypes.CDLL(None).prctl
    return lambda: control(PR_SET_PDEATHSIG, signal.SIGTERM) and None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
