"""The application: what stands before the routes, the routes, and what they stand on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine

from dicom_node.api import openapi, problems
from dicom_node.api.access.guard import guard, open_gate
from dicom_node.api.access.headers import NodeApi
from dicom_node.api.access.origins import encrypted
from dicom_node.api.dicomweb.routes import router as dicomweb
from dicom_node.api.feed import Feed
from dicom_node.api.node import ApiNode, ModelServer
from dicom_node.api.routes import audit, events, health, metrics, models, questions, reports, studies
from dicom_node.api.routes.metrics import Measured, Metrics
from dicom_node.archive.changes import Watch
from dicom_node.audit.trail import open_trail
from dicom_node.settings import Settings

ROUTERS = (
    studies.router,
    reports.router,
    questions.router,
    events.router,
    models.router,
    audit.router,
    health.router,
    metrics.router,
)
CONVERSATIONS = 16
"""Streamed answers at once; more wait their turn."""


def app(
    settings: Settings,
    engine: Engine,
    model: ModelServer,
    token: str,
    pages: Sequence[APIRouter] = (),
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """`pages` are routes for browsers, which the OpenAPI document leaves out."""
    trail = open_trail(settings, engine, "api", clock)
    feed = Feed(engine, Watch(engine, clock), settings.api.events_poll_seconds)
    measured = Metrics(engine, feed)
    api = NodeApi(
        encrypted=encrypted(settings.api),
        title="medvlm node",
        version=version("medvlm"),
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    api.state.settings, api.state.engine, api.state.model, api.state.token = settings, engine, model, token
    api.state.audit, api.state.metrics = trail, measured
    api.state.node = ApiNode(settings, engine, model, trail, feed, clock)
    problems.install(api)
    guard(api, open_gate(settings, engine, token, trail, clock))
    api.add_middleware(Measured, metrics=measured)
    for router in (dicomweb(settings, engine), *ROUTERS, *pages):
        api.include_router(router)
    api.openapi = partial(openapi.documented, api.openapi)  # type: ignore[method-assign]
    return api


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    with ThreadPoolExecutor(CONVERSATIONS, thread_name_prefix="conversation") as threads:
        api.state.threads = threads
        yield
