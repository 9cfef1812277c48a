"""Askings to outputs, over several models at once: each thread keeps one model busy, one writer keeps the store.

Memory stays flat however many askings there are: they are drawn one by one, and outputs leave in batches.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medvlm.contract import Model, ModelIdentity
from medvlm.errors import ModelUnavailable
from validation.asking import Asking
from validation.errors import ModelLost
from validation.outputs import Output
from validation.runner.answering import answer
from validation.runner.keys import key_of
from validation.runner.store import OutputStore

BATCH = 16


@dataclass(frozen=True)
class Worker:
    """A model and what brings it back once it has stopped (False: nothing can)."""

    model: Model
    revive: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Place:
    """Where altered files are written while they are needed, and the seed of their noise."""

    work: Path
    seed: int


Told = Callable[[int, int], None]
"""Called with how many askings are done, and how many of these the store had already."""


def execute(
    askings: Iterable[Asking],
    workers: Sequence[Worker],
    identity: ModelIdentity,
    store: OutputStore,
    place: Place,
    told: Told = lambda _done, _found: None,
) -> dict[tuple[str, str], str]:
    """(probe, case_id) to the key of its output. Raises `ModelLost` when a model cannot be brought back."""
    place.work.mkdir(parents=True, exist_ok=True)
    pending = _Pending(askings, identity, store, place.seed)
    made: queue.Queue[Output | BaseException | None] = queue.Queue(maxsize=4 * BATCH)
    threads = [
        threading.Thread(target=_work, args=(each, pending, place, made), name=f"model-{k}", daemon=True)
        for k, each in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        for batch in _batches(made, len(threads)):
            store.append(batch)
            pending.done += len(batch)
            told(pending.done + pending.found, pending.found)
    finally:
        pending.stop()
    told(pending.done + pending.found, pending.found)
    return pending.keys


class _Pending:
    """Askings that the store does not hold yet, drawn by one thread at a time."""

    def __init__(self, askings: Iterable[Asking], identity: ModelIdentity, store: OutputStore, seed: int) -> None:
        self.keys: dict[tuple[str, str], str] = {}
        self.done = self.found = 0
        self._askings = iter(askings)
        self._identity, self._store, self._seed = identity, store, seed
        self._begun: set[str] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def next(self) -> tuple[Asking, str] | None:
        with self._lock:
            for asking in self._askings if not self._stopped else ():
                key = key_of(asking, self._identity, self._seed)
                self.keys[asking.probe, asking.case.case_id] = key
                if key in self._store or key in self._begun:
                    self.found += 1
                    continue
                self._begun.add(key)
                return asking, key
            return None

    def stop(self) -> None:
        self._stopped = True


def _work(worker: Worker, pending: _Pending, place: Place, made: queue.Queue[Output | BaseException | None]) -> None:
    try:
        while (drawn := pending.next()) is not None:
            made.put(_answered(worker, *drawn, place))
        made.put(None)
    except BaseException as error:  # handed to the main thread, which ends the run with it
        made.put(error)


def _answered(worker: Worker, asking: Asking, key: str, place: Place) -> Output:
    """A study at which the model stops twice is at fault itself; a model that does not come back ends the run."""
    for _attempt in range(2):
        try:
            return answer(worker.model, asking, key, place.work, place.seed)
        except ModelUnavailable as error:
            if not worker.revive():
                raise ModelLost(
                    "the model stopped and did not come back", where="the run's model", way_out="Run again: it resumes."
                ) from error
    return Output(case_id=asking.case.case_id, probe=asking.probe, key=key, error="the model stopped at this study")


def _batches(made: queue.Queue[Output | BaseException | None], working: int) -> Iterator[list[Output]]:
    batch: list[Output] = []
    while working:
        one = made.get()
        if isinstance(one, BaseException):
            if batch:
                yield batch
            raise one
        if one is None:
            working -= 1
        else:
            batch.append(one)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
