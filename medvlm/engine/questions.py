"""What a typed question asks: a finding, its place, the view, the whole film, or something this model cannot answer.

The text is matched against the vocabulary and never reaches the network: the network is asked in the vocabulary's
own words, so that a wording cannot change an answer and no text can act as an instruction. Nothing is guessed: a
question that holds a word outside the vocabulary's lists is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from medvlm.vocabulary import terms
from medvlm.vocabulary.naming import WHOLE, Item, Mention, named
from medvlm.vocabulary.question_words import QuestionWords, has_markup, plain_words, question_words


@dataclass(frozen=True)
class AboutFinding:
    """`negated`: a "yes" to the question means that the finding is absent."""

    name: str
    negated: bool


@dataclass(frozen=True)
class AboutSeveral:
    """Findings to be stated one by one, with no yes or no: "effusion or pneumothorax?", "are the lungs clear?"."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class AboutPlace:
    name: str


@dataclass(frozen=True)
class AboutSide:
    name: str


@dataclass(frozen=True)
class AboutView:
    pass


@dataclass(frozen=True)
class AboutFilm:
    pass


@dataclass(frozen=True)
class AboutNotAssessed:
    pass


@dataclass(frozen=True)
class AboutComparison:
    pass


Reason = Literal["unknown", "language", "several", "polarity", "ambiguous", "place", "degree"]


@dataclass(frozen=True)
class NotUnderstood:
    why: Reason


Understood = (
    AboutFinding
    | AboutSeveral
    | AboutPlace
    | AboutSide
    | AboutView
    | AboutFilm
    | AboutNotAssessed
    | AboutComparison
    | NotUnderstood
)

_NOT_ASSESSED = re.compile(
    r"\bnot (?:\w+ )?(?:look\w*|assess\w*|check\w*|evaluat\w+|examin\w+|cover\w*|analy\w+|consider\w*|judge\w*)"
    r"|\bunassessed\b"
)
_WHICH_SIDE = re.compile(r"\b(?:which|what) (?:sides?|lungs?)\b")
_TAG = re.compile(r"^(?:is|are|was|were|does|do|did|can|could|has|have|would) (?:there |you |we |it |this )?not\b")
"""A question by its denial: "isn't there an effusion?" is answered "yes" by some and "no" by others."""


_END_TAG = re.compile(
    r"\b(?:is|are|was|were|does|do|did|has|have|can|could|would) (?:not )?(?:there|it|they|you|we|this|that)(?: not)?$"
)
"""What turns a statement into a question: "…, isn't there?", "…, is it not?"."""


def understand(text: str) -> Understood:
    """What is asked. Exact wordings of the vocabulary win; then every word has to be known."""
    words = plain_words(text)
    if has_markup(text) or not words:
        return NotUnderstood("unknown")
    if (exact := _wordings().get(words)) is not None:
        return exact
    words = _without_tag(words)
    items = named(words)
    names = _names(items)
    if _asks_what_was_not_assessed(words, names):
        return AboutNotAssessed()
    if (why := _unreadable(words, items, names)) is not None:
        return NotUnderstood(why)
    rest = frozenset(item for item in items if isinstance(item, str))
    if rest & question_words().comparison:
        return AboutComparison()
    return _about(words, items, names, rest)


def _without_tag(words: tuple[str, ...]) -> tuple[str, ...]:
    """ "There is an effusion, isn't there?" asks whether there is one: the "not" of the tag denies nothing."""
    tag = _END_TAG.search(" ".join(words))
    if tag is None:
        return words
    said = words[: -len(tag[0].split())]
    return said if _names(named(said)) else words


@cache
def _wordings() -> dict[tuple[str, ...], AboutFinding]:
    return {
        plain_words(text): AboutFinding(name, negated)
        for name, said in terms().items()
        for negated, texts in (
            (False, (*said.ask, *said.ask_more, *said.ask_held_out)),
            (True, (*said.ask_negated, *said.ask_negated_held_out)),
        )
        for text in texts
    }


def _names(items: Sequence[Item]) -> tuple[str, ...]:
    """Findings in the order named. "Abnormal" beside another finding only describes it."""
    names = tuple(dict.fromkeys(item.name for item in items if isinstance(item, Mention)))
    normal = Mention(WHOLE, negated=True) in items
    return names if len(names) == 1 or normal else tuple(name for name in names if name != WHOLE)


def _asks_what_was_not_assessed(words: Sequence[str], names: Sequence[str]) -> bool:
    asks = words[0] in {"what", "which", "is", "was", "are", "were", "anything"}
    return not names and asks and _NOT_ASSESSED.search(" ".join(words)) is not None


def _unreadable(words: Sequence[str], items: Sequence[Item], names: Sequence[str]) -> Reason | None:
    """Why the question cannot be read at all: unknown words, words with two meanings, a question by denial."""
    lists = question_words()
    if _ambiguous(frozenset(words)):
        return "ambiguous"
    of_part = lists.heart | lists.pleura if set(names) <= {WHOLE, "cardiomegaly", "pleural_thickening"} else frozenset()
    unknown = {item for item in items if isinstance(item, str)} - lists.known - of_part
    if unknown:
        foreign = unknown & lists.foreign or any(not word.isascii() for word in unknown)
        return "language" if foreign else "unknown"
    return "polarity" if _TAG.match(" ".join(words)) else None


