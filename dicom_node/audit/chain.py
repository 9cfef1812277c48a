"""The chain: numbered entries, each with the hash of the one before.

    hash = SHA-256(previous ‖ n ‖ LF ‖ microseconds since the epoch ‖ LF ‖ message)

`previous` as its 32 bytes (zeros before the first entry), numbers in decimal, all in UTF-8. Numbers start at 1 and have
no gaps: whoever appends holds one lock from reading the last entry to the commit, on every process. A database trigger
refuses to change or delete an entry; `verify` finds what somebody changed in spite of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, Select, select, text

from dicom_node.archive.tables import audit, audit_position

GENESIS: Final = "0" * 64
# Any constant does: it names the chain's lock among PostgreSQL's advisory locks.
ADVISORY_LOCK: Final = 7034115
PAGE: Final = 1000


@dataclass(frozen=True)
class Entry:
    """`at`: seconds since the epoch when it was appended; `message`: XML."""

    n: int
    at: float
    message: str
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        return Head(self.n, self.hash)


@dataclass(frozen=True)
class Head:
    """The last entry's number and hash: who notes it elsewhere can prove later that the chain up to it is unchanged."""

    n: int
    hash: str

    def __str__(self) -> str:
        return f"{self.n}:{self.hash}"


@dataclass(frozen=True)
class Break:
    """Where the chain no longer holds."""

    n: int
    what: str


@dataclass(frozen=True)
class Verdict:
    """`head` is the last entry that was looked at; `broken` is None for a chain that holds."""

    entries: int
    head: Head | None
    broken: Break | None

    @property
    def ok(self) -> bool:
        return self.broken is None


def append(connection: Connection, at: float, message: str) -> Entry:
    """Add an entry in the caller's transaction, as its last statement: others wait from here until it ends."""
    lock(connection)
    last = connection.execute(select(audit.c.n, audit.c.hash).order_by(audit.c.n.desc()).limit(1)).first()
    n, previous = (last.n + 1, last.hash) if last else (1, GENESIS)
    moment = microseconds(at) / 1e6
    entry = Entry(n, moment, message, previous, digest(previous, n, moment, message))
    connection.execute(audit.insert().values(**vars(entry)))
    return entry


def lock(connection: Connection) -> None:
    """Until the transaction ends no other appends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})


def digest(previous: str, n: int, at: float, message: str) -> str:
    return hashlib.sha256(bytes.fromhex(previous) + f"{n}\n{microseconds(at)}\n{message}".encode()).hexdigest()


def microseconds(at: float) -> int:
    return round(at * 1e6)


def entries(engine: Engine, after: int = 0, limit: int = PAGE) -> tuple[Entry, ...]:
    """Oldest first, those after the number."""
    return _select(engine, select(audit).where(audit.c.n > after).order_by(audit.c.n).limit(limit))


def newest(engine: Engine, before: int | None = None, limit: int = 100) -> tuple[Entry, ...]:
    """Newest first, those before the number."""
    query = select(audit).order_by(audit.c.n.desc()).limit(limit)
    return _select(engine, query if before is None else query.where(audit.c.n < before))


def head(engine: Engine) -> Head | None:
    return next((entry.head for entry in newest(engine, limit=1)), None)


def find(engine: Engine, n: int) -> Entry | None:
    return next(iter(_select(engine, select(audit).where(audit.c.n == n))), None)


def every(engine: Engine, after: int = 0) -> Iterator[Entry]:
    """All of them, oldest first, a page at a time."""
    while page := entries(engine, after):
        yield from page
        after = page[-1].n


def verify(engine: Engine, known: Head | None = None) -> Verdict:
    """Follow the whole chain. `known`: a head noted before, beside those that collectors have come to.

    Without any, entries missing at the end are not noticed.
    """
    noted = [*_shipped(engine), *([known] if known else [])]
    last: Entry | None = None
    for entry in every(engine):
        what = _fault(last, entry) or _contradiction(entry, noted)
        if what:
            return Verdict(entry.n, entry.head, Break(entry.n, what))
        last = entry
    found, newest_noted = last.n if last else 0, max((one.n for one in noted), default=0)
    cut = Break(found + 1, f"entries {found + 1} to {newest_noted} are missing at the end")
    return Verdict(found, last.head if last else None, cut if found < newest_noted else None)


def _shipped(engine: Engine) -> list[Head]:
    query = select(audit_position.c.n, audit_position.c.hash).where(audit_position.c.n > 0)
    with engine.connect().execution_options(reading=True) as connection:
        return [Head(row.n, row.hash) for row in connection.execute(query)]


def _fault(last: Entry | None, entry: Entry) -> str:
    expected = last.n + 1 if last else 1
    if entry.n != expected:
        return f"entries {expected} to {entry.n - 1} are missing before it"
    if entry.previous != (last.hash if last else GENESIS):
        return "it does not follow the entry before it: one of the two was inserted, moved or replaced"
    try:
        right = entry.hash == digest(entry.previous, entry.n, entry.at, entry.message)
    except ValueError:
        right = False
    return "" if right else "its time or message was changed"


def _contradiction(entry: Entry, noted: Sequence[Head]) -> str:
    if any(entry.n == one.n and entry.hash != one.hash for one in noted):
        return "its hash is not the one that was noted: the chain was written anew, here or before"
    return ""


def _select(engine: Engine, query: Select[tuple[int, float, str, str, str]]) -> tuple[Entry, ...]:
    with engine.connect().execution_options(reading=True) as connection:
        return tuple(Entry(**row) for row in connection.execute(query).mappings())
