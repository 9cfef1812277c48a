"""A report cut into the sections that state something, their sentences, and the clauses of each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from validation.metrics.report_labeller.rules import Rules

# A point ends no sentence behind a title, an abbreviation, a single initial or a list number, nor inside a number.
ABBREVIATED = re.compile(r"(?:\b(?:dr|mr|mrs|ms|prof|vs|approx|e\.g|i\.e|no|st|fig)|^\s*\d{1,2}|\s\d{1,2})$")
END = re.compile(r"[.!?](?=\s|$)|\n\s*\n")


def stated(text: str, rules: Rules) -> str:
    """The text without sections that ask or describe instead of stating; headers are taken out."""
    found = list(rules.header.finditer(text))
    if not found:
        return text
    ends = [each.start() for each in found[1:]] + [len(text)]
    kept = [
        text[each.end() : end]
        for each, end in zip(found, ends, strict=True)
        if " ".join(each[1].lower().split()) not in rules.skipped
    ]
    return "\n\n".join([text[: found[0].start()], *kept])


def sentences(text: str) -> Iterator[str]:
    """In lower case, with single blanks, without the closing mark."""
    start = 0
    for mark in END.finditer(text):
        if mark[0] == "." and _no_end(text[start : mark.start()]):
            continue
        yield from _tidy(text[start : mark.start()])
        start = mark.end()
    yield from _tidy(text[start:])


def clauses(sentence: str, rules: Rules) -> Iterator[str]:
    """Parts that a negation does not reach across."""
    start = 0
    for cut in rules.clauses.finditer(sentence):
        yield from _tidy(sentence[start : cut.start()])
        start = cut.end()
    yield from _tidy(sentence[start:])


def _no_end(before: str) -> bool:
    found = ABBREVIATED.search(before.lower())
    # "No. 2" is a number; a sentence that ends with the word "no" is not: "Pleural effusion: no."
    return bool(found) and not before.rstrip().lower().endswith(": no")


def _tidy(text: str) -> Iterator[str]:
    words = " ".join(text.lower().split()).strip(" ,-*•")
    if words:
        yield words
