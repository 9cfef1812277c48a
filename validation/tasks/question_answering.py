"""Closed and open questions of the data set. A refused question is not answered right; how many were is told.

A closed answer is right when it begins with the reference's yes or no, or holds every word of another reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from medvlm.contract import Answer
from validation.asking import Asking, Put
from validation.cases import AskedQuestion, Case
from validation.metrics.question_answers import exact, relaxed, words
from validation.outputs import Output, Said
from validation.results import Failure, Figure
from validation.tasks.examination import Counted, Examination, Judged, share

TASK = "questions"
PROBE = "questions"


class QuestionAnswering:
    """`validation.tasks.examination.Task`."""

    def askings(self, examination: Examination) -> Iterator[Asking]:
        for case in examination.in_scope:
            if case.questions:
                put = tuple(Put(each.id, each.text) for each in case.questions)
                yield Asking(case, PROBE, questions=put, draft=False)

    def judge(self, examination: Examination, said: Said) -> Judged:
        rows = [
            (case, question, answer_to(said.get(PROBE, case.case_id), question.id))
            for case in examination.in_scope
            for question in case.questions
        ]
        closed = [(case, question, answer) for case, question, answer in rows if question.kind == "closed"]
        open_ = [(case, question, answer) for case, question, answer in rows if question.kind == "open"]
        how = examination.resampling
        right = Counted.of((is_right(question, answer), case.patient) for case, question, answer in closed)
        answered = Counted.of((given(answer), case.patient) for case, _, answer in rows)
        right_given = Counted.of(
            (is_right(question, answer), case.patient) for case, question, answer in closed if given(answer)
        )
        exactly = Counted.of(
            (answer is not None and exact(question.answer, answer.text), case.patient)
            for case, question, answer in open_
        )
        return Judged(
            figures=(
                share("closed_accuracy", TASK, right, how),
                share("closed_accuracy_answered", TASK, right_given, how, words="no closed question was answered"),
                share("question_coverage", TASK, answered, how),
                share("open_exact", TASK, exactly, how).model_copy(update={"acceptance": False}),
                _recall([(question, answer) for _, question, answer in open_]),
            ),
            failures=tuple(
                _failure(case, question, answer)
                for case, question, answer in closed
                if answer and given(answer) and not is_right(question, answer)
            )[:12],
        )


def answer_to(output: Output | None, question: str) -> Answer | None:
    return next((each.answer for each in output.answers if each.id == question), None) if output else None


def given(answer: Answer | None) -> bool:
    return answer is not None and answer.refusal is None


def is_right(question: AskedQuestion, answer: Answer | None) -> bool:
    if answer is None or not given(answer):
        return False
    reference, said = words(question.answer), words(answer.text)
    if reference in {("yes",), ("no",)}:
        return said[:1] == reference
    return relaxed(question.answer, answer.text) == 1


def _recall(rows: list[tuple[AskedQuestion, Answer | None]]) -> Figure:
    """Share of the reference's words, and the mean length beside it: long answers are rewarded."""
    shares = [relaxed(question.answer, answer.text) if answer and given(answer) else 0.0 for question, answer in rows]
    lengths = [len(words(answer.text)) for _, answer in rows if answer and given(answer)]
    mean = f"answers have {sum(lengths) / len(lengths):.1f} words in the mean" if lengths else "none was answered"
    value = sum(shares) / len(shares) if shares else None
    return Figure(metric="open_recall", task=TASK, value=value, n=len(rows), words=mean, acceptance=False)


def _failure(case: Case, question: AskedQuestion, answer: Answer) -> Failure:
    said = f"“{question.text}”: {answer.text}"
    return Failure(case_id=case.case_id, task=TASK, words=said[:300], image=case.images[0], truth=question.answer)
