"""Logins of the page, kept by the node. The cookie holds a secret; the table only its hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, delete, insert, select, update

from dicom_node.api.access.principal import Principal
from dicom_node.archive.tables import session

TOUCH_SECONDS = 30.0
"""`last_seen` is written at most so often: a CT's 300 frames must not be 300 writes."""


@dataclass(frozen=True)
class OpenSession:
    principal: Principal
    expires: float
    """Seconds since the epoch: the end in any case."""


@dataclass(frozen=True)
class Sessions:
    """Ends each login after `longest` seconds, and after `idle` seconds without a request."""

    engine: Engine
    idle: float
    longest: float
    clock: Callable[[], float]

    def open(self, principal: Principal) -> str:
        """The secret of a new session, for its cookie. Sweeps the expired ones away."""
        secret, now = secrets.token_urlsafe(32), self.clock()
        with self.engine.begin() as connection:
            connection.execute(
                delete(session).where((session.c.expires < now) | (session.c.last_seen < now - self.idle))
            )
            connection.execute(
                insert(session).values(
                    id=_hashed(secret),
                    principal=principal.model_dump_json(),
                    created=now,
                    last_seen=now,
                    expires=now + self.longest,
                )
            )
        return secret

    def find(self, secret: str) -> OpenSession | None:
        """The session of a cookie, if it is open still; counts as being used."""
        key, now = _hashed(secret), self.clock()
        with self.engine.connect().execution_options(reading=True) as connection:
            row = connection.execute(select(session).where(session.c.id == key)).one_or_none()
        if row is None or now >= row.expires or now - row.last_seen >= self.idle:
            return None
        if now - row.last_seen >= min(TOUCH_SECONDS, self.idle / 2):
            with self.engine.begin() as connection:
                connection.execute(update(session).where(session.c.id == key).values(last_seen=now))
        return OpenSession(Principal.model_validate_json(row.principal), row.expires)

    def close(self, secret: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(session).where(session.c.id == _hashed(secret)))


def _hashed(secret: str) -> str:
    """Plain SHA-256 does: the secret has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
