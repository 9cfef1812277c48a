"""A film as eight-bit grey of one working size, and places on it back to the film's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LONGEST_SIDE = 1024
"""Pixels: printed words of 18 px were read at this size, letters of lead markers are 20 to 60 px."""

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SourceBox:
    """A place in the film's own pixels, half-open, x to the right, y down (PS3.3 C.18.6)."""

    x0: float
    y0: float
    x1: float
    y1: float

    def holds(self, x: float, y: float) -> bool:
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


@dataclass(frozen=True)
class FilmCopy:
    """`grey` (rows, columns) with its longest side at LONGEST_SIDE; `scale`: source pixels a copy's pixel."""

    grey: Grey
    scale: tuple[float, float]

    def to_source(self, x0: float, y0: float, x1: float, y1: float) -> SourceBox:
        across, down = self.scale
        rows, columns = self.grey.shape
        left, right = np.clip((x0, x1), 0, columns) * across
        top, bottom = np.clip((y0, y1), 0, rows) * down
        return SourceBox(float(left), float(top), float(right), float(bottom))


def film_copy(pixels: npt.NDArray[np.float32]) -> FilmCopy:
    """Displayed pixels (rows, columns) 0–1, shrunk as means over areas or enlarged linearly; the aspect is kept."""
    import cv2

    rows, columns = pixels.shape
    factor = LONGEST_SIDE / max(rows, columns)
    size = max(1, round(columns * factor)), max(1, round(rows * factor))
    grey = (np.clip(np.nan_to_num(pixels), 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    resized = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    return FilmCopy(np.asarray(resized, dtype=np.uint8), (columns / size[0], rows / size[1]))
