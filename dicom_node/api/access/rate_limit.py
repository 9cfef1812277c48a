"""Requests a minute, counted for each caller in this process (`limits`), answered 429 beyond (RFC 6585 section 4)."""

from __future__ import annotations

import hashlib
import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from dicom_node.api import problems
from dicom_node.api.access.denials import TooManyRequests

IMAGE_PATHS = ("/dicomweb/", "/assets/")
"""A CT loads its 300 frames in seconds: what shows images is counted apart, and far more generously."""


class PerMinute:
    """At most `amount` of one thing a minute for each key."""

    def __init__(self, amount: int, what: str) -> None:
        self._item = RateLimitItemPerMinute(amount)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._what = what

    def count(self, key: str) -> None:
        """Raises `TooManyRequests`."""
        if not self._limiter.hit(self._item, key):
            raise self._refusal(key)

    def check(self, key: str) -> None:
        """As `count`, without counting."""
        if not self._limiter.test(self._item, key):
            raise self._refusal(key)

    def take(self, key: str) -> bool:
        """Count it if there is room."""
        return self._limiter.hit(self._item, key)

    def _refusal(self, key: str) -> TooManyRequests:
        stats = self._limiter.get_window_stats(self._item, key)
        return TooManyRequests(self._what, seconds=max(1, math.ceil(stats.reset_time - time.time())))


class RateLimit:
    """ASGI middleware. Streams count once, at their start."""

    def __init__(self, app: ASGIApp, requests: PerMinute, images: PerMinute) -> None:
        self._app = app
        self._requests, self._images = requests, images

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            counted = self._images if scope["path"].startswith(IMAGE_PATHS) else self._requests
            try:
                counted.count(_caller(scope))
            except TooManyRequests as error:
                await problems.response(error.code, error.edge.http, str(error), dict(error.headers))(
                    scope, receive, send
                )
                return
        await self._app(scope, receive, send)


def _caller(scope: Scope) -> str:
    """The credential as given (hashed), else the address. Whether it is right is not known yet."""
    given = b"".join(value for name, value in scope["headers"] if name in (b"authorization", b"cookie"))
    if given:
        return hashlib.sha256(given).hexdigest()
    return str((scope.get("client") or ("", 0))[0])
