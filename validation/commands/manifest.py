"""`medvlm-validate manifest`: what a model was trained on, as hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from validation.commands.options import adapter_options

AS_IN_ITS_HEADERS = "plain_folder"
"""The adapter that says nothing of where patient IDs are from."""


def add_to(app: typer.Typer) -> None:
    app.command()(manifest)


def manifest(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the training data lie.")],
    adapter: Annotated[str, typer.Option(help="Adapter that reads them, as in a protocol.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; it travels with the weights.")],
    option: Annotated[
        list[str], typer.Option("--option", metavar="KEY=VALUE", help="Option of the adapter; repeatable.")
    ] = [],  # noqa: B006 - typer makes a new list
    source: Annotated[str, typer.Option(help="Where the patient IDs are from; default: the adapter's name.")] = "",
    name: Annotated[str, typer.Option(help="What the data are called; default: as the adapter calls them.")] = "",
) -> None:
    """Hash the patients and the images that a model was trained on, so that leaks can be found later."""
    import secrets
    import tempfile

    from rich.console import Console

    from validation.datasets.adapters import read_data_set
    from validation.disjointness.manifest import make_manifest, write_manifest

    with tempfile.TemporaryDirectory() as unpacked, Console(stderr=True).status("Reading") as status:
        data = read_data_set(adapter, folder, adapter_options(option), Path(unpacked))
        total = sum(len(case.images) + len(case.prior or ()) for case in data.cases)
        from_ = source or ("" if adapter == AS_IN_ITS_HEADERS else adapter)
        made = make_manifest(
            [data], name or data.name, from_, secrets.token_hex(32), lambda done: status.update(f"{done} of {total}")
        )
    digest = write_manifest(made, output)
    missing = f", {made.not_comparable} images could not be looked at" if made.not_comparable else ""
    typer.echo(f"{len(made.patients)} patients, {len(made.images)} images{missing}.")
    typer.echo(f"training_manifest: {digest}")
