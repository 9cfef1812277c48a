"""Requests that create something and may be sent twice: `Idempotency-Key`.

Key, caller and route name one request for 24 hours. Its repeat gets the same answer; another body under the same
key is refused; a repeat while the first is at work is refused too. What failed is forgotten, so that it may be tried
again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from dicom_node.api.access.callers import Viewer
from dicom_node.archive import idempotency
from dicom_node.archive.idempotency import Kept
from dicom_node.errors import Edge, NodeError

KEPT_HEADERS = ("content-type", "etag", "location")


class KeyUsed(NodeError):
    """The key stands for another request."""

    code = "idempotency_key_used"
    edge = Edge(dimse=0xC000, http=422, exit=2)


class StillRunning(NodeError):
    """The first request under this key has not ended."""

    code = "still_running"
    edge = Edge(dimse=0xC000, http=409, exit=3)


class Repeated(Exception):
    """Not an error: the request was answered before."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        super().__init__()


class Claim:
    """The right to answer under a key, until it is kept or released. Without a key there is nothing to do."""

    def __init__(self, engine: Engine, key: str) -> None:
        self._engine, self._key = engine, key

    def keep(self, status: int, headers: dict[str, str], body: str) -> None:
        if self._key:
            idempotency.keep(self._engine, self._key, status, json.dumps(headers), body)

    def release(self) -> None:
        if self._key:
            idempotency.release(self._engine, self._key)


async def claimed(
    request: Request,
    by: Viewer,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="A word of your own, new for each request: its repeat within 24 hours creates nothing.",
            min_length=1,
            max_length=255,
            examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Claim:
    """Comes after the dependency that says who may, so that nobody else takes a key. Raises `KeyUsed`,
    `StillRunning`, `Repeated`."""
    engine = request.app.state.engine
    if idempotency_key is None:
        return Claim(engine, "")
    key = _digest(by.subject, request.method, request.url.path, idempotency_key)
    asked = _digest((await request.body()).hex())
    kept = await run_in_threadpool(idempotency.claim, engine, key, asked, time.time())
    if kept is None:
        request.state.claim = Claim(engine, key)
        return request.state.claim
    if kept.request != asked:
        raise KeyUsed("this key was used for another request", way_out="Take a new one for each request.")
    if kept.status is None:
        raise StillRunning("the first request with this key is still at work", way_out="Ask again in a moment.")
    raise Repeated(kept)


Once = Annotated[Claim, Depends(claimed)]


class Repeatable(APIRoute):
    """A route with `Once` among its dependencies."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            try:
                response = await handle(request)
            except Repeated as repeated:
                return self.again(request, repeated.kept)
            except BaseException:
                if (claim := _claim(request)) is not None:
                    await run_in_threadpool(claim.release)
                raise
            # A stream keeps its answer itself, at its end.
            if (claim := _claim(request)) is not None and not isinstance(response, StreamingResponse):
                await run_in_threadpool(_settle, claim, response)
            return response

        return once

    def again(self, _request: Request, kept: Kept) -> Response:
        """The answer as it was given."""
        headers = json.loads(kept.headers) | {"Idempotency-Replayed": "true"}
        return Response(kept.body, status_code=kept.status or 200, headers=headers)


def _claim(request: Request) -> Claim | None:
    claim: Claim | None = getattr(request.state, "claim", None)
    return claim


def _settle(claim: Claim, response: Response) -> None:
    if response.status_code >= 400:
        claim.release()
        return
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    claim.keep(response.status_code, headers, bytes(response.body).decode())


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
