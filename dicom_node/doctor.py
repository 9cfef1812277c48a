"""Is this node fit to run? Each check says what it found, and how to mend it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.tables import instance
from dicom_node.audit import chain
from dicom_node.audit.collector import collector_of
from dicom_node.audit.shipping import waiting
from dicom_node.deliver.scu import Remote, echo
from dicom_node.settings import Peer, Settings
from medvlm.client import RemoteModel

EARLIEST_CLOCK = 1_700_000_000  # November 2023: a machine that believes an earlier date has lost its clock


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    found: str
    mend: str = ""


def examine(settings: Settings) -> tuple[Check, ...]:
    checks: list[tuple[str, Callable[[Settings], Check]]] = [
        ("archive", _archive),
        ("flush", _flush),
        ("index", _index),
        ("audit", _audit),
        ("clock", _clock),
        ("listener", _listener),
        ("model", _model),
    ]
    found = [_guarded(name, check, settings) for name, check in checks]
    return (*found, *(_peer(settings, peer) for peer in settings.deliver.peers), *_no_peer(settings))


def show(checks: tuple[Check, ...]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for check in checks:
        verdict = "[green]ok[/green]" if check.ok else "[red]mend[/red]"
        table.add_row(verdict, check.name, check.found + (f"\n{check.mend}" if not check.ok and check.mend else ""))
    Console().print(table)


def _guarded(name: str, check: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return check(settings)
    except Exception as error:  # a check that cannot be made is itself the finding
        return Check(name, False, f"{type(error).__name__}: {error}")


def _archive(settings: Settings) -> Check:
    root = settings.archive.root
    root.mkdir(parents=True, exist_ok=True)
    disk = os.statvfs(root)
    free = disk.f_bavail * disk.f_frsize
    fit = os.access(root, os.W_OK) and free > settings.archive.reserve_bytes
    mend = "Free space, or set archive.url to another disk; the node refuses to store below archive.reserve_bytes."
    return Check("archive", fit, f"{root}, {free / 1e9:.1f} GB free", mend)


def _flush(settings: Settings) -> Check:
    mend = "Set archive.flush = true: without it a power cut loses what was answered with Success."
    return Check("flush", settings.archive.flush, "on" if settings.archive.flush else "off", mend)


def _index(settings: Settings) -> Check:
    engine = open_engine(settings.database_url)
    migrate(engine)
    with engine.connect().execution_options(reading=True) as connection:
        count = connection.scalar(select(func.count(instance.c.id)))
    return Check("index", True, f"{engine.url.render_as_string(hide_password=True)}, {count} instances")


def _audit(settings: Settings) -> Check:
    engine, collector = open_engine(settings.database_url), collector_of(settings.audit)
    head = chain.head(engine)
    found = f"{head.n if head else 0} entries"
    if collector is None:
        return Check("audit", True, f"{found}; no collector is set")
    collector.reach()
    return Check("audit", True, f"{found}, {waiting(engine, collector)} of them not yet at {collector.name}")


def _clock(settings: Settings) -> Check:
    engine, now = open_engine(settings.database_url), time.time()
    with engine.connect().execution_options(reading=True) as connection:
        newest = connection.scalar(select(func.max(instance.c.received))) or 0.0
    fit = now > EARLIEST_CLOCK and now >= newest - 60
    return Check("clock", fit, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)), "Set the clock (NTP).")


def _listener(settings: Settings) -> Check:
    own = settings.listener
    host = "127.0.0.1" if own.host in ("0.0.0.0", "::") else own.host  # noqa: S104
    answer = echo(Remote(host, own.port, own.ae_title, own.calling_ae_titles[0] if own.calling_ae_titles else "DOCTOR"))
    return Check(
        "listener",
        answer.ok,
        f"{own.ae_title} at {own.host}:{own.port}: {answer.words}",
        "Start it: `dicom-node serve`.",
    )


def _model(settings: Settings) -> Check:
    card = RemoteModel(settings.model.url, 10).card()
    return Check("model", True, f"{card.identity.name} {card.identity.version}, {len(card.assessed)} findings assessed")


def _peer(settings: Settings, peer: Peer) -> Check:
    answer = echo(Remote(peer.host, peer.port, peer.ae_title, settings.listener.ae_title))
    found = f"{peer.ae_title} at {peer.host}:{peer.port}: {answer.words}"
    return Check(f"peer {peer.name}", answer.ok, found, "Make both AE titles known to each other; check host and port.")


def _no_peer(settings: Settings) -> tuple[Check, ...]:
    if settings.deliver.receivers:
        return ()
    return (Check("peers", False, "no peer is set: drafts stay here", "Add one under [deliver] peers."),)
