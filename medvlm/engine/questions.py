"""What a typed question asks: one finding, the view, the whole film, or something this model cannot answer.

The text is matched against the vocabulary and never reaches the network: the network is asked in the vocabulary's
own words, so that a wording cannot change an answer and no text can act as an instruction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medvlm.vocabulary import Term, terms


@dataclass(frozen=True)
class AboutFinding:
    """`negated`: a "yes" to the question means that the finding is absent."""

    name: str
    negated: bool


@dataclass(frozen=True)
class AboutView:
    pass


@dataclass(frozen=True)
class AboutFilm:
    pass


@dataclass(frozen=True)
class NotUnderstood:
    why: Literal["unknown", "several", "place", "comparison", "degree"]


Understood = AboutFinding | AboutView | AboutFilm | NotUnderstood

_BEYOND: dict[Literal["place", "comparison", "degree"], str] = {
    "place": r"where|which side|left|right|bilateral|upper|lower|middle|lobe|lobar|apical|basal|retrocardiac|side",
    "comparison": r"prior|previous|previously|earlier|before|compar\w+|chang\w+|new|newly|worse\w*|better|improv\w+"
    r"|history|since",
    "degree": r"how (?:big|large|many|much|severe|long)|sever\w+|mild\w*|moderate\w*|small|large|tiny|massive|cm|mm"
    r"|why|when",
}
_VIEW = re.compile(r"\b(view|projection|pa or an? ap|ap or an? pa|(?:a|an) (?:pa|ap) (?:film|view|radiograph|image))\b")
_FILM = re.compile(
    r"\b(describe|report|what (?:do|can) you see|what is (?:seen|visible|shown)|what (?:are the )?findings|summar\w+)\b"
)
_NEGATING = re.compile(
    r"\b(no|not|without|absent|absence|free of|clear of|clear|exclude[d]?|rule[d]? out|normal|unremarkable|negative)\b"
)
_OPENING = re.compile(
    r"^(is|are|was|were|does|do|did|can|could|has|have|any|show|tell me if|please|rule|exclude"
    r"|what is the (?:probability|chance|likelihood)|how (?:likely|probable))\b"
)
_HEART = re.compile(r"\b(heart|cardiac silhouette|cardiac)\b")
_SHORT = 4
"""A question of so few words may be a bare keyword: "effusion?"."""


def understand(text: str) -> Understood:
    """What is asked. Exact wordings of the vocabulary win; then keywords, one finding at a time."""
    plain = _plain(text)
    if (exact := _exact(plain)) is not None:
        return exact
    for why, pattern in _BEYOND.items():
        if re.search(rf"\b(?:{pattern})\b", plain):
            return NotUnderstood(why)
    if _VIEW.search(plain):
        return AboutView()
    if not _OPENING.match(plain) and len(plain.split()) > _SHORT:
        return AboutFilm() if _FILM.search(plain) else NotUnderstood("unknown")
    return _by_keywords(plain)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]+", " ", text.lower().replace("'s", " is")).strip()


def _exact(plain: str) -> AboutFinding | None:
    for name, said in terms().items():
        for negated, questions in ((False, said.ask), (True, said.ask_negated)):
            if plain in {_plain(question) for question in questions}:
                return AboutFinding(name, negated)
    return None


def _by_keywords(plain: str) -> Understood:
    named, rest = _named(plain, list(terms().values()))
    if named == ["abnormality"] and _HEART.search(plain) and "lung" not in plain:
        named = ["cardiomegaly"]
    if len(named) > 1:  # "is the heart size normal?" names the heart; "normal" is its negation
        named = [name for name in named if name != "abnormality"]
    if not named:
        if re.search(r"\blungs?\b", plain) and re.search(r"\bclear\b", plain):
            return AboutFinding("airspace_opacity", negated=True)
        return AboutFilm() if _FILM.search(plain) else NotUnderstood("unknown")
    if len(named) > 1:
        return NotUnderstood("several")
    return AboutFinding(named[0], negated=_odd(_NEGATING.findall(_negation_text(named[0], plain, rest))))


def _negation_text(name: str, plain: str, rest: str) -> str:
    """For the film as a whole "normal" is itself the keyword; elsewhere it stands in the rest of the question."""
    return plain if name in {"abnormality", "cardiomegaly"} else rest


def _odd(found: Sequence[str]) -> bool:
    return len(found) % 2 == 1


def _named(plain: str, vocabulary: list[Term]) -> tuple[list[str], str]:
    """Findings named, longest keyword first so that "collapsed lung" is not "collapse"; and the text without them."""
    keywords = sorted(((word, said.name) for said in vocabulary for word in said.keywords), key=lambda k: -len(k[0]))
    named: list[str] = []
    for word, name in keywords:
        found, count = re.subn(rf"\b{re.escape(word)}\b", " ", plain)
        if count:
            plain = found
            named.append(name)
    return list(dict.fromkeys(named)), plain
