"""DBOS, behind one module: workflows by name, steps that run at least once, queues.

Traps of DBOS 3.4 that this file exists for: the version is set by hand (unset, it is a digest of the source, and an
edited docstring strands every running study); the executor's name is stable (recovery looks only at its own rows);
values are stored as JSON (not pickles); SQLite is put into WAL before the first use.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._serialization import Serializer
from sqlalchemy.engine import make_url

# Raise only when the order or the arguments of steps change, and drain the workers first.
APPLICATION_VERSION = "2"

Run = Callable[..., Any]
"""`run(name, function, *arguments)`: one durable step inside a workflow."""


class StepFailed(Exception):
    """A step raised; its words survived a restart, its type did not."""


class JsonSerializer(Serializer):
    """Arguments and results as JSON: readable after classes move, and nothing to unpickle."""

    def serialize(self, data: Any) -> str:
        return json.dumps(
            {"error": f"{type(data).__name__}: {data}"} if isinstance(data, BaseException) else {"value": data}
        )

    def deserialize(self, serialized_data: str) -> Any:
        stored = json.loads(serialized_data)
        return StepFailed(stored["error"]) if "error" in stored else stored["value"]

    def name(self) -> str:
        return "medvlm_json"


class DurableWorkflows:
    """Register workflows, then `launch`; unfinished ones of this worker go on by themselves."""

    def __init__(self, *, database_url: str, worker_id: str, poll_seconds: float) -> None:
        self._poll = min(poll_seconds, 0.2)
        self._workflows: dict[str, Callable[..., Any]] = {}
        config: DBOSConfig = {
            "name": "medvlm-node",
            "system_database_url": _prepare(database_url),
            "executor_id": worker_id,
            "application_version": APPLICATION_VERSION,
            "serializer": JsonSerializer(),
            "console_log_level": "ERROR",
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": self._poll,
            "run_migrations": True,
        }
        DBOS(config=config)

    def workflow(self, name: str, body: Callable[..., None]) -> None:
        """`body(run, *arguments)` must be deterministic: whatever looks at the world is a step."""

        def run(step: str, function: Callable[..., Any], *arguments: Any) -> Any:
            return DBOS.run_step({"name": step}, function, *arguments)

        def flow(*arguments: Any) -> None:
            body(run, *arguments)

        self._workflows[name] = DBOS.workflow(name=name)(flow)

    def launch(self, queues: dict[str, int]) -> None:
        """Start; `queues` maps a queue's name to how many of its workflows run at once here."""
        DBOS.launch()
        for name, concurrency in queues.items():
            DBOS.register_queue(
                name, worker_concurrency=concurrency, polling_interval_sec=self._poll, on_conflict="always_update"
            )

    def enqueue(self, queue: str, name: str, key: str, *arguments: Any) -> None:
        """Run the workflow once for that key, however often this is called."""
        with SetWorkflowID(key):
            DBOS.enqueue_workflow(queue, self._workflows[name], *arguments)

    def stranded(self) -> int:
        """How many unfinished workflows belong to another version, which this worker will not touch."""
        unfinished = DBOS.list_workflows(status=["PENDING", "ENQUEUED"])
        return sum(status.app_version not in (None, APPLICATION_VERSION) for status in unfinished)

    def stop(self) -> None:
        DBOS.destroy(destroy_registry=True)


def _prepare(url: str) -> str:
    if not url.startswith("sqlite"):
        return url
    path = Path(make_url(url).database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # persistent: DBOS itself leaves the slower rollback journal
    return url
