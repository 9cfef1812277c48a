"""Figures over the levels of each alteration, and the worst of the levels at which the model must work.

AUROC is taken on the sampled cases, the same at every level (those read at that level); a study that is then refused
is not an error, but is counted: a level at which most are refused has no figure worth having.
"""

from __future__ import annotations

from collections.abc import Iterator

from medvlm.contract import FindingName
from validation.asking import Asking
from validation.cases import Case
from validation.metrics.cases import Cases
from validation.outputs import PLAIN, Said
from validation.results import Curve, Figure
from validation.robustness.alterations import Alteration
from validation.robustness.files import applies
from validation.statistics.delong import auroc_estimate
from validation.tasks.examination import (
    Counted,
    Examination,
    Judged,
    finding_of,
    number,
    reading_of,
    sample_of,
    share,
)

TASK = "robustness"
UNITS = {
    "rotation": "rotation, degrees",
    "crop": "cut off at each edge, %",
    "noise": "noise, standard deviation",
    "counting": "photons at white",
    "blur": "blur, % of the width",
    "jpeg": "JPEG quality",
    "window": "contrast change",
    "resolution": "longest side, pixels",
    "cover_markers": "upper corners covered, % of the width",
}


class Robustness:
    """`validation.tasks.examination.Task`."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        for case in _sample(examination):
            yield Asking(case)
            for alteration in alterations(examination):
                if all(applies(path, alteration) for path in case.images):
                    yield Asking(case, str(alteration), alteration=alteration)

    def judge(self, examination: Examination, said: Said) -> Judged:
        cases = _sample(examination)
        by_finding = {
            name: [(each, _auroc(each, name, cases, examination, said)) for each in alterations(examination)]
            for name in examination.labelled
        }
        plain = {name: _auroc(None, name, cases, examination, said) for name in examination.labelled}
        return Judged(
            figures=(
                *_refused(cases, examination, said),
                *plain.values(),
                *(figure for rows in by_finding.values() for _, figure in rows if figure.n),
                *(each for name, rows in by_finding.items() if (each := _worst(name, rows, examination))),
            ),
            curves=tuple(curve for name, rows in by_finding.items() for curve in _curves(name, plain[name], rows)),
        )


def alterations(examination: Examination) -> tuple[Alteration, ...]:
    return tuple(Alteration(name, level) for name, levels in examination.probing.levels.items() for level in levels)


def _sample(examination: Examination) -> list[Case]:
    labelled = [case for case in examination.in_scope if case.labels and case.images]
    count, seed = examination.probing.robustness_cases, examination.resampling.seed
    return sample_of(labelled, examination.labelled, count, seed, "robustness")


def _auroc(
    alteration: Alteration | None, name: FindingName, cases: list[Case], examination: Examination, said: Said
) -> Figure:
    probe = str(alteration) if alteration else PLAIN
    rows = [
        (case, found.probability)
        for case in cases
        if name in case.labels and (found := finding_of(said.get(probe, case.case_id), name)) is not None
    ]
    truth, patients = [case.labels[name] == 1 for case, _ in rows], [case.patient for case, _ in rows]
    values = Cases.of(truth, [score for _, score in rows], patients)
    figure = Figure(
        metric="auroc",
        task=TASK,
        finding=name,
        subgroup=f"alteration={alteration or 'none'}",
        level=examination.resampling.level,
        method="delong",
        n=values.count,
        positives=values.positives,
        patients=values.patient_count,
        words=values.undefined,
    )
    if values.undefined:
        return figure
    bounds = auroc_estimate(values.truth, values.scores, values.patients, examination.resampling.level)
    return figure.model_copy(update={key: number(getattr(bounds, key)) for key in ("value", "low", "high")})


def _refused(cases: list[Case], examination: Examination, said: Said) -> Iterator[Figure]:
    for alteration in alterations(examination):
        outputs = [(case, output) for case in cases if (output := said.get(str(alteration), case.case_id))]
        if outputs:
            refused = Counted.of((reading_of(output) is None, case.patient) for case, output in outputs)
            figure = share("refusal_rate", TASK, refused, examination.resampling)
            yield figure.model_copy(update={"subgroup": f"alteration={alteration}"})


def _worst(name: FindingName, rows: list[tuple[Alteration, Figure]], examination: Examination) -> Figure | None:
    """The lowest lower bound among the levels that must work."""
    judged = [
        figure
        for alteration, figure in rows
        if alteration.level in examination.probing.must_work.get(alteration.name, ()) and figure.low is not None
    ]
    if not judged:
        return None
    worst = min(judged, key=lambda each: (each.low, each.subgroup))
    words = f"worst of {len(judged)} levels: {worst.subgroup.removeprefix('alteration=')}"
    return worst.model_copy(update={"metric": "robust_auroc", "subgroup": "", "words": words})


def _curves(name: FindingName, plain: Figure, rows: list[tuple[Alteration, Figure]]) -> Iterator[Curve]:
    """One an alteration with more than one level; level 0 is the film as it is, where the level means a strength."""
    by_name: dict[str, list[tuple[float, Figure]]] = {}
    for alteration, figure in rows:
        by_name.setdefault(alteration.name, []).append((alteration.level, figure))
    for alteration_name, points in by_name.items():
        start = [(0.0, plain)] if alteration_name not in {"jpeg", "resolution", "counting"} else []
        known = [(level, f.value, f.low, f.high) for level, f in sorted([*start, *points], key=lambda p: p[0])]
        whole = tuple(tuple(map(float, row)) for row in known if None not in row)  # type: ignore[arg-type]
        if len(whole) > 1:
            labels = (UNITS.get(alteration_name, alteration_name), "AUROC", "low", "high")
            yield Curve(kind="robustness", task=TASK, finding=name, points=whole, labels=labels)
