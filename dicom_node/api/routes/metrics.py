"""`/metrics`: the node in numbers, in Prometheus' text format. No UID, no name, nothing of a patient."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, func, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dicom_node.api.access.callers import Viewer
from dicom_node.api.feed import Feed
from dicom_node.api.problems import declared
from dicom_node.archive.outbox import DeliveryState
from dicom_node.archive.studies import StudyState
from dicom_node.archive.tables import answer, delivery, study

UNROUTED = "none"
"""An address that is no route may hold anything: it never becomes a label."""

router = APIRouter(tags=["node"], responses=declared(401, 403, 429))


class Metrics:
    """What one process counts, and what the index says when it is asked."""

    def __init__(self, engine: Engine, feed: Feed) -> None:
        self.registry = CollectorRegistry()
        names = ("method", "route", "status")
        self._requests = Counter("medvlm_http_requests", "Requests answered.", names, registry=self.registry)
        self._seconds = Histogram(
            "medvlm_http_request_seconds",
            "Seconds until an answer began.",
            ("method", "route"),
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
            registry=self.registry,
        )
        self.registry.register(Index(engine, feed))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class Index(Collector):
    """Studies, deliveries and questions, counted when they are asked for."""

    def __init__(self, engine: Engine, feed: Feed) -> None:
        self._engine, self._feed = engine, feed

    def describe(self) -> Iterator[Metric]:
        return iter(())  # without it, registering would query the index

    def collect(self) -> Iterator[Metric]:
        with self._engine.connect().execution_options(reading=True) as connection:
            studies = _by_state(connection, study.c.state, get_args(StudyState))
            deliveries = _by_state(connection, delivery.c.state, get_args(DeliveryState))
            answers = connection.execute(select(func.count()).select_from(answer)).scalar_one()
        yield _gauge("medvlm_studies", "Studies in the index.", studies)
        yield _gauge("medvlm_deliveries", "Deliveries in the outbox.", deliveries)
        yield CounterMetricFamily("medvlm_questions", "Questions asked and answered.", answers)
        yield GaugeMetricFamily("medvlm_event_listeners", "Streams of events open.", self._feed.listeners)


def _by_state(connection: Connection, column: Any, states: tuple[str, ...]) -> dict[str, int]:
    counted = dict.fromkeys(states, 0)
    counted.update(connection.execute(select(column, func.count()).group_by(column)).tuples().all())
    return counted


def _gauge(name: str, words: str, counted: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=("state",))
    for state, count in counted.items():
        family.add_metric((state,), count)
    return family


class Measured:
    """ASGI middleware: counts every answer by its route's template."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", UNROUTED)
                self._metrics.answered(scope["method"], route, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=Response,
    responses={200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}},
)
def metrics(request: Request, _by: Viewer) -> Response:
    """Requests by route and status, studies by state, deliveries, questions. No patient data."""
    kept: Metrics = request.app.state.metrics
    return Response(generate_latest(kept.registry), media_type=CONTENT_TYPE_LATEST)
