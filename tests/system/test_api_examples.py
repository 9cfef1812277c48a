"""The API guide's examples, run as they stand against a running node."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dicom_node.api.access.callers import token_of
from tests.builders import dx_film
from tests.peers import wait_for_port
from tests.running_node import CHECKOUT, RunningNode, running_node

EXAMPLES = CHECKOUT / "docs" / "examples"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    roles = ("scripted-model", "listener", "worker", "api")
    with running_node(tmp_path_factory.mktemp("node"), roles=roles) as node:
        wait_for_port(node.settings["api__port"], node._processes["api"])
        yield node


def drafted(node: RunningNode, name: str) -> str:
    film = dx_film(study=name, PatientName="Sample^Patient")
    node.send(film)
    node.wait_for(film.StudyInstanceUID, "drafted", "delivered")
    return str(film.StudyInstanceUID)


def environment(node: RunningNode, **more: str) -> dict[str, str]:
    return os.environ | {"NODE": node.api_url, "TOKEN": token_of("", node.root)} | more


def run(node: RunningNode, command: Sequence[str], **more: str) -> str:
    done = subprocess.run(
        command, env=environment(node, **more), cwd=EXAMPLES, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_worklist_and_the_search(node: RunningNode) -> None:
    uid = drafted(node, "listed")
    told = run(node, ["bash", "-e", "worklist.sh"])
    assert f"{uid} draft 2\n" in told
    assert '"patient_name":"Sample^Patient"' in told


def test_a_streamed_answer(node: RunningNode) -> None:
    told = run(node, ["bash", "-e", "ask.sh"], STUDY=drafted(node, "asked"))
    assert told.index("event: text") < told.index("event: answer") < told.index("event: end")


def test_deciding_and_signing(node: RunningNode) -> None:
    assert run(node, [sys.executable, "sign.py", drafted(node, "signed")]) == "signed by Reader^One\n"


def test_watching(node: RunningNode) -> None:
    watching = subprocess.Popen(
        [sys.executable, "watch.py"], env=environment(node), cwd=EXAMPLES, stdout=subprocess.PIPE, text=True
    )
    try:
        assert watching.stdout is not None
        uid = ""
        for _ in range(50):
            uid = uid or drafted(node, "watched")
            if watching.stdout.readline() == f"report {uid} draft\n":
                return
        raise AssertionError("the draft was not told")
    finally:
        watching.kill()
        watching.wait()


@pytest.mark.parametrize("example", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_the_guide_shows_the_examples_as_they_are_run(example: Path) -> None:
    assert example.read_text("utf-8") in (CHECKOUT / "docs" / "api.md").read_text("utf-8")
