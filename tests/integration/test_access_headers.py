"""The security headers, word for word, on every kind of answer; streams stay streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from starlette.types import Message

from dicom_node.api.access.origins import page_address
from dicom_node.archive.database import migrate, open_engine
from dicom_node.page.routes import pages
from dicom_node.settings import load
from tests.guarded_app import TOKEN, Clock, guarded_app

ORIGIN = "http://127.0.0.1"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'index.sqlite'}", flush=False)
    migrate(engine)
    return engine


def application(engine: Engine, folder: Path, **api: object) -> FastAPI:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    for name in ("main-1a2b3c.js", "worker-1a2b3c.js", "decoder-1a2b3c.wasm"):
        (folder / "assets" / name).write_bytes(b"\0asm")
    made = guarded_app(load(api=api), engine, Clock())
    made.include_router(pages(folder))
    made.get("/api/stream")(stream)
    made.get("/api/unforeseen")(unforeseen)
    return made


def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"

    return StreamingResponse(parts(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


def unforeseen() -> None:
    raise RuntimeError("a bug")


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Iterator[TestClient]:
    made = application(engine, tmp_path / "static", max_body_bytes=100, rate_per_minute=50)
    with TestClient(made, base_url=ORIGIN, raise_server_exceptions=False) as client:
        yield client


def test_every_kind_of_answer_carries_the_headers(client: TestClient) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    answers = {
        200: client.get("/api/view/1.2", headers=bearer),
        401: client.get("/api/view/1.2"),
        403: client.post("/api/edit", headers=bearer),
        404: client.get("/nowhere"),
        405: client.delete("/auth/me"),
        413: client.post("/auth/session", content=b"x" * 200),
        421: client.get("/", headers={"Host": "evil.example"}),
        422: client.post("/auth/session", json={}),
        500: client.get("/api/unforeseen"),
    }
    more = [
        client.get(path)
        for path in (
            "/",
            "/read/1.2.3",
            "/assets/main-1a2b3c.js",
            "/assets/worker-1a2b3c.js",
            "/assets/decoder-1a2b3c.wasm",
            "/assets/none.js",
            "/api/stream",
            "/openapi.json",
        )
    ]
    more.append(client.get("/auth/login", follow_redirects=False))
    limited = [client.get("/api/view/1.2", headers=bearer) for _ in range(50)][-1]
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert limited.status_code == 429
    for answer in (*answers.values(), *more, limited):
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
        assert "strict-transport-security" not in answer.headers


def test_only_files_named_by_their_content_are_kept_by_browsers(client: TestClient) -> None:
    kept = {
        path: client.get(path).headers["cache-control"]
        for path in ("/assets/main-1a2b3c.js", "/assets/none.js", "/", "/auth/me", "/api/view/1.2", "/api/stream")
    }
    assert kept == {
        "/assets/main-1a2b3c.js": "public, max-age=31536000, immutable",
        "/assets/none.js": "no-store",
        "/": "no-cache",
        "/auth/me": "no-store",
        "/api/view/1.2": "no-store",
        "/api/stream": "no-store",
    }


def test_browsers_are_held_to_https_where_it_is_spoken(engine: Engine, tmp_path: Path) -> None:
    made = application(engine, tmp_path / "static", public_url="https://reading.example")
    with TestClient(made, base_url="https://reading.example") as client:
        assert client.get("/").headers["strict-transport-security"] == "max-age=31536000"


def test_a_stream_passes_part_by_part(engine: Engine, tmp_path: Path) -> None:
    """Each part leaves before the next is made: nothing before the routes gathers an answer."""
    made = application(engine, tmp_path / "static")
    log: list[str] = []

    @made.get("/api/slow")
    def slow() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for number in range(3):
                log.append(f"made {number}")
                yield str(number)

        return StreamingResponse(parts())

    async def ask() -> None:
        async def receive() -> Message:
            await asyncio.sleep(5)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message.get("body"):
                log.append(f"sent {message['body'].decode()}")

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/slow",
            "raw_path": b"/api/slow",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await made(scope, receive, send)

    asyncio.run(ask())
    assert log == ["made 0", "sent 0", "made 1", "sent 1", "made 2", "sent 2"]


def test_the_store_of_instances_has_a_bound_of_its_own(engine: Engine, tmp_path: Path) -> None:
    made = application(engine, tmp_path / "static", max_body_bytes=10, max_store_bytes=1000)

    @made.post("/dicomweb/studies")
    @made.post("/api/other")
    async def store(body: dict[str, str]) -> int:
        return len(body["text"])

    with TestClient(made, base_url=ORIGIN) as client:
        statuses = {
            (path, length): client.post(path, json={"text": "x" * length}).status_code
            for path in ("/dicomweb/studies", "/api/other")
            for length in (500, 5000)
        }
    assert [status for _, status in statuses.items()] == [200, 413, 413, 413]


@pytest.mark.parametrize(
    ("api", "address"),
    [
        ({}, "http://127.0.0.1:8000/#token=t"),
        ({"host": "0.0.0.0"}, "http://localhost:8000/#token=t"),  # noqa: S104
        ({"host": "::1", "port": 80}, "http://[::1]:80/#token=t"),
        ({"tls_certificate": "a.pem", "tls_key": "a.key"}, "https://127.0.0.1:8000/#token=t"),
        ({"public_url": "https://reading.example"}, "https://reading.example/#token=t"),
    ],
)
def test_the_printed_address_keeps_the_token_from_every_server_log(api: dict[str, object], address: str) -> None:
    assert page_address(load(api=api).api, "t") == address
    assert page_address(load(api=api).api) == address.partition("#")[0]
