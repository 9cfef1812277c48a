"""Does a text on a film point to a person? Cautious: what is neither the patient's nor a film's word may be a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from medvlm.safeguards.burned_in.film_words import is_film_word, within_one_edit

Sign = Literal["name", "patient_id", "birth_date", "date", "number", "unknown_word"]
"""`name`, `patient_id` and `birth_date` match what is known; the others may be anybody's."""

_LEAST_LETTERS = 4
_LEAST_DIGITS = 6
_SURE_SCRIPT = 0.8
"""Score from which letters of another script are believed; the recogniser turns lines of a film into single ones."""

_SEPARATED_DATE = re.compile(r"(?<!\d)(\d{1,4})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(\d{2,4})(?!\d)")
_PLAIN_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(0[1-9]|1[0-2])([0-3]\d)(?!\d)")
_NAMED_MONTH = re.compile(r"(?<!\d)(\d{1,4})[\s.-]*([A-Za-z]{3})[A-Za-z]*[\s.-]*(\d{2,4})(?!\d)")
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?")
_LOOK_ALIKE = str.maketrans("015", "OIS")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class KnownPatient:
    """Patient's Name (VR PN), Patient ID and Patient's Birth Date (VR DA) as the header writes them, or empty."""

    name: str = ""
    patient_id: str = ""
    birth_date: str = ""


def signs(text: str, score: float, known: KnownPatient) -> frozenset[Sign]:
    """What in one line of text, read with `score` 0–1, points to a person."""
    return frozenset((*_matches(text, known), *_dates(text, known), *_strangers(text, score, known)))


def name_parts(name: str) -> frozenset[str]:
    """The pieces of a person name, folded: components (^), groups (=) and words (PS3.5 6.2.1); initials left out."""
    return frozenset(part for piece in re.split(r"[\^=\s,.'-]+", name) if len(part := folded(piece)) >= 2)


def folded(text: str) -> str:
    """Letters and digits only, without accents, in capitals."""
    plain = unicodedata.normalize("NFKD", text).replace("ß", "ss").replace("ø", "o").replace("Ø", "O")
    return "".join(sign for sign in plain if sign.isalnum()).upper()


def tokens(text: str) -> tuple[str, ...]:
    """Runs of letters, folded; a digit among letters is taken for the letter that it looks like."""
    runs = re.findall(r"[^\W_]+", text)
    return tuple(token for run in runs for part in _letters(run) if (token := folded(part)))


def _letters(run: str) -> list[str]:
    if 2 * sum(sign.isalpha() for sign in run) > len(run):
        run = run.translate(_LOOK_ALIKE)
    return re.findall(r"[^\W\d_]+", run)


def unknown_words(text: str) -> tuple[str, ...]:
    """Latin words of four letters or more that no film carries."""
    return tuple(
        token for token in tokens(text) if len(token) >= _LEAST_LETTERS and token.isascii() and not is_film_word(token)
    )


def _matches(text: str, known: KnownPatient) -> Iterator[Sign]:
    read = tokens(text)
    parts = name_parts(known.name)
    if any(_same_name(token, part) for token in read for part in parts):
        yield "name"
    whole, identifier = folded(text), folded(known.patient_id)
    if len(identifier) >= 3 and identifier in whole:
        yield "patient_id"


def _same_name(token: str, part: str) -> bool:
    return token == part or (min(len(token), len(part)) >= _LEAST_LETTERS and within_one_edit(token, part))


def _dates(text: str, known: KnownPatient) -> Iterator[Sign]:
    """A date that is known not to be the birth date names nobody; without a known one it may be it."""
    for date in dates(text):
        if len(known.birth_date) != 8:
            yield "date"
        elif known.birth_date in date:
            yield "birth_date"


def dates(text: str) -> tuple[frozenset[str], ...]:
    """Each date in the text as the set of its readings (YYYYMMDD): 03/04/21 has several."""
    found = [(match[1], match[2], match[3]) for match in _SEPARATED_DATE.finditer(text)]
    found += [(match[1], match[2], match[3]) for match in _PLAIN_DATE.finditer(text)]
    for match in _NAMED_MONTH.finditer(text):
        if (month := match[2].upper()) in _MONTHS:
            found.append((match[1], str(_MONTHS.index(month) + 1), match[3]))
    return tuple(readings for parts in found if (readings := frozenset(_readings(*parts))))


def _readings(first: str, second: str, third: str) -> Iterator[str]:
    for year, month, day in ((first, second, third), (third, second, first), (third, first, second)):
        if len(year) in (2, 4) and 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
            centuries = ("",) if len(year) == 4 else ("19", "20")
            for century in centuries:
                if 1900 <= int(century + year) < 2100:
                    yield f"{century}{year}{int(month):02}{int(day):02}"


def _strangers(text: str, score: float, known: KnownPatient) -> Iterator[Sign]:
    rest = _TIME.sub(" ", _PLAIN_DATE.sub(" ", _SEPARATED_DATE.sub(" ", text)))
    if re.search(rf"\d{{{_LEAST_DIGITS},}}", rest):
        yield "number"
    foreign = sum(sign.isalpha() and not folded(sign).isascii() for sign in text)
    if unknown_words(text) or re.search(r"[A-Za-z]\^|\^[A-Za-z]", text) or (foreign >= 2 and score >= _SURE_SCRIPT):
        yield "unknown_word"
