"""Where a side marker may stand: small compact marks near the film's edge, brighter or darker than what is around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medvlm.safeguards.burned_in.film_copy import Grey

CROP = 32
"""Rows and columns of what the network sees of one candidate."""

FRAME = 0.25
"""Share of the film, from each edge, in which markers stand."""

SMALLEST, LARGEST = 14, 110
"""Pixels of the working copy: the longer side of a letter."""

_STROKE = 31
"""Pixels: wider marks are no strokes of a letter (and collimated borders, implants and bones fall away)."""

_CONTRASTS = (14, 30, 60, 110)
"""Grey levels above the surroundings; a letter on a plate parts from it at one of these."""

_AROUND = 1.5
"""Side of the square that is cut out, in longer sides of the candidate."""

_MOST = 150


@dataclass(frozen=True)
class Candidate:
    """A box (x0, y0, x1, y1) in pixels of the working copy; `dark` where the mark is darker than its surroundings."""

    x0: int
    y0: int
    x1: int
    y1: int
    dark: bool


def candidates(grey: Grey, frame: float = FRAME) -> tuple[Candidate, ...]:
    """At most 150, the strongest contrast first; grey (rows, columns) of the working copy.

    `frame`: share of the film, from each edge, that is looked at; 0.5 is all of it.
    """
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (_STROKE, _STROKE))
    # The border is repeated, so that a letter cut by the film's edge keeps its contrast.
    framed = cv2.copyMakeBorder(grey, _STROKE, _STROKE, _STROKE, _STROKE, cv2.BORDER_REPLICATE)
    found: list[Candidate] = []
    for dark, operation in ((False, cv2.MORPH_TOPHAT), (True, cv2.MORPH_BLACKHAT)):
        marks = cv2.morphologyEx(framed, operation, kernel)[_STROKE:-_STROKE, _STROKE:-_STROKE]
        for contrast in reversed(_CONTRASTS):
            found += [mark for mark in _marks(np.asarray(marks) > contrast, dark, frame) if not _known(mark, found)]
    return tuple(found[:_MOST])


def _marks(above: npt.NDArray[np.bool_], dark: bool, frame: float) -> Iterator[Candidate]:
    import cv2

    rows, columns = above.shape
    count, _, boxes, _ = cv2.connectedComponentsWithStats(above.astype(np.uint8), connectivity=8)
    for x, y, width, height, area in boxes[1:count].tolist():
        side = max(width, height)
        fits = SMALLEST <= side <= LARGEST and min(width, height) >= 0.25 * side and area >= 0.1 * side * side
        if fits and _near_edge(x + width / 2, y + height / 2, rows, columns, frame):
            yield Candidate(x, y, x + width, y + height, dark)


def _near_edge(x: float, y: float, rows: int, columns: int, frame: float) -> bool:
    return min(x, columns - x) <= frame * columns or min(y, rows - y) <= frame * rows


def _known(mark: Candidate, found: list[Candidate]) -> bool:
    return any(other.dark == mark.dark and overlap(mark, other) > 0.7 for other in found)


def overlap(one: Candidate, other: Candidate) -> float:
    """Intersection over union of two boxes."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    if width <= 0 or height <= 0:
        return 0.0
    both = (one.x1 - one.x0) * (one.y1 - one.y0) + (other.x1 - other.x0) * (other.y1 - other.y0)
    return width * height / (both - width * height)


def crop(grey: Grey, mark: Candidate) -> npt.NDArray[np.float32]:
    """The candidate and a margin (CROP, CROP), 0–1 from its surroundings to its strokes; dark marks are inverted."""
    import cv2

    side = _AROUND * max(mark.x1 - mark.x0, mark.y1 - mark.y0)
    x, y = (mark.x0 + mark.x1) / 2, (mark.y0 + mark.y1) / 2
    cut = cv2.getRectSubPix(grey, (round(side), round(side)), (x - 0.5, y - 0.5))
    interpolation = cv2.INTER_AREA if side > CROP else cv2.INTER_LINEAR
    return normalised(cv2.resize(cut, (CROP, CROP), interpolation=interpolation), mark.dark)


def normalised(cut: npt.NDArray[np.uint8], dark: bool) -> npt.NDArray[np.float32]:
    values = cut.astype(np.float32)
    values = 255.0 - values if dark else values
    low, high = np.percentile(values, (10, 99))
    return np.asarray(np.clip((values - low) / max(high - low, 8.0), 0.0, 1.0), dtype=np.float32)
