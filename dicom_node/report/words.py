"""Text that may stand in a data set, and certainty in words."""

from __future__ import annotations

import unicodedata

from medvlm.contract import FindingName, Laterality
from medvlm.vocabulary import term

CERTAINTY_BANDS: tuple[tuple[float, str], ...] = (
    (0.9, "consistent with"),
    (0.625, "probable"),
    (0.375, "possible"),
    (0.1, "less likely"),
    (0.0, "unlikely"),
)
"""Lower bound of the probability and its words.

Words and their centres (over 90 %, about 75, 50 and 25 %, under 10 %): Panicek and Hricak, How Sure Are You, Doctor?
AJR 2016;207:2-3. The bounds between are the midpoints.
"""


def certainty_words(probability: float) -> str:
    return next(words for bound, words in CERTAINTY_BANDS if probability >= bound)


def percent(probability: float) -> str:
    """Percent with one decimal, the number that every result object carries."""
    return f"{100 * probability:.1f}"


def certainty_note(name: FindingName, laterality: Laterality, probability: float) -> str:
    """For example: probable right pleural effusion, 78 %."""
    display = term(name).display
    side = "" if laterality == "unspecified" else f"{laterality} "
    words = f"{side}{display[:1].lower()}{display[1:]}"
    return f"{certainty_words(probability)} {words}, {rounded_percent(probability)} %"


def rounded_percent(probability: float) -> str:
    """Whole percent for sentences; never a certainty that the model does not have."""
    if probability > 0.99:
        return "more than 99"
    return "less than 1" if probability < 0.01 else f"{100 * probability:.0f}"


def printable(words: str) -> str:
    """The text without what no data set can hold: control characters but line ends, and lone surrogates."""
    return "".join(letter for letter in words if letter in "\r\n" or unicodedata.category(letter) not in {"Cc", "Cs"})


def one_line(words: str, longest: int) -> str:
    """Text for a value of VR SH or LO: one value, one line, at most `longest` characters (PS3.5 6.2)."""
    flat = " ".join(printable(words).replace("\\", " ").split())
    return flat[:longest].rstrip()


def clean_name(value: str) -> str:
    """A value of VR PN: at most three component groups of at most 64 characters (PS3.5 6.2.1)."""
    groups = printable(value).replace("\\", " ").split("=")[:3]
    return "=".join(group.strip()[:64].rstrip() for group in groups).rstrip("=")
