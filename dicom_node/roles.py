"""The roles of the design, each a process: what runs it, and how one knows that it is ready."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from dicom_node.log import configure
from dicom_node.settings import Settings

ROLES = ("listener", "model", "worker", "api")


def run(role: str, settings: Settings) -> None:
    """Run one role in this process until SIGTERM or SIGINT."""
    configure(settings.log, role)
    settings.archive.root.mkdir(parents=True, exist_ok=True)
    {"listener": _listener, "model": _model, "worker": _worker, "api": _api}[role](settings)


def until_signal() -> threading.Event:
    """Set by SIGTERM or Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _listener(settings: Settings) -> None:
    from dicom_node.receive.listener import serve

    stop = until_signal()
    with _accounted(settings, "listener"):
        serve(settings, lambda port: _say("listener.ready", port=port), stop)


def _worker(settings: Settings) -> None:
    from dicom_node.workflow.worker import serve

    stop = until_signal()
    with _accounted(settings, "worker", keeps_trail=True):
        serve(settings, lambda: _say("worker.ready"), stop)


def _api(settings: Settings) -> None:
    from dicom_node.api.serve import serve
    from dicom_node.page.routes import router

    # uvicorn raises the signal again once it has stopped: without this the process would end before the block does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _accounted(settings, "api"):
        serve(settings, (router,))


def _model(settings: Settings) -> None:
    """The model server is another program: replaced into this process, so that signals reach it."""
    import os

    os.execv(sys.executable, [sys.executable, "-m", "medvlm.cli", *model_arguments(settings)])  # noqa: S606


def model_arguments(settings: Settings) -> list[str]:
    url = urlsplit(settings.model.url)
    arguments = ["serve", "--host", url.hostname or "127.0.0.1", "--port", str(url.port or 80)]
    arguments += ["--archive", str(settings.archive.root), "--threads", str(settings.model.threads)]
    arguments += ["--session-bytes", str(settings.model.session_bytes)]
    return [*arguments, "--model", str(Path(settings.model.path))] if settings.model.path else arguments


@contextmanager
def _accounted(settings: Settings, role: str, *, keeps_trail: bool = False) -> Iterator[None]:
    """The role's start and stop are told to the audit trail. One role tells its head to the log and ships it."""
    from dicom_node.archive.database import migrate, open_engine
    from dicom_node.audit.keeping import keeping
    from dicom_node.audit.trail import open_trail

    engine = open_engine(settings.database_url, flush=settings.archive.flush)
    migrate(engine)
    trail = open_trail(settings, engine, role)
    with keeping(engine, settings.audit) if keeps_trail else nullcontext():
        trail.application_started()
        try:
            yield
        finally:
            trail.application_stopped()
    engine.dispose()


def _say(event: str, **fields: object) -> None:
    import structlog

    structlog.get_logger().info(event, **fields)
