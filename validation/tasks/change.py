"""Findings whose status changed since the prior: what a model that copies the prior gets wrong."""

from __future__ import annotations

from collections.abc import Iterator

from medvlm.contract import FindingName
from validation.asking import Asking
from validation.metrics.cases import Cases
from validation.outputs import Said
from validation.results import Figure
from validation.statistics.delong import auroc_estimate
from validation.tasks.examination import Examination, Judged, number, plain_drafts, scored

TASK = "detection"


class Change:
    """`validation.tasks.examination.Task`: no askings of its own beside the plain ones."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        yield from plain_drafts(case for case in examination.in_scope if case.changed is not None)

    def judge(self, examination: Examination, said: Said) -> Judged:
        if not any(case.changed for case in examination.in_scope):
            return Judged()
        return Judged(figures=tuple(_changed(name, examination, said) for name in examination.labelled))


def _changed(name: FindingName, examination: Examination, said: Said) -> Figure:
    found, values = scored(examination, said, name)
    kept = [k for k, case in enumerate(found) if case.changed is not None and name in case.changed]
    changed = Cases(values.truth[kept], values.scores[kept], tuple(values.patients[k] for k in kept))
    figure = Figure(
        metric="auroc_changed",
        task=TASK,
        finding=name,
        level=examination.resampling.level,
        method="delong",
        n=changed.count,
        positives=changed.positives,
        patients=changed.patient_count,
        words=changed.undefined,
    )
    if changed.undefined:
        return figure
    bounds = auroc_estimate(changed.truth, changed.scores, changed.patients, examination.resampling.level)
    return figure.model_copy(update={key: number(getattr(bounds, key)) for key in ("value", "low", "high")})
