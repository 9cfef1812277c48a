"""Who closes the connection stops the model: through the API and through the model server, as processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dicom_node.api.access.callers import token_of
from medvlm.client import ModelRefused, RemoteModel
from medvlm.contract import AnswerText, Question, StudyInput
from tests.builders import dx_film
from tests.peers import end, free_port, wait_for_port
from tests.running_node import CHECKOUT, RunningNode, running_node

STUDY = StudyInput(study_uid="1.2.3", images=())


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


@pytest.fixture
def model_port(trace: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "tests.slow_model", str(port), str(trace)]
    process = subprocess.Popen(command, cwd=CHECKOUT, start_new_session=True)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        end(process)


@pytest.fixture
def model(model_port: int) -> RemoteModel:
    return RemoteModel(f"http://127.0.0.1:{model_port}")


def words(trace: Path) -> int:
    return len(trace.read_text().splitlines()) if trace.exists() else 0


def stops_within_a_second(trace: Path) -> bool:
    time.sleep(1.0)
    after_a_second = words(trace)
    time.sleep(0.5)
    return words(trace) == after_a_second


def test_a_client_that_leaves_the_answer_stops_the_model(model: RemoteModel, trace: Path) -> None:
    parts = model.open(STUDY).ask(Question(text="Describe."))
    assert next(parts) == AnswerText(text="word0 ")
    parts.close()
    assert stops_within_a_second(trace)
    assert words(trace) < 40


def test_cancel_is_heard_while_the_model_is_silent(model: RemoteModel, trace: Path) -> None:
    began = time.monotonic()
    parts = model.open(STUDY).ask(Question(text="silence"), cancel=lambda: time.monotonic() - began > 0.5)
    assert list(parts) == []
    assert time.monotonic() - began < 1.5
    assert stops_within_a_second(trace)


def test_an_answer_that_breaks_off_says_so_and_nothing_of_the_cause(model: RemoteModel) -> None:
    parts = model.open(STUDY).ask(Question(text="failure"))
    assert next(parts) == AnswerText(text="word0 ")
    with pytest.raises(ModelRefused, match="the model failed while answering") as broken:
        next(parts)
    assert "patient X" not in str(broken.value)


@pytest.fixture
def node(tmp_path: Path, model_port: int) -> Iterator[tuple[RunningNode, str]]:
    """A running node with a drafted study."""
    film = dx_film()
    url = f"http://127.0.0.1:{model_port}"
    with running_node(tmp_path / "node", roles=("listener", "worker", "api"), model__url=url) as node:
        node.send(film)
        node.wait_for(film.StudyInstanceUID, "drafted")
        wait_for_port(node.settings["api__port"], node._processes["api"])
        yield node, film.StudyInstanceUID


def api(node: RunningNode) -> httpx.Client:
    token = token_of("", node.root)
    return httpx.Client(base_url=node.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def kept(client: httpx.Client, uid: str) -> list[dict[str, Any]]:
    until = time.monotonic() + 5
    while not (answers := client.get(f"/api/v1/studies/{uid}/questions").json()["answers"]):
        assert time.monotonic() < until, "no answer was kept"
        time.sleep(0.05)
    return list(answers)


def test_closing_the_stream_stops_the_model_and_keeps_what_was_said(node: tuple[RunningNode, str], trace: Path) -> None:
    running, uid = node
    with api(running) as client:
        path, accept = f"/api/v1/studies/{uid}/questions", {"Accept": "text/event-stream"}
        with client.stream("POST", path, json={"text": "Describe."}, headers=accept) as answer:
            assert answer.status_code == 200, answer.read()
            told = events(answer)
            heard = "".join(next(told)[1]["text"] for _ in range(5))
        assert stops_within_a_second(trace)
        assert words(trace) < 60
        (record,) = kept(client, uid)
        assert record["stopped"]
        assert record["answer"]["text"].startswith(heard)
        assert record["asked_by"] == "token"


def test_a_failure_in_mid_stream_is_told_in_words_and_what_was_said_is_kept(node: tuple[RunningNode, str]) -> None:
    running, uid = node
    with api(running) as client:
        path, accept = f"/api/v1/studies/{uid}/questions", {"Accept": "text/event-stream"}
        with client.stream("POST", path, json={"text": "failure"}, headers=accept) as answer:
            told = list(events(answer))
        assert [name for name, _ in told] == ["text", "error", "end"]
        assert told[1][1]["code"] == "model_refused"
        assert "the model failed while answering" in told[1][1]["detail"]
        (record,) = kept(client, uid)
        assert (record["stopped"], record["answer"]["text"]) == (True, "word0 ")
