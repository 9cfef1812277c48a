"""Answers to requests that create something: a repeat gets the first one's answer and creates nothing.

draft-ietf-httpapi-idempotency-key-header (a draft, not an RFC).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError

from dicom_node.archive.tables import idempotency as row

KEPT_SECONDS = 24 * 3600.0
ABANDONED_SECONDS = 900.0
"""A request that has not ended by then died with its process."""


@dataclass(frozen=True)
class Kept:
    """What is known of a key. `status` is None while its request is at work."""

    request: str
    status: int | None
    headers: str
    body: str
    created: float


def claim(engine: Engine, key: str, request: str, now: float) -> Kept | None:
    """None: the key is ours now. Otherwise what became of its first request. Both are SHA-256 digests."""
    with engine.begin() as connection:
        abandoned = row.c.status.is_(None) & (row.c.created < now - ABANDONED_SECONDS)
        connection.execute(delete(row).where((row.c.created < now - KEPT_SECONDS) | abandoned))
    try:
        with engine.begin() as connection:
            connection.execute(row.insert().values(key=key, request=request, headers="", body="", created=now))
        return None
    except IntegrityError:
        return _find(engine, key) or claim(engine, key, request, now)


def keep(engine: Engine, key: str, status: int, headers: str, body: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(row).where(row.c.key == key).values(status=status, headers=headers, body=body))


def release(engine: Engine, key: str) -> None:
    """It came to nothing: the same request may try again."""
    with engine.begin() as connection:
        connection.execute(delete(row).where((row.c.key == key) & row.c.status.is_(None)))


def _find(engine: Engine, key: str) -> Kept | None:
    columns = (row.c.request, row.c.status, row.c.headers, row.c.body, row.c.created)
    with engine.connect().execution_options(reading=True) as connection:
        found = connection.execute(select(*columns).where(row.c.key == key)).one_or_none()
    return Kept(*found) if found else None