def _ambiguous(words: frozenset[str]) -> bool:
    """A collapsed lung may be a pneumothorax or atelectasis; fluid in the lungs may be an effusion or edema."""
    in_lung = words & {"lung", "lungs", "pulmonary", "lobe"}
    return bool(in_lung and words & {"collapse", "collapsed", "fluid"} and not words & question_words().pleura)


def _about(words: Sequence[str], items: Sequence[Item], names: tuple[str, ...], rest: frozenset[str]) -> Understood:
    if not names:
        return _about_no_finding(rest)
    if names == (WHOLE,):
        return _about_whole(words, items, rest)
    if len(names) > 1:
        return _about_several(items, names, rest)
    return _about_one(names[0], words, items, rest)


def _about_no_finding(rest: frozenset[str]) -> Understood:
    """The view or the film; "what plane is seen" asks for the view, "the most likely finding" for neither."""
    lists = question_words()
    if rest & (lists.heart | lists.pleura):
        return NotUnderstood("unknown")
    if rest & lists.degree:
        return NotUnderstood("degree")
    describes = rest & lists.describing
    if rest & lists.view and not describes:
        return AboutView()
    if rest & (lists.placed | lists.place):
        return NotUnderstood("place")
    opened = rest & lists.interrogative == {"what"} and rest & lists.seeing
    return AboutFilm() if describes or opened else NotUnderstood("unknown")


def _about_whole(words: Sequence[str], items: Sequence[Item], rest: frozenset[str]) -> Understood:
    """Abnormality of the film, of one part of the chest, or an open question for what is abnormal."""
    lists = question_words()
    of_place = rest & (lists.place | lists.placed) or _WHICH_SIDE.search(" ".join(words))
    if rest & (lists.describing | lists.interrogative) and not rest & lists.certainty and not of_place:
        opened = rest & lists.interrogative <= {"what", "which"}
        denied = Mention(WHOLE, negated=True) in items or rest & (lists.degree | lists.negation)
        return AboutFilm() if opened and not denied else NotUnderstood("unknown")
    if (part := _part(rest)) and not of_place and not rest & (lists.degree | lists.interrogative):
        return AboutSeveral(part)
    return _about_one(WHOLE, words, items, rest)


def _part(rest: frozenset[str]) -> tuple[str, ...]:
    """The findings of the part of the chest that is named; none when it is the chest as a whole."""
    lists = question_words()
    parts = {"lung": rest & {"lung", "lungs"}, "heart": rest & lists.heart, "pleura": rest & lists.pleura}
    sites = [site for site, found in parts.items() if found]
    return _findings_of(sites[0]) if len(sites) == 1 else ()


def _findings_of(site: str) -> tuple[str, ...]:
    return tuple(name for name, said in terms().items() if said.site and said.site.meaning.lower() == site)


def _about_several(items: Sequence[Item], names: tuple[str, ...], rest: frozenset[str]) -> Understood:
    """All are stated when the question only lists them."""
    lists = question_words()
    beyond = lists.negation | lists.normal | lists.place | lists.placed | lists.degree | lists.interrogative
    denied = any(isinstance(item, Mention) and item.negated for item in items)
    listed = rest & lists.joining and not rest & (beyond | lists.describing | lists.heart | lists.pleura)
    return AboutSeveral(names) if listed and not denied else NotUnderstood("several")


def _about_one(name: str, words: Sequence[str], items: Sequence[Item], rest: frozenset[str]) -> Understood:
    lists = question_words()
    mentions = {item for item in items if isinstance(item, Mention) and item.name == name}
    denials = sum(isinstance(item, str) and item in lists.negation for item in items)
    negated = Mention(name, negated=True) in mentions
    if rest & (lists.heart | lists.pleura | lists.describing):
        return NotUnderstood("unknown")
    if (where := _where(name, words, rest)) is not None:
        return where if not denials and not negated else NotUnderstood("place")
    if rest & lists.degree:
        return NotUnderstood("degree")
    if rest & lists.interrogative and not _asks_how_sure(rest, lists):
        return NotUnderstood("unknown")
    if len(mentions) > 1:  # "normal or abnormal?"
        return AboutSeveral((name,))
    if denials + negated > 1 or (denials and "or" in rest):
        return NotUnderstood("polarity")
    return AboutFinding(name, denials + negated == 1)


def _asks_how_sure(rest: frozenset[str], lists: QuestionWords) -> bool:
    return bool(rest & lists.certainty and rest & lists.interrogative <= {"what", "how"})


def _where(name: str, words: Sequence[str], rest: frozenset[str]) -> Understood | None:
    """Which side, where, or a side that is given; None when the question is about no place."""
    lists = question_words()
    asked_side = _WHICH_SIDE.search(" ".join(words)) is not None
    if rest & lists.degree and (asked_side or rest & lists.place):
        return NotUnderstood("degree")
    if ("or" in rest and _sides_offered(rest)) or (asked_side and not rest & lists.placed):
        return AboutSide(name)
    if rest & lists.placed:
        return NotUnderstood("place")
    pointed = next((word for word in words if word != "please"), "") in lists.pointing
    return AboutPlace(name) if pointed or rest & lists.place else None


def _sides_offered(rest: frozenset[str]) -> bool:
    """ "Left or right?", "on one side or both?"."""
    return {"left", "right"} <= rest or ("unilateral" in rest and "bilateral" in rest)
