"""`medvlm-validate data`: what a folder holds as a data set, and the digest under which a protocol names it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from validation.cases import DataSet
from validation.commands.options import adapter_options


def add_to(app: typer.Typer) -> None:
    app.command("data")(data)


def data(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the data lie.")],
    adapter: Annotated[str, typer.Option(help="Adapter that reads them, as in a protocol.")] = "plain_folder",
    option: Annotated[
        list[str], typer.Option("--option", metavar="KEY=VALUE", help="Option of the adapter; repeatable.")
    ] = [],  # noqa: B006 - typer makes a new list
) -> None:
    """Read a data set as a run would: cases, labels, what is left out and why, and its digest for the protocol."""
    import tempfile

    from rich.console import Console

    from validation.datasets.adapters import read_data_set

    with tempfile.TemporaryDirectory() as unpacked, Console(stderr=True).status("Reading"):
        found = read_data_set(adapter, folder, adapter_options(option), Path(unpacked))
    for line in described(found):
        typer.echo(line)


def described(found: DataSet) -> list[str]:
    """As lines to print."""
    patients = {case.patient for case in found.cases}
    positive = Counter(name for case in found.cases for name, truth in case.labels.items() if truth)
    labelled = Counter(name for case in found.cases for name in case.labels)
    return [
        f"{len(found.cases)} cases of {len(patients)} patients",
        *(f"  {name}: {positive[name]} of {count} labelled are positive" for name, count in sorted(labelled.items())),
        *(f"  left out: {count} ({reason})" for reason, count in sorted(found.excluded.items())),
        *(f"  note: {note}" for note in found.notes),
        f"digest: {found.digest}",
    ]
