"""Which letter a side marker shows: a small network over candidates, made by `medvlm.train.side_marker`.

A mirrored L is not an R, and neither is an L: each has its own class. Under 0.9 a candidate is no marker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from medvlm.errors import BadModelFolder
from medvlm.safeguards.burned_in.film_copy import FilmCopy, SourceBox
from medvlm.safeguards.burned_in.marker_candidates import CROP, Candidate, candidates, crop

WEIGHTS_FILE = "side_marker.safetensors"

NONE, R, MIRRORED_R, L, MIRRORED_L = range(5)

READ = 0.9
"""Least probability of a letter (upright or mirrored) that is reported."""

LEAST_SIDE = 18
"""Pixels of the working copy: surgical clips that lie like an L are smaller, letters on films are 20 or more."""

Letter = Literal["R", "L"]


@dataclass(frozen=True)
class SideMarker:
    """A letter, or the word LEFT or RIGHT. `mirrored` is None where the letter's two readings are too alike to tell."""

    letter: Letter
    probability: float
    box: SourceBox
    mirrored: bool | None


class SideMarkerNet(nn.Module):
    """Crops (n, 1, CROP, CROP) 0–1 to log-odds (n, 5): none, R, mirrored R, L, mirrored L."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(1, 12, stride=1),
            *_block(12, 24, stride=2),
            *_block(24, 24, stride=1),
            *_block(24, 48, stride=2),
            *_block(48, 48, stride=2),
            nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Linear(48 * (CROP // 8) ** 2, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 5))

    def forward(self, crops: Tensor) -> Tensor:
        return self.head(self.features(crops))


def _block(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return convolution, nn.BatchNorm2d(outputs, momentum=0.05), nn.ReLU()


def load_side_marker(folder: Path) -> SideMarkerNet:
    """Raises `BadModelFolder` when the file is missing or of another shape."""
    net = SideMarkerNet()
    try:
        net.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / WEIGHTS_FILE).items()})
    except (OSError, RuntimeError) as error:
        raise BadModelFolder("no weights of the side marker's network", where=str(folder)) from error
    return net.eval()


def read_side_markers(copy: FilmCopy, net: SideMarkerNet, printed: Sequence[SourceBox]) -> tuple[SideMarker, ...]:
    """Letters near the film's edge, none twice. Letters inside `printed` words are no markers: PORTABLE holds two."""
    marks = [mark for mark in candidates(copy.grey) if _large(mark) and not _inside(copy, mark, printed)]
    if not marks:
        return ()
    crops = torch.from_numpy(np.stack([crop(copy.grey, mark) for mark in marks])).unsqueeze(1)
    with torch.inference_mode():
        odds = net(crops).softmax(1)
    read = [
        marker
        for mark, row in zip(marks, odds.tolist(), strict=True)
        if (marker := _marker(copy.to_source(mark.x0, mark.y0, mark.x1, mark.y1), row))
    ]
    return _once(read)


def _large(mark: Candidate) -> bool:
    return max(mark.x1 - mark.x0, mark.y1 - mark.y0) >= LEAST_SIDE


def _inside(copy: FilmCopy, mark: Candidate, printed: Sequence[SourceBox]) -> bool:
    centre = copy.to_source(mark.x0, mark.y0, mark.x1, mark.y1).centre
    return any(box.holds(*centre) for box in printed)


def _marker(box: SourceBox, odds: list[float]) -> SideMarker | None:
    right, left = odds[R] + odds[MIRRORED_R], odds[L] + odds[MIRRORED_L]
    letter: Letter = "R" if right > left else "L"
    probability = max(right, left)
    if probability < READ:
        return None
    mirrored = odds[MIRRORED_R if letter == "R" else MIRRORED_L] / probability
    return SideMarker(letter, probability, box, None if 1 - READ < mirrored < READ else mirrored >= READ)


def _once(markers: list[SideMarker]) -> tuple[SideMarker, ...]:
    """One marker a place, the most probable; a place where both letters were read is unknown."""
    kept: list[SideMarker] = []
    for marker in sorted(markers, key=lambda one: -one.probability):
        if not any(_same_place(marker.box, other.box) for other in kept):
            kept.append(marker)
    return tuple(
        one for one in kept if not any(_same_place(one.box, two.box) and two.letter != one.letter for two in markers)
    )


def _same_place(one: SourceBox, other: SourceBox) -> bool:
    return one.holds(*other.centre) or other.holds(*one.centre)
