"""What the worker does for the trail: tells the head's hash to the log, and ships to the collector."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dicom_node.audit import chain
from dicom_node.audit.collector import collector_of
from dicom_node.audit.shipping import Shipper
from dicom_node.audit.syslog import Origin
from dicom_node.settings import Audit

LOOK_SECONDS: Final = 2.0
DAY: Final = 86_400.0


class Keeper:
    """One look after another, until `stop`."""

    def __init__(self, engine: Engine, shipper: Shipper | None, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._shipper = shipper
        self._clock = clock
        self._head_due = 0.0
        self._log: Any = structlog.get_logger()

    def run(self, stop: threading.Event) -> None:
        while True:
            stopped = stop.wait(LOOK_SECONDS)
            if stopped:
                self._head_due = 0.0
            self.look()  # once more after the stop: its own message is to be shipped too
            if stopped:
                return

    def look(self) -> None:
        try:
            self._tell_head()
            if self._shipper:
                self._shipper.ship()
        except (SQLAlchemyError, OSError) as error:
            self._log.error("audit.keeping.failed", cause=type(error).__name__)
        except Exception:
            self._log.exception("audit.keeping.failed")  # whatever it is, the next look comes

    def _tell_head(self) -> None:
        """At start, daily and at the stop: a log kept elsewhere then witnesses the chain (`audit verify --head`)."""
        now = self._clock()
        if now < self._head_due:
            return
        head = chain.head(self._engine)
        self._head_due = now + DAY
        if head:
            self._log.info("audit.head", n=head.n, hash=head.hash)


@contextmanager
def keeping(engine: Engine, settings: Audit) -> Iterator[None]:
    """While the block runs, and once more at its end. Raises `BadSettings` when a certificate cannot be loaded."""
    collector = collector_of(settings)
    shipper = Shipper(engine, collector, Origin(socket.gethostname())) if collector else None
    stop = threading.Event()
    thread = threading.Thread(target=Keeper(engine, shipper).run, args=(stop,), name="audit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
