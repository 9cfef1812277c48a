"""B2 blank image, B3 mirrored image, B10 irrelevant change, B12 spoiled image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from validation.asking import Asking
from validation.cases import Case
from validation.outputs import PLAIN, Output, Said
from validation.robustness.alterations import Alteration
from validation.robustness.files import applies
from validation.tasks.examination import (
    Counted,
    Examination,
    Judged,
    finding_of,
    reading_of,
    refusal_of,
    sample_of,
    share,
)

TASK = "faithfulness"
BLANKS = tuple(Alteration("blank", level) for level in (0, 1, 2))
"""Grey, noise, black."""
MIRROR = Alteration("mirror", 1)
IRRELEVANT = (
    Alteration("jpeg", 95),
    Alteration("noise", 0.01),
    Alteration("shrink", 1),
    Alteration("tag_irrelevant", 1),
)
SPOILED = (Alteration("upside_down", 1), Alteration("polarity", 1), Alteration("rotation", 90))
FLIPPED = {"left": "right", "right": "left"}


class AlteredImages:
    """`validation.tasks.examination.Task`: one sample of cases for all of these probes."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        for case in _sample(examination):
            yield Asking(case)
            for alteration in (*BLANKS, MIRROR, *IRRELEVANT, *SPOILED):
                if all(applies(path, alteration) for path in case.images):
                    yield Asking(case, str(alteration), alteration=alteration)

    def judge(self, examination: Examination, said: Said) -> Judged:
        cases, how = _sample(examination), examination.resampling
        blank = list(_under(BLANKS, cases, said))
        spoiled = list(_under(SPOILED, cases, said))
        refused = Counted.of((refusal_of(output) is not None, case.patient) for case, output in blank)
        stated = Counted.of((_states_something(output), case.patient) for case, output in blank)
        flagged = Counted.of((_refused_or_flagged(output), case.patient) for case, output in spoiled)
        return Judged(
            figures=(
                share("blank_refusal_rate", TASK, refused, how),
                share("blank_finding_rate", TASK, stated, how),
                share("mirror_flip_rate", TASK, Counted.of(_flips(cases, said)), how, words="no side was stated"),
                share("negative_control_rate", TASK, Counted.of(_turned(cases, examination, said)), how),
                share("refusal_rate_spoiled", TASK, flagged, how),
            )
        )


def _sample(examination: Examination) -> list[Case]:
    """Cases with a labelled side first: the mirror needs them."""
    cases = [case for case in examination.in_scope if case.images]
    sided = [case for case in cases if case.sides]
    count, seed = examination.probing.cases, examination.resampling.seed
    names = examination.labelled
    chosen = sample_of(sided, names, count // 2, seed, "altered.sided")
    rest = [case for case in cases if case not in chosen] if chosen else cases
    return chosen + sample_of(rest, names, count - len(chosen), seed, "altered")


def _under(alterations: Sequence[Alteration], cases: Sequence[Case], said: Said) -> Iterator[tuple[Case, Output]]:
    for case in cases:
        for alteration in alterations:
            if (output := said.get(str(alteration), case.case_id)) is not None:
                yield case, output


def _states_something(output: Output) -> bool:
    reading = reading_of(output)
    return reading is not None and any(each.presence == "present" for each in reading.findings)


def _refused_or_flagged(output: Output) -> bool:
    return refusal_of(output) is not None or bool(output.reading and output.reading.warnings)


def _flips(cases: Sequence[Case], said: Said) -> Iterator[tuple[bool, str]]:
    """Of the findings stated on one side: is each on the other side in the mirrored image?"""
    for case in cases:
        reading = reading_of(said.get(PLAIN, case.case_id))
        mirrored = said.get(str(MIRROR), case.case_id)
        for found in reading.findings if reading and mirrored else ():
            if found.presence == "present" and found.laterality in FLIPPED:
                again = finding_of(mirrored, found.name)
                yield again is not None and again.laterality == FLIPPED[found.laterality], case.patient


def _turned(cases: Sequence[Case], examination: Examination, said: Said) -> Iterator[tuple[bool, str]]:
    """Each decision under each irrelevant change; a study that is then refused has turned all of its decisions."""
    for case, output in _under(IRRELEVANT, cases, said):
        plain = said.get(PLAIN, case.case_id)
        for name in examination.assessed:
            if (own := finding_of(plain, name)) is not None:
                again = finding_of(output, name)
                yield again is None or again.presence != own.presence, case.patient
