"""The model server: the contract over HTTP, for loopback or a private network.

It gets references to images, reads them itself, and reads nothing outside the archive it was started for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from medvlm.client import AskRequest, ModelCard, Problem, QuestionnaireRequest
from medvlm.contract import Finding, ImageSource, Model, Reading, StudyInput
from medvlm.errors import MedvlmError


class PreviewSource(Protocol):
    def __call__(self, source: ImageSource) -> bytes: ...


def app(model: Model, preview: PreviewSource) -> FastAPI:
    """Routes are plain functions, so that FastAPI runs each in a thread while others wait for the model."""
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
        return StreamingResponse(_lines(session.ask(request.question)), media_type="application/x-ndjson")

    @api.post("/v1/preview")
    def rendered(source: ImageSource) -> Response:
        return Response(preview(source), media_type="image/png")

    return api


def _lines(parts: Iterator[Any]) -> Iterator[str]:
    for part in parts:
        yield part.model_dump_json() + "\n"


class Served(Model, Protocol):
    """A model with previews of its images, and the same weights under adapters."""

    @property
    def adapted(self) -> Mapping[str, Model]: ...

    def preview(self, source: ImageSource) -> bytes: ...


def served(model: Served) -> FastAPI:
    """The model at the root, each adapter at /adapters/NAME with the same routes: a client chooses by its URL."""
    api = app(model, model.preview)
    for name, adapted in model.adapted.items():
        api.mount(f"/adapters/{name}", app(adapted, model.preview))
    return api


def serve(host: str, port: int, model: Served) -> None:
    """Answer until stopped."""
    uvicorn.run(served(model), host=host, port=port, log_level="warning", access_log=False)
