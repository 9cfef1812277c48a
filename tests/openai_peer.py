"""A server that speaks the OpenAI chat protocol by a script. It keeps what it was asked."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from PIL import Image

Shares = dict[str, float]


@dataclass
class Asked:
    """One request as it came: its body, its last words, whether all its images are blank."""

    body: dict[str, Any]
    question: str
    blank: bool
    key: str


@dataclass
class Script:
    """`words`: pieces of an answer. `shares`: probabilities of the first token's spellings; None: no logprobs."""

    words: Callable[[Asked], list[str]] = lambda asked: ["Normal."]
    shares: Callable[[Asked], Shares | None] = lambda asked: None
    delays: tuple[float, ...] = ()
    """Seconds before each piece."""
    breaks_after: int | None = None
    """Pieces after which the connection is torn."""
    status: int = 200
    problem: str = ""
    raw: bytes | None = None
    asked: list[Asked] = field(default_factory=list)
    closed_early: int = 0
    finish: str = "stop"

    @property
    def streamed(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.body.get("stream")]


def _asked(body: dict[str, Any], key: str) -> Asked:
    content = body["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))) for url in urls]
    return Asked(body, content[-1].get("text", ""), all(one.std() == 0 for one in pixels), key)


def app(script: Script) -> FastAPI:
    api = FastAPI()

    @api.post("/v1/chat/completions", response_model=None)
    async def chat(request: Request) -> Response:
        asked = _asked(await request.json(), request.headers.get("authorization", ""))
        script.asked.append(asked)
        if script.status != 200:
            return JSONResponse({"error": {"message": script.problem}}, status_code=script.status)
        if script.raw is not None:
            return Response(script.raw, media_type="text/event-stream")
        if asked.body.get("stream"):
            return StreamingResponse(_events(script, asked), media_type="text/event-stream")
        await asyncio.sleep(sum(script.delays[:1]))
        return JSONResponse(_completion(script.shares(asked)))

    return api


async def _events(script: Script, asked: Asked) -> AsyncIterator[str]:
    done = False
    try:
        yield ": keep-alive\n\n"
        yield _event({"role": "assistant", "content": ""}, None)
        for number, word in enumerate(script.words(asked)):
            await asyncio.sleep(script.delays[number] if number < len(script.delays) else 0)
            if number == script.breaks_after:
                done = True
                raise ConnectionAbortedError
            yield _event({"content": word}, None)
        yield _event({}, script.finish)
        yield "data: [DONE]\n\n"
        done = True
    finally:
        script.closed_early += not done


def _event(delta: dict[str, str], finish: str | None) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n"


def _completion(shares: Shares | None) -> dict[str, Any]:
    listed = sorted(shares.items(), key=lambda pair: -pair[1]) if shares else []
    top = [{"token": token, "logprob": math.log(share), "bytes": None} for token, share in listed]
    said = listed[0][0] if listed else "Yes"
    logprobs = {"content": [{"token": said, "logprob": top[0]["logprob"], "top_logprobs": top}]} if top else None
    return {"choices": [{"message": {"content": said}, "logprobs": logprobs, "finish_reason": "length"}]}


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The address of a running server."""
    server = uvicorn.Server(uvicorn.Config(app(script), host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    started = threading.Event()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        started.wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
