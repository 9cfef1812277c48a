"""Events on standard error: one a fact, with fields, no patient data."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any, TextIO

import structlog

from dicom_node.settings import Log


def configure(settings: Log, role: str, file: str = "") -> None:
    """Called once by each process, first thing. Events go to standard error, or are appended to `file`."""
    to: TextIO = Path(file).open("a", buffering=1) if file else sys.stderr  # noqa: SIM115 (open while the process lives)
    logging.basicConfig(level=logging.WARNING, stream=to, format="%(levelname)s %(name)s %(message)s")
    _keep_parsers_quiet()
    rendering: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=to.isatty(),
            pad_event_to=24,
            # The default prints local variables: headers, and with them patients.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[
            _named(role),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info
            if settings.format == "json"
            else structlog.processors.StackInfoRenderer(),
            rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        logger_factory=structlog.PrintLoggerFactory(to),
        cache_logger_on_first_use=True,
    )


def _keep_parsers_quiet() -> None:
    """Their warnings quote values of data sets, and with them patients.

    At the handlers: importing them, and uvicorn's own configuration, set levels anew.
    """
    warnings.simplefilter("ignore", UserWarning)
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: record.name.partition(".")[0] not in ("pydicom", "pynetdicom"))


def _named(role: str) -> Any:
    """A processor, not a context variable: those do not reach the threads of a role."""

    def name(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return event | {"role": role}

    return name
