"""The model server: the contract over HTTP, for loopback or a private network.

It gets references to images, reads them itself, and reads nothing outside the archive it was started for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Protocol

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from medvlm.client import (
    STILL_AT_WORK,
    AskRequest,
    BrokenOff,
    BurnedInText,
    ModelCard,
    Problem,
    QuestionnaireRequest,
)
from medvlm.contract import Cancel, Finding, ImageSource, Model, Question, Reading, StudyInput, StudySession
from medvlm.errors import MedvlmError

log = logging.getLogger(__name__)
SILENT_SECONDS = 0.25
"""After so long without a word an empty line is sent: a client that waits for a word could not leave before it."""


class PreviewSource(Protocol):
    def __call__(self, source: ImageSource) -> bytes: ...


class TextReading(Protocol):
    def __call__(self, source: ImageSource) -> BurnedInText: ...


def app(model: Model, preview: PreviewSource, burned_in: TextReading | None = None) -> FastAPI:
    """Routes are plain functions, so that FastAPI runs each in a thread while others wait for the model.

    Without `burned_in` the server has no route of that name: its clients must take every image for unread.
    """
    api = FastAPI(title="medvlm model server", openapi_url=None)

    @api.exception_handler(MedvlmError)
    def problem(_request: Request, error: MedvlmError) -> JSONResponse:
        return JSONResponse(Problem(code=error.code, detail=error.sentence).model_dump(), status_code=422)

    @api.get("/v1/health")
    def health() -> dict[str, str]:
        return {"status": "ready"}

    @api.get("/v1/model")
    def card() -> ModelCard:
        return ModelCard(identity=model.identity, assessed=model.assessed)

    @api.post("/v1/draft")
    def draft(study: StudyInput) -> Reading:
        return model.open(study).draft()

    @api.post("/v1/questionnaire")
    def questionnaire(request: QuestionnaireRequest) -> tuple[Finding, ...]:
        return model.open(request.study).questionnaire(request.names)

    @api.post("/v1/ask")
    def ask(request: AskRequest) -> StreamingResponse:
        session = model.open(request.study)
        return Answering(session, request.question)

    @api.post("/v1/preview")
    def rendered(source: ImageSource) -> Response:
        return Response(preview(source), media_type="image/png")

    if burned_in is not None:

        @api.post("/v1/burned-in")
        def text_in_pixels(source: ImageSource) -> BurnedInText:
            return burned_in(source)

    return api


class Answering(StreamingResponse):
    """The parts of an answer, one a line. The model's work ends with the response, also when the client leaves."""

    def __init__(self, session: StudySession, question: Question) -> None:
        self._session, self._question = session, question
        self._ended = threading.Event()
        super().__init__(self._told(), media_type="application/x-ndjson")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended.set()

    async def _told(self) -> AsyncIterator[str]:
        loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

        def work() -> None:
            for line in chain(_lines(self._session, self._question, self._ended.is_set), (None,)):
                with suppress(RuntimeError):  # the loop has ended: nobody listens
                    loop.call_soon_threadsafe(lines.put_nowait, line)

        loop.run_in_executor(None, work)
        while True:
            try:
                line = await asyncio.wait_for(lines.get(), SILENT_SECONDS)
            except TimeoutError:
                line = STILL_AT_WORK
            if line is None:
                return
            yield line


def _lines(session: StudySession, question: Question, cancel: Cancel) -> Iterator[str]:
    """The last line says so where the answer broke off: the status was sent long ago."""
    try:
        for part in session.ask(question, cancel):
            if cancel():
                return
            yield part.model_dump_json() + "\n"
    except MedvlmError as error:
        yield BrokenOff(code=error.code, detail=error.sentence).model_dump_json() + "\n"
    except Exception as error:
        # Where, but not the error's own words: they may quote a header.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("the model failed while answering: %s\n%s", type(error).__name__, where)
        yield BrokenOff(code="model_error", detail="the model failed while answering").model_dump_json() + "\n"


class Served(Model, Protocol):
    """A model with previews of its images, and the same weights under adapters."""

    @property
    def adapted(self) -> Mapping[str, Model]: ...

    def preview(self, source: ImageSource) -> bytes: ...

    def burned_in(self, source: ImageSource) -> BurnedInText: ...


def served(model: Served) -> FastAPI:
    """The model at the root, each adapter at /adapters/NAME with the same routes: a client chooses by its URL."""
    api = app(model, model.preview, model.burned_in)
    for name, adapted in model.adapted.items():
        api.mount(f"/adapters/{name}", app(adapted, model.preview, model.burned_in))
    return api


def serve(host: str, port: int, model: Served) -> None:
    """Answer until stopped."""
    uvicorn.run(served(model), host=host, port=port, log_level="warning", access_log=False)
