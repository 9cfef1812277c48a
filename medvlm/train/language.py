"""Questions, answers and sentences generated from labels, in the vocabulary's wordings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from medvlm.families.embedded import NO, VIEW_ANSWERS, VIEW_QUESTION, YES
from medvlm.train.films import FINDINGS
from medvlm.vocabulary import Term, terms

REPORT_REQUEST = "Describe the findings."
VIEW_REQUESTS = (VIEW_QUESTION, "What is the projection?", "Is this a PA or an AP film?")
VIEW_OF = dict(zip((False, True), VIEW_ANSWERS, strict=True))
VIEW_SENTENCES = {True: ("This is an AP film.", "AP view."), False: ("This is a PA film.", "PA view.")}

_ASK = (
    "Is there {noun}?",
    "Is there any {bare}?",
    "Is there evidence of {noun}?",
    "Are there signs of {noun}?",
    "Do you see {noun}?",
    "Can you see {noun}?",
    "Does the film show {noun}?",
    "Does this patient have {noun}?",
    "Is {noun} visible?",
    "Is {noun} present?",
    "Any {bare}?",
)
_ASK_NEGATED = (
    "Is there no {bare}?",
    "Is there no evidence of {noun}?",
    "Is {noun} absent?",
    "Is the film without {noun}?",
    "Does the film show no {bare}?",
    "Can {noun} be excluded?",
    "Can you rule out {noun}?",
)


@dataclass(frozen=True)
class ClosedQuestion:
    """A question about FINDINGS[finding]; `negated` when "yes" means absent."""

    finding: int
    text: str
    negated: bool


def wordings(term: Term, negated: bool) -> tuple[str, ...]:
    """Every closed question to train on: the vocabulary's own, then those from templates; none that is held out."""
    own, frames = (term.ask_negated, _ASK_NEGATED) if negated else ((*term.ask, *term.ask_more), _ASK)
    framed = (frame.format(noun=term.noun, bare=term.bare_noun) for frame in frames)
    return tuple(text for text in dict.fromkeys((*own, *framed)) if text not in held_out(term, negated))


def held_out(term: Term, negated: bool) -> tuple[str, ...]:
    """Closed questions kept from training, so that agreement is measured on wordings that were never seen."""
    return term.ask_negated_held_out if negated else term.ask_held_out


def closed_question(finding: int, rng: random.Random) -> ClosedQuestion:
    negated = rng.random() < 0.35
    return ClosedQuestion(finding, rng.choice(wordings(terms()[FINDINGS[finding]], negated)), negated)


def statement(finding: int, present: bool, rng: random.Random) -> str:
    term = terms()[FINDINGS[finding]]
    return rng.choice(term.present if present else term.absent)


def report(labels: Sequence[float], ap: bool, rng: random.Random) -> str:
    """What is present, one or two things that are not, and the view, in an order of chance."""
    present = [k for k, value in enumerate(labels) if value > 0.5 and k > 0]
    absent = [k for k, value in enumerate(labels) if value < 0.5]
    sentences = [statement(k, True, rng) for k in present]
    sentences += [statement(k, False, rng) for k in rng.sample(absent, min(len(absent), rng.randint(1, 2)))]
    if not present:
        sentences = [statement(0, labels[0] > 0.5, rng), *sentences[:1]]
    rng.shuffle(sentences)
    return " ".join(dict.fromkeys([rng.choice(VIEW_SENTENCES[ap]), *sentences]))


def corpus() -> list[str]:
    """Every sentence that can be generated: what the tokenizer is trained on."""
    lines = [YES, NO, *VIEW_ANSWERS, REPORT_REQUEST, *VIEW_REQUESTS, *VIEW_SENTENCES[True], *VIEW_SENTENCES[False]]
    for term in terms().values():
        for negated in (False, True):
            lines += [*wordings(term, negated), *held_out(term, negated)]
        lines += [*term.present, *term.absent, *term.indeterminate]
    return lines + [f" {line}" for line in lines]
