"""The application: routes, problems, headers, and what they stand on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from sqlalchemy import Engine

from dicom_node.api import problems, studies
from dicom_node.api.access import Caller
from dicom_node.api.bodies import Health
from dicom_node.api.limits import BodyLimit
from dicom_node.settings import Settings
from medvlm.client import ModelCard, RemoteModel
from medvlm.vocabulary import Term, terms

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def app(settings: Settings, engine: Engine, model: RemoteModel, token: str, pages: Sequence[APIRouter] = ()) -> FastAPI:
    """`pages` are routes for browsers, which the OpenAPI document leaves out."""
    api = FastAPI(title="medvlm node", version=version("medvlm"), docs_url=None, redoc_url=None)
    api.state.settings, api.state.engine, api.state.model, api.state.token = settings, engine, model, token
    problems.install(api)
    api.add_middleware(BodyLimit, max_bytes=settings.api.max_body_bytes)

    @api.middleware("http")
    async def secured(request: Request, forward: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await forward(request)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @api.get("/api/v1/health/live", tags=["health"])
    def live() -> Health:
        """The process answers."""
        return Health(status="live")

    @api.get("/api/v1/health/ready", tags=["health"], responses=problems.declared(503))
    def ready() -> Health:
        """The index and the model server answer too."""
        with engine.connect().execution_options(reading=True) as connection:
            connection.exec_driver_sql("SELECT 1")
        model.card()
        return Health(status="ready")

    @api.get("/api/v1/models", tags=["models"], responses=problems.declared(401, 503))
    def models(_caller: Caller) -> ModelCard:
        """The model that reads, and the findings it was validated for."""
        return model.card()

    @api.get("/api/v1/vocabulary", tags=["models"], responses=problems.declared(401))
    def vocabulary(_caller: Caller) -> dict[str, Term]:
        """Every finding that a report can name, with its code, source and grade."""
        return terms()

    for router in (studies.router, *pages):
        api.include_router(router)
    original = api.openapi

    def documented() -> dict[str, Any]:
        document = original()
        document["components"]["schemas"].setdefault("Problem", problems.Problem.model_json_schema())
        return document

    api.openapi = documented  # type: ignore[method-assign]
    return api
