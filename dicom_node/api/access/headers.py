"""Security headers on every answer: pages, files, streams, problems, and what no handler foresaw.

Plain ASGI, outermost: an answer passes through message by message, so that streams stay streams.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",  # the image decoders are WebAssembly
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",  # the image tools' cursors
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content Security Policy Level 3."""

ASSETS = "/assets/"
"""Files whose names hold a hash of their content."""
PRIVATE = ("/api/", "/dicomweb/", "/auth/", "/metrics")
"""Answers that may hold data of patients or persons."""


def security_headers(encrypted: bool) -> dict[str, str]:
    """What every answer carries, unless its route set its own."""
    constant = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return constant | ({"Strict-Transport-Security": "max-age=31536000"} if encrypted else {})


class SecurityHeaders:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, encrypted: bool) -> None:
        self._app = app
        self._constant = security_headers(encrypted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._constant.items():
                    headers.setdefault(name, value)
                _set_caching(headers, scope["path"], message["status"])
            await send(message)

        await self._app(scope, receive, secured if scope["type"] == "http" else send)


def _set_caching(headers: MutableHeaders, path: str, status: int) -> None:
    if path.startswith(PRIVATE):
        headers["Cache-Control"] = "no-store"
    elif path.startswith(ASSETS) and status in (200, 206, 304):
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        headers.setdefault("Cache-Control", "no-store")


class NodeApi(FastAPI):
    """FastAPI answers an unforeseen error outside every added middleware: the headers must lie around that too."""

    def __init__(self, *, encrypted: bool, **more: Any) -> None:
        super().__init__(**more)
        self._encrypted = encrypted

    def build_middleware_stack(self) -> ASGIApp:
        return SecurityHeaders(super().build_middleware_stack(), self._encrypted)
