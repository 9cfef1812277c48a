"""`medvlm-validate report` and `compare`: nothing heavy is imported before one of them runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RUN = "Folder of a run, or its results.json."


def add_to(app: typer.Typer) -> None:
    app.command()(report)
    app.command()(compare)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help=RUN)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the page, the record and JUnit XML.")],
) -> None:
    """Write the page, the JSON record and JUnit XML of a run anew, without images; exit status is the run's."""
    from rich.console import Console

    from validation.report.summary import show
    from validation.report.writing import read_run, write_reports

    found = read_run(run)
    write_reports(found, output, images=False)
    show(Console(highlight=False), found)
    raise typer.Exit(0 if found.outcome == "met" else 1)


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help=RUN)],
    second: Annotated[Path, typer.Argument(metavar="B", help=RUN + " Its differences are told from A.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the page and its JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole comparison as one JSON object.")] = False,
) -> None:
    """Two runs on the same data: paired differences, and what became of each criterion.

    Exit status 0: nothing is worse in B; 1: a criterion or a figure is worse; 2: they cannot be compared.
    """
    from rich.console import Console

    from validation.compare import compare_runs
    from validation.report.comparison import show, write_comparison

    made = compare_runs(first, second)
    if output:
        write_comparison(made, output)
    if as_json:
        typer.echo(made.model_dump_json())
    else:
        show(Console(highlight=False), made)
    raise typer.Exit(1 if made.worse else 0)
