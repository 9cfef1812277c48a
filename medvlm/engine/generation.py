"""An answer written token by token on a fork of a prefix: the likeliest token each time, so the same answer each time.

Between tokens it asks whether to stop, and other answers take their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from medvlm.contract import Cancel
from medvlm.engine.prefix_cache import Prefix
from medvlm.engine.study_encoding import Engine
from medvlm.families.profile import Pieces

Seconds = Callable[[], float]


@dataclass(frozen=True)
class AnswerLimits:
    tokens: int = 512
    seconds: float = 120.0


@dataclass
class Generation:
    """`pieces()` gives the text as it is written; afterwards `ids` tell what was written and `ended` why it ended."""

    engine: Engine
    adapter: str
    limits: AnswerLimits
    seconds: Seconds
    ids: tuple[int, ...] = ()
    ended: Literal["", "stop", "length", "time", "cancelled"] = ""

    def pieces(self, prefix: Prefix, turn: Pieces, cancel: Cancel) -> Iterator[str]:
        """Raw text of the answer, control markers included, in pieces that end at whole characters."""
        until = self.seconds() + self.limits.seconds
        decoding = self.engine.vlm.begin(prefix, self.engine.ids.ids(turn), self.adapter)
        given = ""
        while not self._over(cancel, until):
            token = int(decoding.logits.argmax())
            if token in self.engine.ids.stops:
                self.ended = "stop"
                return
            self.ids = (*self.ids, token)
            text = self.engine.ids.text(self.ids)
            if not text.endswith("\ufffd"):  # the middle of a character of several bytes
                yield text[len(given) :]
                given = text
            if len(self.ids) < self.limits.tokens:
                decoding = self.engine.vlm.extend(decoding, (token,), self.adapter)

    def _over(self, cancel: Cancel, until: float) -> bool:
        if cancel():
            self.ended = "cancelled"
        elif len(self.ids) >= self.limits.tokens:
            self.ended = "length"
        elif self.seconds() > until:
            self.ended = "time"
        return self.ended != ""
