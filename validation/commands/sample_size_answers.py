"""How the calculators say what they found."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from validation.errors import BadPlan
from validation.statistics.mrmc_sample_size import LARGEST
from validation.statistics.sample_size import design_effect, studies_for

WAY_OUT = "Ask for less: a wider margin, a lower bar, or less power."


@dataclass(frozen=True)
class Clusters:
    """The mean number of images of a patient, and their correlation within one."""

    images: float
    correlation: float


@contextmanager
def possible(question: str, unless: bool = False) -> Iterator[None]:
    """A question that no number answers is an error, not an infinite number. Raises `BadPlan`."""
    if unless:
        raise BadPlan("the truth has to lie above the bar", where=question, way_out=WAY_OUT)
    try:
        yield
    except ValueError as error:
        raise BadPlan(str(error), where=question, way_out=WAY_OUT) from error


def ratio_of(prevalence: float | None, negatives_per_positive: float) -> float:
    return (1 - prevalence) / prevalence if prevalence and prevalence < 1 else negatives_per_positive


def say(question: str, positives: float, prevalence: float | None, clusters: Clusters, as_json: bool) -> None:
    effect = design_effect(clusters.images, clusters.correlation)
    needed = positives * effect
    found: dict[str, str | float | int | None] = {
        "question": question,
        "positives": math.ceil(needed - 1e-9),
        "exact": needed,
        "prevalence": prevalence,
        "studies": studies_for(needed, prevalence) if prevalence else None,
        "design_effect": effect,
    }
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo(f"{found['positives']} positives are needed for each finding: {question}.")
    if prevalence:
        typer.echo(f"With {prevalence:.3g} of the studies positive: {found['studies']} studies on average.")
    if effect > 1:
        typer.echo(f"Images instead of patients: {effect:.3g} times as many as independent ones.")


def say_cases(question: str, found: Mapping[int, int | None], as_json: bool) -> None:
    if as_json:
        rows = [{"readers": readers, "cases": cases} for readers, cases in found.items()]
        typer.echo(json.dumps({"question": question, "plans": rows}))
        return
    typer.echo(f"{question}:")
    for readers, cases in found.items():
        said = f"{cases} cases" if cases else f"more than {LARGEST} cases, or never: take more readers"
        typer.echo(f"  {readers} readers: {said}")
