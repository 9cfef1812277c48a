"""Server-sent events over a real server: what changes is told, once, and resumed where a reader left off."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from dicom_node.api.feed import REMEMBERED
from dicom_node.api.routes import events
from tests.builders import dx_film
from tests.clinical_desk import TOKEN, ClinicalDesk, act, clinical_desk, decided, edit
from tests.peers import free_port

POLL = 0.05


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClinicalDesk]:
    with clinical_desk(tmp_path, api={"events_poll_seconds": POLL}) as desk:
        yield desk


@pytest.fixture
def server(desk: ClinicalDesk) -> Iterator[httpx.Client]:
    """The desk's application behind a real socket: only there does a stream flow."""
    port = free_port()
    built = desk.client.app
    running = uvicorn.Server(
        uvicorn.Config(built, port=port, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            time.sleep(0.01)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10) as client:
            yield client
    finally:
        running.should_exit = True
        thread.join()


@contextmanager
def listening(server: httpx.Client, path: str, last: str | None = None) -> Iterator[Iterator[dict[str, Any]]]:
    """Events once the stream is open."""
    headers = {"Last-Event-ID": last} if last else {}
    with server.stream("GET", f"/api/v1{path}", headers=headers) as response:
        assert response.status_code == 200, response.read()
        told = _events(response.iter_lines())
        assert next(told)["comment"] == "open"
        yield (event for event in told if "event" in event)


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        if not line:
            yield event
            event = {}
            continue
        name, _, value = line.partition(": ")
        event[name or "comment"] = json.loads(value) if name == "data" else value


def until(told: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(event for event in told if event["event"] == name)


def test_a_study_is_told_as_it_arrives_and_as_it_is_drafted(desk: ClinicalDesk, server: httpx.Client) -> None:
    with listening(server, "/events") as told:
        (uid,) = desk.receive(dx_film())
        arrived = next(told)
        assert (arrived["event"], arrived["data"]["study_uid"], arrived["data"]["state"]) == ("study", uid, "receiving")
        desk.read(uid)
        drafted = until(told, "report")
        assert drafted["data"] == {"id": f"{uid}:1:0", "study_uid": uid, "version": 1, "state": "draft"}


def test_an_edit_and_a_signature_are_told_with_their_version(desk: ClinicalDesk, server: httpx.Client) -> None:
    uid = desk.draft(dx_film())
    with desk.person() as browser, listening(server, "/events") as told:
        saved = edit(browser, desk.report(uid), decided(desk.report(uid))).json()
        assert until(told, "report")["data"]["state"] == "edited"
        act(browser, saved, "sign")
        assert until(told, "report")["data"] == {"id": saved["id"], "study_uid": uid, "version": 3, "state": "signed"}


def test_a_streams_first_word_is_the_study_as_it_is_and_other_studies_are_not_told(
    desk: ClinicalDesk, server: httpx.Client
) -> None:
    uid = desk.draft(dx_film(study="mine"))
    with listening(server, f"/studies/{uid}/events") as told:
        assert (next(told)["data"]["study_uid"], next(told)["event"]) == (uid, "report")
        desk.receive(dx_film(study="other"))
        time.sleep(5 * POLL)
        desk.client.put(f"/api/v1/studies/{uid}/priority", json={"priority": "stat"})
        changed = next(told)
        assert (changed["data"]["study_uid"], changed["data"]["priority"]) == (uid, "stat")


def test_a_reader_who_comes_back_hears_what_came_meanwhile(desk: ClinicalDesk, server: httpx.Client) -> None:
    with listening(server, "/events") as told:
        desk.receive(dx_film(study="first"))
        last = next(told)["id"]
    (second,) = desk.receive(dx_film(study="second"))
    with listening(server, "/events", last) as told:
        assert next(told)["data"]["study_uid"] == second


@pytest.mark.parametrize("last", ["0badcafe-7", "x", "-1", f"{events.PROCESS}-999999"])
def test_a_reader_who_cannot_be_told_everything_is_told_so(server: httpx.Client, last: str) -> None:
    with listening(server, "/events", last) as told:
        assert next(told)["event"] == "reset"


def test_one_poller_serves_all_and_ends_with_the_last_reader(desk: ClinicalDesk, server: httpx.Client) -> None:
    feed = desk.client.app.state.node.feed
    with listening(server, "/events") as one, listening(server, "/events") as other:
        poller = feed._poller
        (uid,) = desk.receive(dx_film())
        assert next(one)["data"]["study_uid"] == next(other)["data"]["study_uid"] == uid
        assert feed._poller is poller
        assert feed.listeners == 2
    end = time.monotonic() + 5
    while feed.listeners and time.monotonic() < end:
        time.sleep(0.02)
    assert (feed.listeners, feed._poller) == (0, None)


def test_a_stream_ends_after_its_time_so_that_the_login_is_asked_again(
    server: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.3)
    with listening(server, "/events") as told:
        assert [event["event"] for event in told] == ["end"]


def test_nobody_listens_without_a_login(server: httpx.Client) -> None:
    answer = server.get("/api/v1/events", headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_what_is_remembered_is_bounded(desk: ClinicalDesk) -> None:
    assert desk.client.app.state.node.feed._remembered.maxlen == REMEMBERED
