"""Which findings a question names: by keywords, by words that stand apart, and by long keywords slightly misspelt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from medvlm.vocabulary import terms
from medvlm.vocabulary.question_words import Apart, question_words

WHOLE = "abnormality"
"""The finding that stands for the film as a whole: "normal" is its absence."""

_LONG = ((11, 2), (8, 1))
"""Keywords of so many letters may be misspelt by so many edits; shorter ones are taken as they are written."""


@dataclass(frozen=True)
class Mention:
    """A finding named in a question; `negated` when by its absence, as by "normal"."""

    name: str
    negated: bool = False


Item = str | Mention


def named(words: Sequence[str]) -> tuple[Item, ...]:
    """The words with each finding's name replaced by a mention."""
    items: list[Item] = [_spelt(word) for word in words]
    for apart in question_words().apart:
        items = _apart(items, apart)
    return tuple(_normal(item) for item in _keywords(items))


def _keywords(items: Sequence[Item]) -> Iterator[Item]:
    """Longest keyword first, so that "hiatal hernia" is one mention."""
    start = 0
    while start < len(items):
        for length in range(min(4, len(items) - start), 0, -1):
            name = keywords().get(tuple(item for item in items[start : start + length] if isinstance(item, str)))
            if name is not None and all(isinstance(item, str) for item in items[start : start + length]):
                yield Mention(name)
                start += length
                break
        else:
            yield items[start]
            start += 1


def _normal(item: Item) -> Item:
    return Mention(WHOLE, negated=True) if item in question_words().normal else item


def _apart(items: list[Item], apart: Apart) -> list[Item]:
    """Subject and what is said of it become one mention, where the latter stood."""
    words = _strings(items)
    said = _said(words, apart) if apart.subject & words else {}
    if not said:
        return items
    gone = apart.subject | apart.beside | apart.measure
    return [said.get(item, item) if isinstance(item, str) else item for item in items if item not in gone]


def _said(words: frozenset[str], apart: Apart) -> dict[str, Mention]:
    """What each word says of the subject: "enlarged" presence, "normal" absence where a measure is named or offered."""
    present = apart.said & words or frozenset({"abnormal"} if apart.measure & words else ()) & words
    offered = "or" in words if present else bool(apart.measure & words)
    absent = question_words().normal & words if offered else frozenset[str]()
    return {word: Mention(apart.finding) for word in present} | {word: Mention(apart.finding, True) for word in absent}


def _strings(items: Sequence[Item]) -> frozenset[str]:
    return frozenset(item for item in items if isinstance(item, str))


@cache
def keywords() -> dict[tuple[str, ...], str]:
    return {tuple(keyword.split()): name for name, term in terms().items() for keyword in term.keywords}


def _spelt(word: str) -> str:
    """The keyword meant by a misspelt long one, if all that are near mean one finding; else the word as it is."""
    if word in _keyword_words() or word in question_words().known:
        return word
    near = [
        (edit_distance(word, right), right, name)
        for right, name in _long_keywords().items()
        if abs(len(word) - len(right)) <= _allowed(right)
    ]
    near = [(edits, right, name) for edits, right, name in near if edits <= _allowed(right)]
    return min(near)[1] if len({name for _, _, name in near}) == 1 else word


@cache
def _keyword_words() -> frozenset[str]:
    return frozenset(word for keyword in keywords() for word in keyword)


@cache
def _long_keywords() -> dict[str, str]:
    return {word: name for keyword, name in keywords().items() for word in keyword if _allowed(word)}


def _allowed(word: str) -> int:
    return next((edits for letters, edits in _LONG if len(word) >= letters), 0)


def edit_distance(left: str, right: str) -> int:
    """Insertions, deletions and substitutions, each one (Levenshtein)."""
    row = list(range(len(right) + 1))
    for number, a in enumerate(left, 1):
        above, row = row, [number]
        for column, b in enumerate(right, 1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (a != b)))
    return row[-1]
