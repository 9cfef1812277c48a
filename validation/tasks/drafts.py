"""The drafted text: against its own codes, against a prior nobody gave, against measurements nobody made, and sides.

Contradiction: a sentence states a finding that its code calls absent, denies one that its code calls present, states
one that has no code, or puts it on the other side than its code. The text is read by the rule-based labeller.
BLEU, ROUGE-L and label F1 against the reports of the data set are for comparison with papers only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from medvlm.contract import Finding, FindingName, Reading
from medvlm.vocabulary import terms
from validation.asking import Asking
from validation.cases import Case
from validation.metrics.label_f1 import FIVE, FOURTEEN, label_f1
from validation.metrics.report_labeller.label_sets import fourteen
from validation.metrics.report_labeller.labeller import ReportLabels, label_report
from validation.metrics.text_overlap import text_overlap
from validation.outputs import PLAIN, Said
from validation.results import Failure, Figure
from validation.tasks.examination import Counted, Examination, Judged, number, plain_drafts, reading_of, share

TASK = "draft"
OPPOSITE = {"left": "right", "right": "left"}


class Drafts:
    """`validation.tasks.examination.Task`."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        yield from plain_drafts(examination.in_scope)

    def judge(self, examination: Examination, said: Said) -> Judged:
        read = [
            (case, reading)
            for case in examination.in_scope
            if (reading := reading_of(said.get(PLAIN, case.case_id))) is not None
        ]
        labelled = [(case, reading, label_report(text_of(reading))) for case, reading in read]
        sentences = [each for case, reading in read for each in _sentences(case, reading)]
        sides = [each for case, reading in read for each in _sides(case, reading)]
        without = [(case, labels) for case, _, labels in labelled if not case.prior]
        words = [(case, labels) for case, _, labels in labelled]
        contradicted = Counted.of((bool(why), case.patient) for case, why in sentences)
        compared = Counted.of((bool(labels.comparison), case.patient) for case, labels in without)
        measured = Counted.of((bool(labels.measurements), case.patient) for case, labels in words)
        wrong = Counted.of((one, case.patient) for case, _, one in sides)
        how = examination.resampling
        return Judged(
            figures=(
                share("contradiction_rate", TASK, contradicted, how),
                share("absent_prior_rate", TASK, compared, how),
                share("invented_measurement_rate", TASK, measured, how),
                share("wrong_side_rate", TASK, wrong, how, words="no labelled side meets a stated one"),
                *_text_figures([(case.report, reading) for case, reading in read if case.report]),
            ),
            failures=tuple(_failures(sentences, sides)),
        )


def text_of(reading: Reading) -> str:
    return " ".join(each.text for each in (*reading.narrative.findings, *reading.narrative.impression))


def _sentences(case: Case, reading: Reading) -> Iterator[tuple[Case, str]]:
    """Each sentence that says something of a finding, with what contradicts its codes ("" where nothing does)."""
    codes = {each.name: each for each in reading.findings}
    for sentence in (*reading.narrative.findings, *reading.narrative.impression):
        labels = _labels(sentence.text)
        if labels.states.keys() & terms().keys():
            yield case, contradiction(labels, codes)


@lru_cache(maxsize=4096)
def _labels(sentence: str) -> ReportLabels:
    """Drafts repeat themselves: most sentences of a run are the same few dozen."""
    return label_report(sentence)


def contradiction(labels: ReportLabels, codes: Mapping[FindingName, Finding]) -> str:
    """The first contradiction in words that name findings only; empty where there is none."""
    for name, state in labels.states.items():
        if name not in terms():
            continue
        code = codes.get(name)
        if code is None and state == "positive":
            return f"{name} is stated and has no code"
        if code is None:
            continue
        if (state, code.presence) in {("positive", "absent"), ("negative", "present")}:
            return f"{name} is {state} in the text and {code.presence} in the code"
        if code.presence == "present" and OPPOSITE.get(code.laterality) in labels.sides(name):
            return f"{name} is on the {code.laterality} in the code and on the other side in the text"
    return ""


def _sides(case: Case, reading: Reading) -> Iterator[tuple[Case, FindingName, bool]]:
    """Findings with a labelled side that are stated with a side: is it the other one?"""
    for each in reading.findings:
        truth = case.sides.get(each.name)
        if truth in OPPOSITE and each.presence == "present" and each.laterality != "unspecified":
            yield case, each.name, each.laterality == OPPOSITE[truth]


def _text_figures(pairs: list[tuple[str, Reading]]) -> Iterator[Figure]:
    if not pairs:
        return
    references, drafts = [report for report, _ in pairs], [text_of(reading) for _, reading in pairs]
    overlap = text_overlap(references, drafts)
    truth, said = ([fourteen(label_report(text)) for text in texts] for texts in (references, drafts))
    both = {name: label_f1(truth, said, names) for name, names in (("14", FOURTEEN), ("5", FIVE))}
    for metric, value, method in (
        ("bleu", overlap.bleu, overlap.bleu_signature),
        ("rouge_l", overlap.rouge_l, "rouge-score"),
        *((f"label_f1_micro_{k}", each.micro, "uncertain as positive") for k, each in both.items()),
        *((f"label_f1_macro_{k}", each.macro, "uncertain as positive") for k, each in both.items()),
    ):
        yield Figure(
            metric=metric,
            task=TASK,
            value=number(value),
            method=method,
            n=len(pairs),
            words="for comparison with papers, never for acceptance",
            acceptance=False,
        )


def _failures(sentences: list[tuple[Case, str]], sides: list[tuple[Case, FindingName, bool]]) -> Iterator[Failure]:
    for case, why in sentences:
        if why:
            yield Failure(case_id=case.case_id, task=TASK, words=why, image=case.images[0])
    for case, name, wrong in sides:
        if wrong:
            yield Failure(case_id=case.case_id, task=TASK, finding=name, words="wrong side", image=case.images[0])
