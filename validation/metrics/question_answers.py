"""Answers to questions about an image: exact, and relaxed.

Exact: equal after normalisation (case, punctuation, articles, yes/no synonyms, number words up to twelve).
Relaxed, for open questions: the share of the reference's words that the answer holds (the habit of LLaVA-Med). It
rewards long answers, so the mean length stands beside it.

Source: Lau et al., Sci Data 2018;5:180251 (VQA-RAD); Li et al., NeurIPS 2023 (LLaVA-Med, recall of tokens).

Worked example: reference "Left lower lobe.", answer "the left lobe": exact no, relaxed 2/3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

ARTICLES = frozenset({"a", "an", "the"})
SAME = {"yeah": "yes", "yep": "yes", "true": "yes", "correct": "yes", "nope": "no", "not": "no", "false": "no"}
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {word: str(number) for number, word in enumerate(DIGITS)}


@dataclass(frozen=True)
class Answered:
    """One question: what is held to be right, and what the model said. `closed` has few possible answers."""

    reference: str
    answer: str
    closed: bool


class AnswerScore(BaseModel):
    """NaN where there is no question of that kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    closed: int
    open: int
    closed_exact: float
    open_exact: float
    open_relaxed: float
    mean_words: float
    """Of the answers to open questions."""


def answer_score(questions: Sequence[Answered]) -> AnswerScore:
    closed = [each for each in questions if each.closed]
    open_ = [each for each in questions if not each.closed]
    return AnswerScore(
        closed=len(closed),
        open=len(open_),
        closed_exact=_mean([float(exact(each.reference, each.answer)) for each in closed]),
        open_exact=_mean([float(exact(each.reference, each.answer)) for each in open_]),
        open_relaxed=_mean([relaxed(each.reference, each.answer) for each in open_]),
        mean_words=_mean([float(len(words(each.answer))) for each in open_]),
    )


def words(text: str) -> tuple[str, ...]:
    """Normalised words; a hyphen parts two words, a decimal point does not."""
    found = re.findall(r"\d+\.\d+|\w+", text.lower())
    return tuple(NUMBERS.get(word, SAME.get(word, word)) for word in found if word not in ARTICLES)


def exact(reference: str, answer: str) -> bool:
    return words(reference) == words(answer)


def relaxed(reference: str, answer: str) -> float:
    """Share of the reference's distinct words in the answer; an empty reference is matched by an empty answer."""
    wanted, given = set(words(reference)), set(words(answer))
    return len(wanted & given) / len(wanted) if wanted else float(not given)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
