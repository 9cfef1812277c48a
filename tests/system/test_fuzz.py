"""A short turn of the fuzzers in each run of the tests; longer ones by hand: `python -m tests.fuzz.parsers NAME`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.running_node import CHECKOUT

SECONDS = 10


@pytest.mark.parametrize("parser", ["association_request", "p_data", "command_set", "instance_header"])
def test_no_bytes_of_a_peer_make_a_parser_raise_what_the_listener_does_not_answer(parser: str) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python")
    command = [sys.executable, "-m", "tests.fuzz.parsers", parser, "--seconds", str(SECONDS)]
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "DONE" in run.stderr
