"""`dicom-node audit`: verify the trail, show it, write it out.

Exit status as of every command; 3 when the chain does not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from dicom_node.audit.chain import Entry, Head
    from dicom_node.audit.reading import Summary

BROKEN = 3
PAGE = 200

app = typer.Typer(help="The audit trail: who did what, when, to which study.", no_args_is_help=True)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; default ./dicom-node.toml if there.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command()
def verify(
    config: Config = None,
    head: Annotated[
        str, typer.Option(help="N:HASH as the log told it (audit.head): nothing after may be missing.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Follow the whole chain of hashes: no entry changed, removed, inserted or moved."""
    from dicom_node.audit import chain

    known = _head(head)
    with _opened(config, tell=False) as engine:
        verdict = chain.verify(engine, known)
    found = str(verdict.head) if verdict.head else ""
    if as_json:
        broken = {"n": verdict.broken.n, "what": verdict.broken.what} if verdict.broken else None
        typer.echo(json.dumps({"ok": verdict.ok, "entries": verdict.entries, "head": found, "broken": broken}))
    elif verdict.broken:
        typer.echo(f"BROKEN at entry {verdict.broken.n}: {verdict.broken.what}.")
    else:
        typer.echo(f"{verdict.entries} entries, the chain holds. Head {found or 'none'}")
        if not known:
            typer.echo(
                "Compare it with the log (audit.head): --head N:HASH shows whether entries were cut off at the end."
            )
    raise typer.Exit(0 if verdict.ok else BROKEN)


@app.command()
def show(
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")] = 50,
    study: Annotated[str, typer.Option(metavar="UID", help="Only of this study.")] = "",
    who: Annotated[str, typer.Option(help="Only of this user.")] = "",
    as_json: AsJson = False,
) -> None:
    """The newest entries in words. To look is an entry of its own."""
    with _opened(config) as engine:
        chosen = _chosen(engine, limit, study, who)
    if as_json:
        for one in chosen:
            typer.echo(json.dumps(one.as_dict(), ensure_ascii=False))
        return
    _table(chosen)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write: one JSON object an entry, its message as XML.")],
    config: Config = None,
    after: Annotated[int, typer.Option(min=0, help="Only entries after this number.")] = 0,
) -> None:
    """Write the entries as they are, with their hashes: another program can verify them without this node."""
    from dicom_node.audit import chain

    if out.exists():
        raise typer.BadParameter("this file is there already", param_hint="OUT")
    last = after
    with _opened(config) as engine, out.open("x", encoding="utf-8") as file:
        for entry in chain.every(engine, after):
            file.write(json.dumps(vars(entry), ensure_ascii=False) + "\n")
            last = entry.n
    typer.echo(f"{last - after} entries in {out}")


@contextmanager
def _opened(config: Path | None, *, tell: bool = True) -> Iterator[Engine]:
    """The index; `tell`: who looks is an entry of the trail."""
    from dicom_node.archive.database import migrate, open_engine
    from dicom_node.audit.participants import at_the_shell
    from dicom_node.audit.trail import open_trail
    from dicom_node.settings import load

    settings = load(config)
    engine = open_engine(settings.database_url)
    migrate(engine)
    if tell:
        open_trail(settings, engine, "audit").audit_read(at_the_shell())
    try:
        yield engine
    finally:
        engine.dispose()


def _head(text: str) -> Head | None:
    from dicom_node.audit.chain import Head

    if not text:
        return None
    if not (found := re.fullmatch(r"(\d+):([0-9a-f]{64})", text)):
        raise typer.BadParameter(
            "write N:HASH, as `audit.head` in the log and `audit verify` print it", param_hint="--head"
        )
    return Head(int(found[1]), found[2])


def _chosen(engine: Engine, limit: int, study: str, who: str) -> list[Summary]:
    chosen: list[Summary] = []
    for one in _newest_first(engine):
        if (not study or study in one.study_uids) and (not who or who == one.who):
            chosen.append(one)
        if len(chosen) == limit:
            break
    return chosen


def _newest_first(engine: Engine) -> Iterator[Summary]:
    from dicom_node.audit.chain import newest
    from dicom_node.audit.reading import summary

    page: tuple[Entry, ...] = newest(engine, limit=PAGE)
    while page:
        yield from map(summary, page)
        page = newest(engine, before=page[-1].n, limit=PAGE)


def _table(rows: list[Summary]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        typer.echo("No such entry.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("n", "UTC", "event", "outcome", "who", "from", "study", "patient"):
        table.add_column(heading, justify="right" if heading == "n" else "left", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    Console().print(table)


def _cells(row: Summary) -> list[Any]:
    from rich.text import Text

    outcome = Text(row.outcome, style="" if row.outcome == "success" else "red")
    at = datetime.fromtimestamp(row.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    words = (row.kind or row.event, outcome, row.who, row.network, " ".join(row.study_uids), row.patient_id)
    return [str(row.n), at, *(word if isinstance(word, Text) else Text(word) for word in words)]
