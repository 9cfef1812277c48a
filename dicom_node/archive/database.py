"""The engine: SQLite as a durable single file, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_TIMEOUT_MS = 30_000


def open_engine(url: str, *, flush: bool = True) -> Engine:
    """An engine whose every transaction is durable at commit (`flush=False` only to measure)."""
    if not url.startswith("sqlite"):
        return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True)
    Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _sqlite_pragmas(flush))
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _sqlite_pragmas(flush: bool) -> Any:
    def configure(connection: Any, _record: object) -> None:
        # The driver's own transaction handling starts deferred transactions, which fail at once on upgrade.
        connection.isolation_level = None
        cursor = connection.cursor()
        # With synchronous=NORMAL the last commits can vanish at a power cut: Success would have been a lie.
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if flush else 'OFF'}",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return configure


def _begin_immediate(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; safe when several roles start at once."""
    from alembic import command  # a third of the listener's import time, needed once

    config = alembic_config()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7034113)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
