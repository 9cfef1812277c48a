"""A bound on request bodies, counted as they arrive: Content-Length is only a claim."""

from __future__ import annotations

import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dicom_node.api import problems

STORE = "/dicomweb/"
"""Under it a POST or PUT holds instances (STOW-RS, PS3.18 section 10.5)."""


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Answers 413 (RFC 9110 section 15.5.14) once a body grows past its bound: `max_store_bytes` under DICOMweb."""

    def __init__(self, app: ASGIApp, max_bytes: int, max_store_bytes: int | None = None) -> None:
        self._app = app
        self._body = ("api.max_body_bytes", max_bytes)
        self._store = ("api.max_store_bytes", max_bytes if max_store_bytes is None else max_store_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        setting, max_bytes = self._store if scope["path"].startswith(STORE) else self._body
        seen = 0
        refused = False

        async def bounded() -> Message:
            nonlocal seen, refused
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > max_bytes:
                refused = True
                raise _TooLarge
            return message

        async def unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        with contextlib.suppress(_TooLarge):
            await self._app(scope, bounded, unless_refused)
        if refused:
            words = f"The body is larger than {setting} ({max_bytes})."
            await problems.response("content_too_large", 413, words)(scope, receive, send)
