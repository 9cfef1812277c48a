"""Questions that the model can answer well about a study: from what it assessed and what the draft says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medvlm.contract import Finding, InScope, Reading
from medvlm.vocabulary import Term, terms

AT_MOST = 6
UNSURE = (0.2, 0.8)
"""Between these probabilities a closed question says more than the draft's sentence."""


def suggested(reading: Reading) -> tuple[str, ...]:
    """Nothing for a study that was not read, and nothing about what the model does not assess."""
    if not isinstance(reading.scope, InScope):
        return ()
    known = [(found, terms()[found.name]) for found in reading.findings if found.name in terms()]
    return tuple(dict.fromkeys(_questions(known)))[:AT_MOST]


def _questions(known: Sequence[tuple[Finding, Term]]) -> Iterator[str]:
    stated = sorted(known, key=lambda one: -one[0].probability)
    for found, term in stated:
        if found.presence == "present" and term.boxable and found.evidence:
            yield f"Where is the {term.bare_noun}?"
    for found, term in stated:
        if found.presence == "indeterminate" or UNSURE[0] <= found.probability <= UNSURE[1]:
            yield _closed(term)
    yield "Describe the film."
    for _, term in stated:
        yield _closed(term)


def _closed(term: Term) -> str:
    return term.ask[0]
