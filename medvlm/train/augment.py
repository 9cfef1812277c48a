"""Augmentation of whole batches."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def augment(films: Tensor, generator: torch.Generator) -> Tensor:
    """Films (n, 1, s, s) 0..1 moved, blurred, re-toned and marked, each in its own way."""
    return _marked(_toned(_blurred(_moved(films, generator), generator), generator), generator).clamp(0.0, 1.0)


def mirrored(films: Tensor, generator: torch.Generator) -> Tensor:
    """Each film mirrored at an even chance: for findings only, since it moves the heart to the other side."""
    chosen = torch.rand(len(films), generator=generator) < 0.5
    return torch.where(chosen.view(-1, 1, 1, 1), films.flip(-1), films)


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _moved(films: Tensor, generator: torch.Generator) -> Tensor:
    """Rotation ±10°, scale 0.85–1.15 with aspect ±8 %, shift ±6 % (the source squeezed every film to a square)."""
    n = len(films)
    angle = _uniform(n, -10, 10, generator) * math.pi / 180
    scale = _uniform(n, 0.85, 1.15, generator)
    aspect = _uniform(n, 0.92, 1.08, generator)
    shift = _uniform(2 * n, -0.12, 0.12, generator).view(n, 2, 1)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    turn = torch.stack([cos * aspect, -sin, sin, cos / aspect], 1).view(n, 2, 2)
    grid = functional.affine_grid(torch.cat([turn, shift], 2), list(films.shape), align_corners=False)
    return functional.grid_sample(films, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _blurred(films: Tensor, generator: torch.Generator) -> Tensor:
    """A quarter of the films lose detail, so that sharpness tells nothing of the source."""
    chosen = torch.rand(len(films), generator=generator) < 0.25
    size = films.shape[-1] // int(torch.randint(2, 4, (1,), generator=generator))
    small = functional.interpolate(films, size=(size, size), mode="bilinear", antialias=True)
    soft = functional.interpolate(small, size=films.shape[-2:], mode="bicubic")
    return torch.where(chosen.view(-1, 1, 1, 1), soft, films)


def _toned(films: Tensor, generator: torch.Generator) -> Tensor:
    """Gamma 0.67–1.5, contrast ±20 %, brightness ±10 %: windows differ between hospitals."""
    n = len(films)
    gamma, gain, lift = (
        values.view(n, 1, 1, 1)
        for values in (
            torch.exp(_uniform(n, -0.4, 0.4, generator)),
            _uniform(n, 0.8, 1.2, generator),
            _uniform(n, -0.1, 0.1, generator),
        )
    )
    return (films.clamp(1e-4, 1.0) ** gamma - 0.5) * gain + 0.5 + lift


def _marked(films: Tensor, generator: torch.Generator) -> Tensor:
    """Black or white boxes near the border on a third of the films: redactions and markers carry no label."""
    side = films.shape[-1]
    films = films.clone()
    for row in torch.nonzero(torch.rand(len(films), generator=generator) < 0.33).flatten().tolist():
        height, width = (int(v) for v in torch.randint(2, side // 8, (2,), generator=generator))
        along = int(torch.randint(side - width, (1,), generator=generator))
        depth = int(torch.randint(side // 8, (1,), generator=generator))
        top = depth if torch.rand(1, generator=generator) < 0.7 else side - height - depth
        films[row, :, top : top + height, along : along + width] = float(torch.randint(2, (1,), generator=generator))
    return films
