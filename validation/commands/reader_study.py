"""`medvlm-validate reader-study`: do readers do better with one modality than with another?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class CovarianceChoice(StrEnum):
    JACKKNIFE = "jackknife"
    DELONG = "delong"


def add_to(app: typer.Typer) -> None:
    app.command("reader-study")(reader_study)


def reader_study(
    readings: Annotated[
        Path, typer.Argument(metavar="READINGS.csv", help="Columns: reader, modality, case, truth, rating; patient.")
    ],
    covariance: Annotated[CovarianceChoice, typer.Option(help="How the areas vary together.")] = (
        CovarianceChoice.JACKKNIFE
    ),
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="The whole analysis as one JSON object.")] = False,
) -> None:
    """Multi-reader multi-case analysis: Obuchowski and Rockette's, with Hillis' degrees of freedom."""
    from rich.console import Console

    from validation.commands.reader_study_analysis import analyse, show
    from validation.datasets.reader_study import read_reader_study

    found = analyse(read_reader_study(readings), covariance.value, level)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        show(Console(highlight=False), found)
