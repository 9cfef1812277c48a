"""Everything that is written on one film, and what a reader has to be warned of.

A side marker is judged by where it stands: on a frontal film shown as is usual, R stands at image left and L at image
right. A letter that reads backwards is no sign by itself: lead letters on a PA film are put on from behind, and on
most of the real films looked at they read backwards while the film was shown rightly. Only a letter on the wrong side
contradicts the display; a backward one there means that the film itself is mirrored. Printed words are never
backwards, so a mirrored word means a mirrored film.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from medvlm.contract import Warning
from medvlm.imaging.images import Radiograph
from medvlm.safeguards.burned_in.film_copy import FilmCopy, SourceBox, film_copy
from medvlm.safeguards.burned_in.film_words import FILM_WORDS
from medvlm.safeguards.burned_in.identity import KnownPatient, Sign, signs, tokens, unknown_words
from medvlm.safeguards.burned_in.side_marker import Letter, SideMarker, SideMarkerNet, read_side_markers
from medvlm.safeguards.burned_in.text_reader import TextReader, Word

Projection = Literal["AP", "PA", "PORTABLE"]

SURE = 0.9
"""Score of a printed word from which it is believed when it contradicts the header."""

_PRINTED = 0.8
_LEAST_PRINTED = 3
_MIDDLE = 0.1
"""A marker within this share of the width from the middle stands on neither side."""

_PROJECTIONS: tuple[Projection, ...] = ("AP", "PA", "PORTABLE")
_SIDE_WORDS: dict[str, Letter] = {"LEFT": "L", "RIGHT": "R"}


@dataclass(frozen=True)
class BurnedIn:
    """Boxes lie in the film's own pixels, of which it has `columns` across."""

    words: tuple[Word, ...]
    side_markers: tuple[SideMarker, ...]
    identity: frozenset[Sign]
    projections: frozenset[Projection]
    unusual_words: int
    mirrored_text: bool
    columns: int

    @property
    def possible_identity(self) -> bool:
        return bool(self.identity)

    @property
    def text_boxes(self) -> tuple[SourceBox, ...]:
        """Where text stands: what a redaction would cover."""
        return tuple(word.box for word in self.words)


def read_burned_in(
    radiograph: Radiograph, reader: TextReader, markers: SideMarkerNet, known: KnownPatient | None = None
) -> BurnedIn:
    """Words and side markers of one film; `known` is the patient that the header names, if it may be used."""
    patient = known or KnownPatient()
    copy = film_copy(radiograph.pixels)
    words, mirrored = _words(copy, reader)
    lines = [word for word in words if _counts(word)]
    return BurnedIn(
        words=words,
        side_markers=(*_side_words(lines, mirrored), *read_side_markers(copy, markers, printed_boxes(words))),
        identity=frozenset(sign for word in lines for sign in signs(word.text, word.score, patient)),
        projections=frozenset(one for word in lines for one in _projections(word)),
        unusual_words=sum(len(unknown_words(word.text)) for word in lines),
        mirrored_text=mirrored,
        columns=radiograph.pixels.shape[1],
    )


def identity_signs(
    pixels: npt.NDArray[np.float32], reader: TextReader, known: KnownPatient | None = None
) -> frozenset[Sign]:
    """What in the words of a displayed image (rows, columns) 0–1 may point to a person; side markers are not read."""
    words, _ = _words(film_copy(pixels), reader)
    patient = known or KnownPatient()
    return frozenset(sign for word in words if _counts(word) for sign in signs(word.text, word.score, patient))


def printed_boxes(words: Sequence[Word]) -> tuple[SourceBox, ...]:
    """Where words stand whose letters are no side markers."""
    return tuple(word.box for word in words if word.score >= _PRINTED and _signs(word) >= _LEAST_PRINTED)


def warnings_of(burned_in: BurnedIn, view_position: str) -> tuple[Warning, ...]:
    """Warnings for the reading; none repeats what was read. `view_position`: the tag of that name, or empty."""
    return (*_text(burned_in), *_view(burned_in.projections, view_position.upper()), *_side(burned_in))


