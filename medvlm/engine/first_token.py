"""Yes or no from the probabilities of an answer's first token, with a bound where a spelling was not listed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_MASS = 0.5
"""Under this share of yes and no together, the answer was neither."""


_TINY = 1e-9


@dataclass(frozen=True)
class YesNo:
    """`log_odds` of yes against no; `mass` of both together, listed spellings only."""

    log_odds: float
    mass: float

    @property
    def probability(self) -> float:
        """p = Σyes / (Σyes + Σno)."""
        return 1.0 / (1.0 + math.exp(-self.log_odds))

    @property
    def answered(self) -> bool:
        return self.mass >= LEAST_MASS


def yes_no(listed: Sequence[tuple[str, float]], yes: Sequence[str], no: Sequence[str]) -> YesNo:
    """`listed`: (spelling, natural log of its probability), the likeliest first.

    A spelling that is not listed is no likelier than the last one listed, nor than all that was not listed together.
    A side of which nothing is listed stands at that bound, not at 0: the answer is never a certainty.
    """
    shares = [(_plain(token), math.exp(min(value, 0.0))) for token, value in listed]
    unlisted = min(min(share for _, share in shares), max(0.0, 1.0 - math.fsum(share for _, share in shares)))
    for_yes, for_no = (_side(shares, spellings) for spellings in (yes, no))
    odds = max(for_yes or unlisted * len(yes), _TINY) / max(for_no or unlisted * len(no), _TINY)
    return YesNo(math.log(odds), min(1.0, for_yes + for_no))


def _side(shares: Sequence[tuple[str, float]], spellings: Sequence[str]) -> float:
    wanted = {_plain(spelling) for spelling in spellings}
    return math.fsum(share for token, share in shares if token in wanted)


def _plain(token: str) -> str:
    """Servers write a token's leading space in three ways."""
    return token.replace("\u2581", " ").replace("\u0120", " ").strip().casefold()
