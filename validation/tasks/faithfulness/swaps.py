"""B1, image swapped, and B5, prior swapped: shown what is another patient's, a model that looks turns round.

The partner is of another patient, of the same view where that is known, and has the opposite label of as many
findings as can be had. Opposite labels matter: most pairs drawn at random agree, and then nothing can move. Judged
finding by finding on the pairs whose labels differ: AUROC against the case's own label, as shown its own less as
shown its partner's. A model that looks falls from A to about 1 − A; one that does not look falls by nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from medvlm.contract import FindingName
from validation.asking import Asking
from validation.cases import Case
from validation.metrics.cases import Cases
from validation.outputs import PLAIN, Said
from validation.results import Figure
from validation.statistics.auroc import weighted_auroc
from validation.statistics.clustered_bootstrap import Interval, clustered_difference
from validation.statistics.proportions import proportion
from validation.tasks.examination import (
    Counted,
    Examination,
    Judged,
    figure_of_interval,
    finding_of,
    sample_of,
    share,
)

TASK = "faithfulness"
SWAP, PRIOR_SWAP = "swap", "prior_swap"


class ImageSwap:
    """`validation.tasks.examination.Task`."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        for case, partner in image_pairs(examination):
            yield Asking(case)
            yield Asking(case, SWAP, images=partner.images)

    def judge(self, examination: Examination, said: Said) -> Judged:
        pairs = image_pairs(examination)
        moved = Counted.of(_moved(pairs, examination.assessed, said))
        differences = [
            _difference("swap_difference", SWAP, name, pairs, examination, said) for name in examination.labelled
        ]
        return Judged(figures=(*differences, share("swap_moved_rate", TASK, moved, examination.resampling)))


class PriorSwap:
    """`validation.tasks.examination.Task`."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        for case, partner in prior_pairs(examination):
            yield Asking(case)
            yield Asking(case.model_copy(update={"prior": partner.prior}), PRIOR_SWAP)

    def judge(self, examination: Examination, said: Said) -> Judged:
        pairs = prior_pairs(examination)
        if not pairs:
            return Judged()
        return Judged(
            figures=tuple(
                _difference("prior_swap_difference", PRIOR_SWAP, name, pairs, examination, said)
                for name in examination.labelled
            )
        )


def image_pairs(examination: Examination) -> list[tuple[Case, Case]]:
    labelled = [case for case in examination.in_scope if case.labels and case.images]
    return _pairs(labelled, examination, SWAP)


def prior_pairs(examination: Examination) -> list[tuple[Case, Case]]:
    return _pairs([case for case in examination.in_scope if case.prior and case.labels], examination, PRIOR_SWAP)


def _pairs(cases: Sequence[Case], examination: Examination, purpose: str) -> list[tuple[Case, Case]]:
    """Each sampled case with its partner; cases without one of another patient are left out."""
    names, seed = examination.labelled, examination.resampling.seed
    sample = sample_of(cases, names, examination.probing.cases, seed, purpose)
    pool = sample_of(cases, names, 4 * examination.probing.cases, seed, f"{purpose}.partners")
    rng = np.random.default_rng(np.random.SeedSequence([seed, *f"{purpose}.ties".encode()]))
    found = []
    for case in sample:
        others = [each for each in pool if each.patient != case.patient]
        same_view = [each for each in others if each.context.view == case.context.view] or others
        if same_view:
            ties = rng.random(len(same_view))
            best = max(range(len(same_view)), key=lambda k: (*_opposites(case, same_view[k]), ties[k]))
            found.append((case, same_view[best]))
    return found


def _opposites(case: Case, other: Case) -> tuple[bool, int]:
    """Ill against well first, or an ill film of other findings would be the most different from an ill one."""
    differ = sum(name in other.labels and other.labels[name] != label for name, label in case.labels.items())
    return any(case.labels.values()) != any(other.labels.values()), differ


def _difference(
    metric: str, probe: str, name: FindingName, pairs: Sequence[tuple[Case, Case]], examination: Examination, said: Said
) -> Figure:
    rows = [
        (case, own.probability, shown.probability)
        for case, partner in pairs
        if name in case.labels and name in partner.labels and case.labels[name] != partner.labels[name]
        if (own := finding_of(said.get(PLAIN, case.case_id), name)) is not None
        if (shown := finding_of(said.get(probe, case.case_id), name)) is not None
    ]
    truth, patients = [case.labels[name] == 1 for case, _, _ in rows], [case.patient for case, _, _ in rows]
    own_cases = Cases.of(truth, [own for _, own, _ in rows], patients)
    shown_cases = Cases.of(truth, [shown for _, _, shown in rows], patients)
    if own_cases.undefined:
        words = f"of the pairs with opposite labels {own_cases.undefined}"
        return Figure(
            metric=metric,
            task=TASK,
            finding=name,
            n=own_cases.count,
            positives=own_cases.positives,
            patients=own_cases.patient_count,
            words=words,
        )
    first, second = (weighted_auroc(each.truth, each.scores) for each in (own_cases, shown_cases))
    interval = clustered_difference(first, second, patients, examination.resampling, f"{metric}.{name}")
    if interval.low == interval.high:
        interval = _widened(interval, own_cases.patient_count, examination.resampling.level)
    return figure_of_interval(interval, examination.resampling, own_cases, metric=metric, task=TASK, finding=name)


def _widened(interval: Interval, patients: int, level: float) -> Interval:
    """Every draw alike, as where no score moves with the image: resampling sees no spread.

    A case whose score does not move adds nothing to the difference, so that its size is at most the share of cases
    that move: none of `patients` did, and the exact upper bound of that share is the half-width.
    """
    most = proportion(0, patients, level, "exact").high
    return interval.model_copy(update={"low": interval.value - most, "high": interval.value + most})


def _moved(pairs: Sequence[tuple[Case, Case]], names: Sequence[FindingName], said: Said) -> Iterator[tuple[bool, str]]:
    """Findings stated as present or absent, labels opposite: does the decision move with the image?"""
    for case, partner in pairs:
        for name in names:
            if case.labels.get(name) == partner.labels.get(name):
                continue
            own = finding_of(said.get(PLAIN, case.case_id), name)
            if own is not None and own.presence != "indeterminate":
                shown = finding_of(said.get(SWAP, case.case_id), name)
                yield shown is None or shown.presence != own.presence, case.patient
