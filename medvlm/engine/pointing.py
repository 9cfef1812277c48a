"""Where on the film: what a finding's log-odds lose when a patch is covered, and where such findings usually lie.

Each place of a grid is scored by three quantities, weighed by a logistic regression on radiologists' boxes: the usual
places of the finding, the fall of its log-odds when the place is covered (occlusion: Zeiler and Fergus,
arXiv:1311.2901), and that fall less the one at the mirrored place: most findings are one-sided, and a chest is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from medvlm.errors import BadModelFolder
from medvlm.families.embedded import FRAME

POINTING_FILE = "pointing.safetensors"
GRID = 16
"""Places a side."""
_PATCHES = 10
"""Covered places a side; the falls are interpolated to GRID."""
_RADIUS = 16.0
"""Of a covered patch, in pixels of the frame."""


@dataclass(frozen=True)
class Pointer:
    """`head` (findings, channels): a linear head on the encoder's mean features; `usual` (findings, GRID, GRID):
    log-density of places; `weights` (findings, 3): of usual place, fall, fall less mirrored fall; `sizes`
    (findings, 2): width and height of a box as shares of the film; `given` (findings,): 1 where one may be given."""

    head: Tensor
    usual: Tensor
    weights: Tensor
    sizes: Tensor
    given: Tensor

    def box(self, finding: int, falls: Tensor) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) in pixels of the frame, from falls (GRID, GRID) of that finding's log-odds."""
        scores = torch.stack(evidence(self.usual[finding], falls), -1) @ self.weights[finding]
        row, column = divmod(int(scores.argmax()), GRID)
        width, height = self.sizes[finding].tolist()
        return centred_box((column + 0.5) / GRID, (row + 0.5) / GRID, width, height)


def evidence(usual: Tensor, falls: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three quantities of a finding at each place, each (GRID, GRID)."""
    return usual, _standardised(falls), _standardised(falls - falls.flip(-1))


def _standardised(values: Tensor) -> Tensor:
    return (values - values.mean()) / (values.std() + 1e-6)


def centred_box(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    """A box about (x, y), all as shares of the film, pushed inside it; in pixels of the frame."""
    x = min(max(x, width / 2), 1 - width / 2)
    y = min(max(y, height / 2), 1 - height / 2)
    return ((x - width / 2) * FRAME, (y - height / 2) * FRAME, (x + width / 2) * FRAME, (y + height / 2) * FRAME)


def falls(log_odds: Callable[[Tensor], Tensor], picture: Tensor) -> Tensor:
    """(findings, GRID, GRID): how far each finding's log-odds fall when a patch is covered with the film's mean grey.

    picture (1, 1, FRAME, FRAME) 0–1; `log_odds` takes pictures (n, 1, FRAME, FRAME) and gives (n, findings).
    """
    fall = log_odds(picture) - log_odds(_covered(picture))
    grid = fall.T.reshape(1, -1, _PATCHES, _PATCHES)
    return functional.interpolate(grid, size=(GRID, GRID), mode="bilinear", align_corners=False)[0]


def _covered(picture: Tensor) -> Tensor:
    """The picture with a soft-edged patch covered, at each of _PATCHES × _PATCHES places."""
    pixel = torch.arange(FRAME) + 0.5
    centre = (torch.arange(_PATCHES) + 0.5) * FRAME / _PATCHES
    along = ((pixel - centre.unsqueeze(1)) / _RADIUS) ** 4
    cover = torch.exp(-(along.view(-1, 1, FRAME, 1) + along.view(1, -1, 1, FRAME))).flatten(0, 1).unsqueeze(1)
    return picture * (1 - cover) + picture.mean() * cover


def save_pointer(pointer: Pointer, folder: Path) -> None:
    tensors = {field.name: getattr(pointer, field.name).float().contiguous() for field in fields(Pointer)}
    save_file(tensors, folder / POINTING_FILE)
    (folder / POINTING_FILE).chmod(0o644)  # safetensors writes for its owner only


def load_pointer(folder: Path) -> Pointer:
    """Raises `BadModelFolder` when the file is missing or of another shape."""
    try:
        return Pointer(**load_file(folder / POINTING_FILE))
    except (OSError, TypeError) as error:
        raise BadModelFolder(f"no pointing weights: {error}", where=str(folder)) from error
