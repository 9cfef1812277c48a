"""How a picture reaches the encoder: enlarged, normalised, and seen together with its mirror image.

The films of training have 128 pixels a side. Enlarging them adds no detail, but a finer grid of places, and brings the
film nearer to the scale at which the encoder learnt to see. The mean over a picture and its mirror image is an
average at test time that leaves every feature at its place.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from medvlm.families.embedded import DEVIATION, MEAN


def as_seen(pictures: Tensor, side: int) -> Tensor:
    """(n, 1, s, s) 0–1 -> (n, 3, side, side): enlarged, normalised, three equal channels."""
    if pictures.shape[-1] != side:
        pictures = functional.interpolate(pictures, size=(side, side), mode="bicubic").clamp(0.0, 1.0)
    return ((pictures - MEAN) / DEVIATION).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def both_ways(encode: Callable[[Tensor], Tensor], seen: Tensor) -> Tensor:
    """Features (n, channels, rows, columns): the mean over the pictures and their mirror images, mirrored back."""
    straight, mirrored = encode(torch.cat([seen, seen.flip(-1)])).chunk(2)
    return (straight + mirrored.flip(-1)) / 2
