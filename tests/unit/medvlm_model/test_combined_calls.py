"""Calls of several threads in one batch."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from medvlm.engine.combined_calls import CombinedCalls


def test_calls_that_wait_go_together_and_each_gets_its_own_result() -> None:
    batches: list[int] = []
    first_runs, go_on = threading.Event(), threading.Event()

    def run(items: Sequence[int]) -> Sequence[int]:
        batches.append(len(items))
        first_runs.set()
        go_on.wait(10)
        return [item * item for item in items]

    calls, given = CombinedCalls(run, most=3), {}
    threads = [threading.Thread(target=lambda n=n: given.__setitem__(n, calls(n))) for n in range(6)]
    threads[0].start()
    first_runs.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(calls._waiting) < 5:
        pass
    go_on.set()
    for thread in threads:
        thread.join()
    assert given == {n: n * n for n in range(6)}
    assert batches == [1, 3, 2]


def test_an_error_reaches_every_caller_of_its_batch_and_no_other() -> None:
    def run(items: Sequence[int]) -> Sequence[int]:
        return [1 // item for item in items]

    calls = CombinedCalls(run, most=1)
    with pytest.raises(ZeroDivisionError):
        calls(0)
    assert calls(1) == 1
