"""A finding's place on the film that was read: from the pointer's grid to the film's own pixels."""

from __future__ import annotations

import threading

import torch
from torch import Tensor

from medvlm.contract import Box, FindingName
from medvlm.engine.network import Network
from medvlm.engine.pointing import Pointer, falls
from medvlm.imaging.images import ModelFrame, Radiograph
from medvlm.imaging.model_frame import box_to_source
from medvlm.vocabulary import terms


class Place:
    """The film is covered patch by patch once, when the first place is asked for."""

    def __init__(self, network: Network, pointer: Pointer, frame: ModelFrame, radiograph: Radiograph) -> None:
        self._network = network
        self._pointer = pointer
        self._frame = frame
        self._radiograph = radiograph
        self._numbers = {name: number for number, name in enumerate(terms())}
        self._falls: Tensor | None = None
        self._working = threading.Lock()

    def box(self, name: FindingName) -> Box | None:
        """In source pixels; None for a finding whose place the model was not found to tell."""
        number = self._numbers[name]
        if not self._pointer.given[number]:
            return None
        with self._working:
            if self._falls is None:
                self._falls = falls(self._log_odds, torch.from_numpy(self._frame.pixels)[None, None])
        return box_to_source(self._frame, self._pointer.box(number, self._falls[number]), self._radiograph)

    def _log_odds(self, pictures: Tensor) -> Tensor:
        return self._network.mean_features(pictures) @ self._pointer.head.T
