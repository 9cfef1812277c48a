"""What `reader-study` says: areas by reader and modality, the tests, and the components for the next study."""

from __future__ import annotations

import math
from warnings import catch_warnings, simplefilter

import numpy as np
from pydantic import BaseModel, ConfigDict
from rich import box
from rich.console import Console
from rich.table import Table

from validation.datasets.reader_study import ReaderStudy
from validation.statistics.estimate import Estimate
from validation.statistics.mrmc import (
    Components,
    Inference,
    MeanSquares,
    OverallTest,
    SingleModality,
    compare_modalities,
    mean_squares,
    single_modality,
)
from validation.statistics.mrmc_components import Covariance, components
from validation.statistics.mrmc_sample_size import Pilot

INFERENCES: tuple[Inference, ...] = ("random readers and cases", "fixed readers", "fixed cases")
MEANT_FOR = {
    "random readers and cases": "other readers and other cases",
    "fixed readers": "these readers only",
    "fixed cases": "these cases only",
}


class ReaderStudyAnalysis(BaseModel):
    """`areas` is modalities × readers; `tests`, `mean_squares` and `pilot` are there with two modalities or more."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    method: str
    modalities: tuple[str, ...]
    readers: tuple[str, ...]
    cases: int
    positives: int
    patients: int | None
    areas: tuple[tuple[float, ...], ...]
    single: tuple[SingleModality, ...]
    components: Components
    mean_squares: MeanSquares | None = None
    tests: tuple[OverallTest, ...] = ()
    pilot: Pilot | None = None


def analyse(study: ReaderStudy, covariance: Covariance = "jackknife", level: float = 0.95) -> ReaderStudyAnalysis:
    compared = len(study.modalities) > 1
    with np.errstate(invalid="ignore"), catch_warnings():
        # One modality has no pairs across modalities: their mean is not a number, and that is the answer.
        simplefilter("ignore", RuntimeWarning)
        table, parts = components(study.truth, study.ratings, covariance, study.patients)
    squares = mean_squares(table) if compared else None
    return ReaderStudyAnalysis(
        method=f"Obuchowski-Rockette, Hillis' degrees of freedom, {covariance}",
        modalities=study.modalities,
        readers=study.readers,
        cases=len(study.cases),
        positives=int(study.truth.sum()),
        patients=len(set(study.patients)) if study.patients else None,
        areas=tuple(tuple(map(float, row)) for row in table),
        single=tuple(single_modality(row, within, level) for row, within in zip(table, parts.within, strict=True)),
        components=parts,
        mean_squares=squares,
        tests=tuple(compare_modalities(table, parts, each, level) for each in INFERENCES) if compared else (),
        pilot=pilot_of(squares, parts, len(study.cases)) if squares else None,
    )


def pilot_of(squares: MeanSquares, parts: Components, cases: int) -> Pilot:
    """Var(TR) = MS(TR) − Var + Cov1 + max(Cov2 − Cov3, 0), not below 0 (Hillis, Obuchowski and Berbaum 2011)."""
    interaction = squares.interaction - parts.variance + parts.same_reader + parts.excess
    return Pilot(
        interaction=max(interaction, 0.0),
        variance=parts.variance,
        same_reader=parts.same_reader,
        same_modality=parts.same_modality,
        neither=parts.neither,
        cases=cases,
    )


def show(console: Console, found: ReaderStudyAnalysis) -> None:
    patients = f" of {found.patients} patients" if found.patients else ""
    console.print(
        f"{len(found.readers)} readers, {found.cases} cases{patients}, {found.positives} positive. {found.method}."
    )
    console.print(_areas(found))
    if not found.tests:
        return
    console.print(_tests(found))
    if (pilot := found.pilot) is not None:
        console.print(
            f"For sample-size reader-study: --interaction {pilot.interaction:.8f} --variance {pilot.variance:.8f} "
            f"--same-reader {pilot.same_reader:.8f} --same-modality {pilot.same_modality:.8f} "
            f"--neither {pilot.neither:.8f} --pilot-cases {pilot.cases}",
            soft_wrap=True,
        )


def _areas(found: ReaderStudyAnalysis) -> Table:
    table = Table("AUROC", *found.readers, "all", interval_of(found.single[0].area), "df", box=box.SIMPLE)
    for name, row, single in zip(found.modalities, found.areas, found.single, strict=True):
        figures = [f"{area:.4f}" for area in (*row, single.area.value)]
        table.add_row(name, *figures, interval(single.area), f"{single.df:.1f}")
    return table


def _tests(found: ReaderStudyAnalysis) -> Table:
    first = found.tests[0].contrasts[0].difference
    table = Table("difference", "holds for", "AUROC", interval_of(first), "SE", "df", "p", box=box.SIMPLE)
    for test in found.tests:
        for each in test.contrasts:
            names = f"{found.modalities[each.first]} − {found.modalities[each.second]}"
            value = each.difference
            degrees = "∞" if math.isinf(each.df) else f"{each.df:.2f}"
            figures = (f"{value.value:+.4f}", interval(value), f"{value.error:.4f}", degrees, f"{each.p:.4f}")
            table.add_row(names, MEANT_FOR[test.inference], *figures)
    return table


def interval(estimate: Estimate) -> str:
    return f"{estimate.low:.4f} to {estimate.high:.4f}"


def interval_of(estimate: Estimate) -> str:
    return f"{estimate.level:.0%} interval"
