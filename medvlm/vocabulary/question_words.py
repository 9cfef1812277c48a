"""The words in which questions are put beside the findings' names (`question_words.toml`); a text as such words."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

Words = Annotated[frozenset[str], BeforeValidator(lambda listed: frozenset(listed.split()))]

_MARKUP = re.compile(r"[<>{}\[\]|\\`]")


class Apart(BaseModel):
    """A finding named by two words that may stand apart: "is the *heart* in this film *enlarged*".

    `beside`: words that may go with them. `measure`: words that say presence or absence together with "abnormal" or
    "normal": "the *heart* is of normal *size*".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding: str
    subject: frozenset[str]
    said: frozenset[str]
    beside: frozenset[str]
    measure: frozenset[str]


class QuestionWords(BaseModel):
    """Classes of words; a word may be in several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: Words
    certainty: Words
    interrogative: Words
    negation: Words
    normal: Words
    joining: Words
    place: Words
    side: Words
    placed: Words
    comparison: Words
    degree: Words
    view: Words
    describing: Words
    seeing: Words
    pointing: Words
    heart: Words
    pleura: Words
    foreign: Words
    phrases: dict[str, str]
    apart: tuple[Apart, ...]

    @cached_property
    def known(self) -> frozenset[str]:
        """Every word that a question may hold; what names the heart or the pleura is not among them."""
        return frozenset().union(
            self.frame, self.certainty, self.interrogative, self.negation, self.normal, self.joining, self.place,
            self.side, self.placed, self.comparison, self.degree, self.view, self.describing, self.seeing,
            self.pointing,
        )  # fmt: skip


@cache
def question_words() -> QuestionWords:
    return QuestionWords(**tomllib.loads(files(__package__).joinpath("question_words.toml").read_text("utf-8")))


def has_markup(text: str) -> bool:
    """Brackets and bars of control tokens and code: no clinician's question holds them."""
    return _MARKUP.search(unicodedata.normalize("NFKC", text)) is not None


def plain_words(text: str) -> tuple[str, ...]:
    """Lower-case words and commas; contractions written out, phrases of several words joined."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    plain = plain.replace("cannot", "can not").replace("can't", "can not").replace("n't", " not").replace("'s", " is")
    plain = re.sub(r"[,;/]", " , ", plain)
    words = " ".join(re.sub(r"[^\w,]|_", " ", plain).split())
    for phrase, said in question_words().phrases.items():
        words = re.sub(rf"\b{phrase}\b", said, words)
    return tuple(words.split())
