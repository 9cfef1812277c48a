"""`medvlm-validate`: is this model good enough here?

Exit status: 0 all criteria met, 1 one not met or undecided, 2 could not run.
Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from validation.errors import SuiteError

ALL_MET, NOT_ALL_MET, COULD_NOT_RUN = 0, 1, 2

app = typer.Typer(
    help="Measure a model on your own labelled studies, by criteria that you fixed beforehand.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def commands() -> None:
    """Keeps `run` a command of its own while it is the only one."""


@app.command()
def run(
    readings: Annotated[Path, typer.Argument(metavar="READINGS.jsonl", help="Lines of `medvlm draft --json`.")],
    labels: Annotated[
        Path,
        typer.Argument(
            metavar="LABELS.csv",
            help="Columns: study_uid, or row (line of the reading, from 1); patient; a finding each, 0, 1 or empty.",
        ),
    ],
    criteria: Annotated[
        Path | None, typer.Option(help="TOML: `[auroc]`, below it the least lower bound a finding.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as one JSON object.")] = False,
) -> None:
    """AUROC of each finding with its interval, and the verdict."""
    from validation.run import validate
    from validation.statistics.clustered_bootstrap import Resampling

    result = validate(readings, labels, criteria, Resampling())
    if as_json:
        typer.echo(result.model_dump_json())
    else:
        from rich.console import Console

        from validation.report.terminal import show

        show(Console(highlight=False, soft_wrap=True), result)
    raise typer.Exit(ALL_MET if result.passed else NOT_ALL_MET)


def main() -> None:
    try:
        app()
    except SuiteError as error:
        if "--json" in sys.argv:
            typer.echo(json.dumps({"error": error.code, "detail": str(error)}))
        typer.echo(f"medvlm-validate: {error}", err=True)
        sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
