"""Each cheat as a view of stored outputs: ten of them cost no model run.

| cheat              | what it says                                          | what stays good                     |
| ------------------ | ----------------------------------------------------- | ----------------------------------- |
| permuted_images    | of study i what was said of another patient's study   | fluency, calibration in the large   |
| flipped_laterality | left for right, in codes and text                     | AUROC, calibration, text metrics    |
| always_normal      | every finding absent, at one low probability          | accuracy where most are normal      |
| parrot             | what the prior's report says                          | AUROC in stable patients            |
| over_confident     | σ(5 · logit p): the order is kept                     | AUROC, decisions                    |
| refuse_all         | nothing                                               | every rate of errors is 0           |
| view_reader        | ill where the film was taken AP                       | overall AUROC                       |
| image_ignored      | the same, whatever image is shown                     | everything without a swap           |
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medvlm.contract import Answer, Finding, Laterality, Narrative, Reading, Refusal, Sentence
from medvlm.vocabulary import term
from validation.cases import Case
from validation.metrics.report_labeller.labeller import label_report
from validation.outputs import PLAIN, GivenAnswer, Output, Said
from validation.statistics.estimate import expit
from validation.tasks.examination import Examination

CONFIDENCE = 5.0
ALWAYS = 0.05
SURE, UNSURE = 0.9, 0.1
FLIPPED: Mapping[Laterality, Laterality] = {"left": "right", "right": "left"}
Rewrite = Callable[[Output, Case], Output]


@dataclass(frozen=True)
class Rewritten:
    """`validation.outputs.Said`: each output, changed."""

    honest: Said
    cases: Mapping[str, Case]
    rewrite: Rewrite

    def get(self, probe: str, case_id: str) -> Output | None:
        output = self.honest.get(probe, case_id)
        return self.rewrite(output, self.cases[case_id]) if output else None

    def probes(self, case_id: str) -> frozenset[str]:
        return self.honest.probes(case_id)


@dataclass(frozen=True)
class Permuted:
    """`validation.outputs.Said`: what was said of another case."""

    honest: Said
    other: Mapping[str, str]

    def get(self, probe: str, case_id: str) -> Output | None:
        return self.honest.get(probe, self.other.get(case_id, case_id))

    def probes(self, case_id: str) -> frozenset[str]:
        return self.honest.probes(case_id)


@dataclass(frozen=True)
class Unmoved:
    """`validation.outputs.Said`: whatever is shown, the same reading."""

    honest: Said

    def get(self, probe: str, case_id: str) -> Output | None:
        asked = self.honest.get(probe, case_id)
        if asked is None or asked.reading is None:
            return asked
        plain = self.honest.get(PLAIN, case_id)
        return plain.model_copy(update={"probe": probe, "answers": asked.answers}) if plain else asked

    def probes(self, case_id: str) -> frozenset[str]:
        return self.honest.probes(case_id)


def permuted_images(honest: Said, examination: Examination) -> Said:
    """A derangement over patients among cases in scope that were asked the same."""
    groups: dict[frozenset[str], list[Case]] = {}
    for case in sorted(examination.in_scope, key=lambda each: each.case_id):
        groups.setdefault(honest.probes(case.case_id), []).append(case)
    rng = np.random.default_rng(examination.resampling.seed)
    other: dict[str, str] = {}
    for group in groups.values():
        other.update(_deranged([group[k] for k in rng.permutation(len(group))]))
    return Permuted(honest, other)


def _deranged(cases: Sequence[Case]) -> dict[str, str]:
    """Patients side by side, turned by more than the largest patient has: nobody keeps his own, where that can be."""
    by_patient = sorted(cases, key=lambda case: case.patient)
    sizes = [sum(each.patient == case.patient for each in by_patient) for case in by_patient]
    step = max(sizes, default=0)
    return {case.case_id: by_patient[(k + step) % len(cases)].case_id for k, case in enumerate(by_patient)}


def flipped_laterality(honest: Said, examination: Examination) -> Said:
    def rewrite(reading: Reading, _case: Case) -> Reading:
        findings = tuple(
            each.model_copy(update={"laterality": FLIPPED.get(each.laterality, each.laterality)})
            for each in reading.findings
        )
        narrative = Narrative(
            findings=tuple(_turned(each) for each in reading.narrative.findings),
            impression=tuple(_turned(each) for each in reading.narrative.impression),
        )
        return reading.model_copy(update={"findings": findings, "narrative": narrative})

    return _rewritten(honest, examination, rewrite)


def _turned(sentence: Sentence) -> Sentence:
    text = re.sub(r"\b(left|right)\b", lambda found: str(FLIPPED[found[0]]), sentence.text)  # type: ignore[index]
    return sentence.model_copy(update={"text": text})


def always_normal(honest: Said, examination: Examination) -> Said:
    def rewrite(reading: Reading, _case: Case) -> Reading:
        return _stating(reading, {each.name: ALWAYS for each in reading.findings})

    def answer(given: Answer) -> Answer:
        return given.model_copy(update={"text": "No.", "refusal": None})

    return _rewritten(honest, examination, rewrite, answer)


def parrot(honest: Said, examination: Examination) -> Said:
    """Cases without a report of a prior stay as they are: there is nothing to repeat."""

    def rewrite(reading: Reading, case: Case) -> Reading:
        if not case.prior_report:
            return reading
        states = label_report(case.prior_report).states
        repeated = {each.name: SURE if states.get(each.name) == "positive" else UNSURE for each in reading.findings}
        return _stating(reading, repeated)

    return _rewritten(honest, examination, rewrite)


def over_confident(honest: Said, examination: Examination) -> Said:
    def rewrite(reading: Reading, _case: Case) -> Reading:
        findings = tuple(
            each.model_copy(update={"probability": sharpened(each.probability)}) for each in reading.findings
        )
        return reading.model_copy(update={"findings": findings})

    return _rewritten(honest, examination, rewrite)


def sharpened(probability: float, by: float = CONFIDENCE) -> float:
    """σ(by · logit p); 0 and 1 stay."""
    if not 0 < probability < 1:
        return probability
    return expit(by * math.log(probability / (1 - probability)))


def refuse_all(honest: Said, examination: Examination) -> Said:
    refusal = Refusal(code="not_frontal_chest_radiograph", reason="Not read.")

    def rewrite(output: Output, _case: Case) -> Output:
        reading = output.reading and output.reading.model_copy(
            update={"scope": refusal, "findings": (), "narrative": Narrative()}
        )
        answers = tuple(
            each.model_copy(update={"answer": each.answer.model_copy(update={"kind": "refusal", "refusal": refusal})})
            for each in output.answers
        )
        return output.model_copy(update={"reading": reading, "answers": answers})

    return Rewritten(honest, _by_id(examination), rewrite)


def view_reader(honest: Said, examination: Examination) -> Said:
    def rewrite(reading: Reading, case: Case) -> Reading:
        score = 0.7 if case.context.view == "AP" else 0.3
        findings = tuple(each.model_copy(update={"probability": score}) for each in reading.findings)
        return reading.model_copy(update={"findings": findings})

    return _rewritten(honest, examination, rewrite)


def image_ignored(honest: Said, _examination: Examination) -> Said:
    return Unmoved(honest)


def _stating(reading: Reading, probabilities: Mapping[str, float]) -> Reading:
    """A reading with these probabilities, present from one half, and the vocabulary's sentences for them."""
    findings = tuple(_stated(each, probabilities[each.name]) for each in reading.findings)
    sentences = tuple(
        Sentence(text=(term(each.name).present if each.presence == "present" else term(each.name).absent)[0])
        for each in findings
    )
    narrative = Narrative(findings=sentences)
    return reading.model_copy(update={"findings": findings, "narrative": narrative})


def _stated(finding: Finding, probability: float) -> Finding:
    presence = "present" if probability >= 0.5 else "absent"
    return finding.model_copy(
        update={"probability": probability, "presence": presence, "laterality": "unspecified", "evidence": ()}
    )


def _rewritten(
    honest: Said,
    examination: Examination,
    rewrite: Callable[[Reading, Case], Reading],
    answer: Callable[[Answer], Answer] = lambda given: given,
) -> Said:
    """Readings of studies that were taken on are changed; refusals stay."""

    def change(output: Output, case: Case) -> Output:
        answers = tuple(
            GivenAnswer(id=each.id, question=each.question, answer=answer(each.answer)) for each in output.answers
        )
        if output.reading is None or isinstance(output.reading.scope, Refusal):
            return output.model_copy(update={"answers": answers})
        return output.model_copy(update={"reading": rewrite(output.reading, case), "answers": answers})

    return Rewritten(honest, _by_id(examination), change)


def _by_id(examination: Examination) -> dict[str, Case]:
    return {case.case_id: case for case in examination.cases}