def _words(copy: FilmCopy, reader: TextReader) -> tuple[tuple[Word, ...], bool]:
    """What is read, and whether it had to be read in the mirror."""
    words = reader.read(copy)
    if not words or any(_film_words(word) for word in words):
        return words, False
    columns = copy.grey.shape[1] * copy.scale[0]
    backwards = reader.read(replace(copy, grey=np.ascontiguousarray(copy.grey[:, ::-1])))
    if not any(_film_words(word) for word in backwards):
        return words, False
    return tuple(replace(word, box=_mirrored(word.box, columns)) for word in backwards), True


def _mirrored(box: SourceBox, columns: float) -> SourceBox:
    return SourceBox(columns - box.x1, box.y0, columns - box.x0, box.y1)


def _film_words(word: Word) -> frozenset[str]:
    if word.score < SURE:
        return frozenset()
    return frozenset(token for token in tokens(word.text) if len(token) >= 4) & FILM_WORDS


def _counts(word: Word) -> bool:
    """More than a stray sign: lines of bone are now and then read as one."""
    return _signs(word) >= 2


def _signs(word: Word) -> int:
    return sum(sign.isalnum() for sign in word.text)


def _projections(word: Word) -> Iterator[Projection]:
    found = tokens(word.text)
    yield from (one for one in _PROJECTIONS if word.score >= SURE and one in found)


def _side_words(words: Sequence[Word], mirrored: bool) -> Iterator[SideMarker]:
    """LEFT or RIGHT standing alone."""
    for word in words:
        letter = _SIDE_WORDS.get("".join(tokens(word.text)))
        if letter and word.score >= SURE:
            yield SideMarker(letter, word.score, word.box, mirrored)


def _text(burned_in: BurnedIn) -> Iterator[Warning]:
    if burned_in.possible_identity:
        words = "Text burned into the image may identify a person: look at it before the image leaves the hospital."
        yield Warning(code="possible_identity_burned_in", words=words)
    if burned_in.unusual_words:
        words = (
            f"The image carries {burned_in.unusual_words} words that are no usual film marking; "
            "they were not used for the reading."
        )
        yield Warning(code="burned_in_text", words=words)


def _view(printed: frozenset[Projection], tag: str) -> Iterator[Warning]:
    """A film marked AP or portable is no PA film, and the reverse; marked with both, it says nothing."""
    front_to_back = bool(printed & {"AP", "PORTABLE"})
    said = "AP" if front_to_back and "PA" not in printed else "PA" if printed == {"PA"} else ""
    if said and tag in ("AP", "PA") and tag != said:
        marks = ", ".join(sorted(printed))
        words = f"The film is marked {marks}, the header says {tag}."
        yield Warning(code="burned_in_view_contradicts_tag", words=words)


def _side(burned_in: BurnedIn) -> Iterator[Warning]:
    """Nothing while any marker agrees with the display: one letter more is then likelier misread than right."""
    sides = [(marker, _on_its_side(marker, burned_in.columns)) for marker in burned_in.side_markers]
    placed = [(marker, right) for marker, right in sides if right is not None]
    wrong = [marker for marker, right in placed if not right]
    one_way = bool(wrong) and len(wrong) == len(placed)
    if burned_in.mirrored_text or (one_way and all(marker.mirrored for marker in wrong)):
        words = "Markings on the film read backwards: the film may be mirrored, and sides are uncertain."
        yield Warning(code="film_may_be_mirrored", words=words)
    elif one_way:
        letter = wrong[0].letter
        place = "right" if letter == "R" else "left"
        words = f"A side marker {letter} stands at image {place}, where it does not belong: sides are uncertain."
        yield Warning(code="side_marker_contradicts_display", words=words)


def _on_its_side(marker: SideMarker, columns: int) -> bool | None:
    """None for a marker in the middle."""
    across = marker.box.centre[0] / columns - 0.5
    if abs(across) < _MIDDLE:
        return None
    return (across < 0) == (marker.letter == "R")
