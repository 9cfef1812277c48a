"""Burned-in text of a film as warnings of its reading; library and weights are loaded when the first film is read."""

from __future__ import annotations

import threading
from pathlib import Path

from medvlm.contract import Warning
from medvlm.imaging.images import Radiograph
from medvlm.safeguards.burned_in.reading import read_burned_in, warnings_of
from medvlm.safeguards.burned_in.side_marker import SideMarkerNet, load_side_marker
from medvlm.safeguards.burned_in.text_reader import TextReader, load_text_reader


class FilmWarnings:
    """`weights`: the folder that holds the side marker's network. Safe to call from several threads."""

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._loaded: tuple[TextReader, SideMarkerNet] | None = None
        self._loading = threading.Lock()

    def __call__(self, radiograph: Radiograph) -> tuple[Warning, ...]:
        """Raises `BadModelFolder` when the library or the weights are missing."""
        with self._loading:
            if self._loaded is None:
                self._loaded = load_text_reader(), load_side_marker(self._weights)
        return warnings_of(read_burned_in(radiograph, *self._loaded), radiograph.tags.view_position)
