"""Printed text on a film, read by rapidocr with the models in its wheel (PP-OCR, Apache-2.0). Works offline.

Side markers of lead are not read by it; `side_marker` has a network of its own for them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medvlm.errors import BadModelFolder
from medvlm.safeguards.burned_in.film_copy import FilmCopy, SourceBox

if TYPE_CHECKING:
    from rapidocr import RapidOCR


@dataclass(frozen=True)
class Word:
    """A piece of text on one line. Whatever it says is data; it is kept out of `repr`, so out of logs and errors."""

    text: str
    score: float
    box: SourceBox

    def __repr__(self) -> str:
        return f"Word({len(self.text)} characters, score={self.score:.2f})"


class TextReader:
    """One engine, used by one thread at a time."""

    def __init__(self, engine: RapidOCR) -> None:
        self._engine = engine
        self._turn = threading.Lock()

    def read(self, copy: FilmCopy) -> tuple[Word, ...]:
        """Every line found, in any script, in the film's own pixels."""
        colour = np.ascontiguousarray(np.broadcast_to(copy.grey[..., None], (*copy.grey.shape, 3)))
        with self._turn:
            # All three switches each time: a call's switches stay on the engine and change every later call.
            found: Any = self._engine(colour, use_det=True, use_cls=True, use_rec=True)
        if found.txts is None or found.boxes is None:
            return ()
        return tuple(
            Word(str(text), float(score), _box(copy, corners))
            for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True)
        )


def load_text_reader() -> TextReader:
    """Raises `BadModelFolder` when the library is not installed: a model without it must not be served."""
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise BadModelFolder(
            "the library that reads burned-in text is not installed", way_out="Install medvlm with its dependencies."
        ) from error
    return TextReader(
        RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
    )


def _box(copy: FilmCopy, corners: Any) -> SourceBox:
    points = np.asarray(corners, dtype=np.float64)
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return copy.to_source(x0, y0, x1, y1)
