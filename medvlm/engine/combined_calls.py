"""Calls of several threads done together: what arrives while one batch runs is the next batch.

No window of time is waited for: a call alone runs at once, and under load batches grow by themselves.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class CombinedCalls(Generic[Item, Result]):
    """`run` takes a batch of at most `most` items and gives a result for each; one batch runs at a time."""

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result]], most: int) -> None:
        self._run = run
        self._most = most
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._running = threading.Lock()

    def __call__(self, item: Item) -> Result:
        """The result for `item`, or the error that its batch raised."""
        future: Future[Result] = Future()
        self._waiting.append((item, future))
        while not future.done():
            with self._running:
                if not future.done():
                    self._next_batch()
        return future.result()

    def _next_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            for (_, future), result in zip(batch, self._run([item for item, _ in batch]), strict=True):
                future.set_result(result)
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
