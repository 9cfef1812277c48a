"""Everything that stands before the routes, put together once."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import FastAPI
from sqlalchemy import Engine

from dicom_node.api.access import login
from dicom_node.api.access.body_limit import BodyLimit
from dicom_node.api.access.gate import Gate
from dicom_node.api.access.hosts import AllowedHosts, names_of
from dicom_node.api.access.oidc import Provider
from dicom_node.api.access.rate_limit import PerMinute, RateLimit
from dicom_node.api.access.sessions import Sessions
from dicom_node.audit.trail import AuditTrail
from dicom_node.settings import Settings


def open_gate(
    settings: Settings, engine: Engine, token: str, trail: AuditTrail, clock: Callable[[], float] = time.time
) -> Gate:
    api = settings.api
    sessions = Sessions(engine, api.session_idle_minutes * 60, api.session_minutes * 60, clock)
    provider = Provider(settings.oidc, api, clock) if settings.oidc.issuer else None
    failures = PerMinute(api.login_failures_per_minute, "too many wrong tokens from this address")
    return Gate(api, token, sessions, provider, failures, trail, clock)


def guard(api: FastAPI, gate: Gate) -> None:
    """The order of a request: its host, its rate, its body, its route. Answers pass `headers.NodeApi` last."""
    settings = gate.settings
    api.state.gate = gate
    api.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, max_store_bytes=settings.max_store_bytes)
    api.add_middleware(
        RateLimit,
        requests=PerMinute(settings.rate_per_minute, "too many requests"),
        images=PerMinute(settings.image_rate_per_minute, "too many requests for images"),
    )
    api.add_middleware(AllowedHosts, names=names_of(settings))
    api.include_router(login.router)
