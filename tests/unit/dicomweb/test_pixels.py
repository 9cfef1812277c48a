"""The decoder's process may die, loop or lie: one request fails, the next one works."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dicom_node.api.dicomweb.pixels import CannotDecode, Pixels

WELL = "print('{\"bytes\": 2}\\nok', end='', flush=True)"


def child(script: str, seconds: float = 5) -> Pixels:
    return Pixels((sys.executable, "-c", f"import sys, time\nfor line in sys.stdin:\n    {script}"), seconds)


@pytest.mark.parametrize(
    "script", ["sys.exit(1)", "print('nonsense', flush=True)", "print('{\"bytes\": 9}', flush=True); sys.exit(0)"]
)
def test_a_child_that_dies_or_lies_costs_one_request(script: str) -> None:
    pixels = child(script)
    for _ in range(2):
        with pytest.raises(CannotDecode):
            pixels.frame(Path("x"), 1)
    pixels.close()


def test_a_child_that_loops_is_stopped() -> None:
    pixels = child("time.sleep(60)", seconds=0.3)
    with pytest.raises(CannotDecode):
        pixels.frame(Path("x"), 1)
    pixels.close()


def test_one_child_answers_many_requests() -> None:
    pixels = child(WELL)
    assert [pixels.frame(Path("x"), 1) for _ in range(3)] == [b"ok"] * 3
    pixels.close()


def test_no_secret_of_the_parent_reaches_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOM_NODE_API__TOKEN", "secret")
    pixels = child(
        "import os; known = b'yes' if 'DICOM_NODE_API__TOKEN' in os.environ else b'no.'; "
        "print('{\"bytes\": 3}', flush=True); sys.stdout.buffer.write(known); sys.stdout.flush()"
    )
    assert pixels.frame(Path("x"), 1) == b"no."
    pixels.close()
