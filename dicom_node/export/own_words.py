"""What our own reports say and may go on saying without a patient: the report's closed set of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files

from dicom_node.deidentify import Wording
from dicom_node.deidentify.dummies import WORD
from dicom_node.deidentify.wording import Rewrite, plain_words
from dicom_node.report.context import ACTED
from dicom_node.report.document import BANNER, EVALUATION_ONLY
from dicom_node.report.findings import CERTAINTY_EXPLAINED
from dicom_node.report.life_cycle import STATES
from dicom_node.report.modules import model_parts
from dicom_node.report.narrative import NO_FINDINGS, NO_IMPRESSION
from dicom_node.report.words import CERTAINTY_BANDS
from medvlm.contract import Reading
from medvlm.vocabulary import Term, terms

CLOCK = r"\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC"
PERCENT = r"(?:more than |less than )?\d{1,3} %"
ACTS = (*ACTED.values(), "Addendum by")
SIDES = ("right", "left", "bilateral")


def own_words(readings: Iterable[Reading]) -> Wording:
    """The vocabulary's sentences, the fixed phrases of every state, and what the model wrote in these readings."""
    read, known = tuple(readings), tuple(terms().values())
    displays = [term.display for term in known]
    return Wording(
        sentences=frozenset((*_fixed(), *(line for term in known for line in _wordings(term)))),
        said=frozenset(line for reading in read for line in _said(reading)),
        patterns=tuple(_patterns(displays)),
        rewrites=tuple(_rewrites()),
        titles=tuple(_titles()),
        labels=tuple(_labels(displays)),
        vocabulary=plain_words((*_description_words(), *displays)) | {"WHOLE", "IMAGE"},
    )


def _fixed() -> Iterator[str]:
    yield from (BANNER, EVALUATION_ONLY, CERTAINTY_EXPLAINED, NO_FINDINGS, NO_IMPRESSION)
    for state in STATES.values():
        yield from (it for it in (state.description, state.series_description) if "{" not in it)
    yield from (f"{done} {WORD}." for done in ACTS)  # of an export before this one


def _wordings(term: Term) -> tuple[str, ...]:
    return (*term.present, *term.absent, *term.indeterminate)


def _said(reading: Reading) -> Iterator[str]:
    """The model's own sentences, its warnings, and how it names itself."""
    for sentence in (*reading.narrative.findings, *reading.narrative.impression):
        yield sentence.text.strip()
    for warning in reading.warnings:
        yield f"Warning: {warning.words.strip()}"
    model = reading.model
    yield f"Drafted by {model.name} ({', '.join(model_parts(model, digits=12))})."


def _patterns(displays: list[str]) -> Iterator[str]:
    """What is composed of closed words: certainty in brackets, lists of findings."""
    name, listed = _any(displays), _any([display.lower() for display in displays])
    lowered = _any([f"{display[:1].lower()}{display[1:]}" for display in displays])
    side = _any(SIDES)
    note = rf"(?:{_any([words for _, words in CERTAINTY_BANDS])} (?:{side} )?{lowered}, {PERCENT}|{side})"
    yield rf"\({note}(?:; {note})*\)"
    yield rf"Not assessed: {listed}(?:, {listed})*\."
    yield rf"Marked: {name}(?: \d+)?(?:, {name}(?: \d+)?)*\."
    yield rf"Warning: a region of {listed} lies outside the image and was left out\."


def _labels(displays: list[str]) -> Iterator[str]:
    """Of regions: a finding, numbered where it has several, on an image with its number before and more behind."""
    name = rf"{_any(displays)}(?: \d{{1,3}})?"
    yield rf"Whole image|{name}"
    yield rf"\d{{1,3}} {name}(?:, {_any(SIDES)})?(?:, {PERCENT})?(?: \((?:AI draft|not verified)\))?"


def _rewrites() -> Iterator[Rewrite]:
    """Sentences with a person, an organisation and a time: only what was done stays."""
    yield Rewrite(rf"({_any(ACTS)}) (?:(?!{CLOCK}).)+, {CLOCK}\.", rf"\1 {WORD}.")


def _titles() -> Iterator[Rewrite]:
    """Short descriptions with a person's name, possibly cut."""
    for state in STATES.values():
        for words in (state.description, state.series_description):
            before, name, _ = words.partition("{person}")
            if name:
                yield Rewrite(rf"({re.escape(before.rstrip())}).*", rf"\1 {WORD}")


def _description_words() -> list[str]:
    lines = files("dicom_node.deidentify").joinpath("description_words.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _any(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=lambda it: (-len(it), it))
    return f"(?:{'|'.join(map(re.escape, longest_first))})"
