"""Free text: only words and sentences that are known to name nobody stay (PS3.15 E.3.4, E.3.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from dicom_node.deidentify.identity import Identity, folded

MARKER = "[text removed at de-identification]"

_BOUNDARY = r"(?<!\S){}(?!\S)"
_SHORT_NUMBER = re.compile(r"\d{1,3}", re.ASCII)


@dataclass(frozen=True)
class Rewrite:
    """A sentence that names a person: `pattern` finds it, `words` (a template of `re`) say it without the name."""

    pattern: str
    words: str


@dataclass(frozen=True)
class Wording:
    """What may stay. `patterns` and `labels` are regular expressions, the rest is literal.

    `sentences` (a closed set, written beforehand) stay wherever they stand between spaces; `said` (what a model
    wrote of this study) and `patterns` do unless they name somebody. `labels` stay where they are the whole text,
    words of the `vocabulary` in descriptions, which are cut down to them. `titles` rewrite whole descriptions.
    """

    sentences: frozenset[str] = frozenset()
    said: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    titles: tuple[Rewrite, ...] = ()
    labels: tuple[str, ...] = ()
    vocabulary: frozenset[str] = frozenset()

    def text(self, value: str, identity: Identity) -> str:
        """The known sentences of a text, in their order; a marker for what stands between them."""
        if any(re.fullmatch(label, value.strip()) for label in self.labels):
            return value
        kept: list[str] = []
        for line in value.splitlines():
            kept += ["\n", *self._line(line, identity)] if kept else self._line(line, identity)
        return _joined(kept)

    def description(self, value: str, identity: Identity) -> str:
        """The known words of a short description; "" where none is known. Whole known texts stay as they are."""
        for title in self.titles:
            if re.fullmatch(title.pattern, value):
                return re.sub(title.pattern, title.words, value)
        whole = self.text(value, identity)
        if MARKER not in whole:
            return whole
        words = (word for word in value.split() if self._is_known(word) and not identity.occurs_in(word))
        return " ".join(words)

    def _line(self, line: str, identity: Identity) -> list[str]:
        pieces: list[str] = []
        at = 0
        for found in self._known.finditer(line):
            said = self._said(found.group())
            if said not in self.sentences and identity.occurs_in(said):
                continue
            pieces += _gap(line[at : found.start()])
            pieces.append(said)
            at = found.end()
        return pieces + _gap(line[at:])

    def _said(self, sentence: str) -> str:
        for one in self.rewrites:
            if re.fullmatch(one.pattern, sentence):
                return re.sub(one.pattern, one.words, sentence)
        return sentence

    def _is_known(self, word: str) -> bool:
        parts = folded(word).split()
        return bool(parts) and all(it in self.vocabulary or _SHORT_NUMBER.fullmatch(it) for it in parts)

    @cached_property
    def _known(self) -> re.Pattern[str]:
        whole = sorted(self.sentences | self.said, key=lambda it: (-len(it), it))
        literal = [re.escape(it) for it in whole if it.strip()]
        patterns = [*(one.pattern for one in self.rewrites), *self.patterns, *literal]
        return re.compile(_BOUNDARY.format(f"(?:{'|'.join(f'(?:{it})' for it in patterns) or '(?!)'})"))


def plain_words(texts: Iterable[str]) -> frozenset[str]:
    """The words of texts, as a vocabulary holds them."""
    return frozenset(word for text in texts for word in folded(text).split())


def _gap(between: str) -> list[str]:
    return [MARKER] if between.strip() else []


def _joined(pieces: list[str]) -> str:
    """With single spaces; one marker where several follow each other."""
    whole: list[str] = []
    for piece in pieces:
        if not (piece == MARKER and whole and whole[-1] == MARKER):
            whole.append(piece)
    return re.sub(r" ?\n ?", "\n", " ".join(whole))
