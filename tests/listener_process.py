"""`python -m tests.listener_process`: the listener alone, its settings from the environment."""

from __future__ import annotations

import signal
import sys
import threading

import structlog

from dicom_node.receive.listener import serve
from dicom_node.settings import load


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(load(), lambda port: print("listening on", port, file=sys.stderr, flush=True), stop)


if __name__ == "__main__":
    main()
