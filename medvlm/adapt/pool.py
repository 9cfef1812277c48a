"""Films without labels to distil on: augmented copies of the site's own, mixtures of their features, and features drawn
from the Gaussian of the base's training films that stands beside the weights for the scope check.

No image of anybody else is needed, and none is kept with the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medvlm.adapt.films import LabelledFilm
from medvlm.adapt.network import as_grids
from medvlm.engine.network import Network
from medvlm.safeguards.scope_head import ScopeHead
from medvlm.train.augment import augment


@dataclass(frozen=True)
class Copies:
    """`grids` (films, copies, tokens, channels); copy 0 is the film as it is. `blanks` (m, tokens, channels)."""

    grids: Tensor
    blanks: Tensor


@dataclass(frozen=True)
class PoolSettings:
    """Copies of each film so that about `encoded` films are encoded; `mixtures` of their features and `drawn` ones are
    added. `reach`: how far beyond two films their mixture may lie."""

    encoded: int = 144
    most_copies: int = 12
    mixtures: int = 144
    drawn: int = 288
    reach: float = 1.3


def copies_of(film_count: int, settings: PoolSettings) -> int:
    return max(2, min(settings.most_copies, settings.encoded // max(1, film_count)))


def encode_copies(
    network: Network, films: Sequence[LabelledFilm], settings: PoolSettings, seed: int, tick: Callable[[], None]
) -> Copies:
    """Every film and its augmented copies through the frozen encoder; `tick` after each film."""
    generator = torch.Generator().manual_seed(seed)
    copies = copies_of(len(films), settings)
    grids = []
    for film in films:
        picture = torch.from_numpy(film.pixels).view(1, 1, *film.pixels.shape)
        changed = augment(picture.repeat(copies - 1, 1, 1, 1), generator)[:, 0].numpy().astype(np.float32)
        seen = [as_grids(network.encode(pixels).features)[0] for pixels in changed]
        grids.append(torch.stack([as_grids(film.features[None])[0], *seen]))
        tick()
    size = network.image_size
    flat = [np.full((size, size), level, dtype=np.float32) for level in (0.5, 0.0, 0.25, 0.75)]
    return Copies(torch.stack(grids), torch.cat([as_grids(network.encode(picture).features) for picture in flat]))


def mixtures(grids: Tensor, count: int, reach: float, generator: torch.Generator) -> Tensor:
    """a + λ·(b − a) of two grids of chance, λ from 1 − reach to reach: between two films, and a little beyond each.

    grids (n, tokens, channels) -> (count, tokens, channels). The encoder's features are not negative, nor are these.
    """
    first, second = (torch.randint(len(grids), (count,), generator=generator) for _ in range(2))
    share = 1 - reach + (2 * reach - 1) * torch.rand(count, 1, 1, generator=generator)
    mixed = grids[first] + share * (grids[second] - grids[first])
    return mixed.clamp(min=0.0) if float(grids.min()) >= 0 else mixed


_LEAST, _MOST = 0.25, 4.0
"""A channel's mean is moved by this factor at least and at most: a channel that is silent stays nearly so."""


def drawn(grids: Tensor, count: int, head: ScopeHead, generator: torch.Generator) -> Tensor:
    """Grids of chance whose channels are scaled to means drawn from the Gaussian of the base's training films.

    grids (n, tokens, channels) -> (count, tokens, channels). What lies where stays; how much of each channel changes.
    """
    chosen = grids[torch.randint(len(grids), (count,), generator=generator)]
    channels = grids.shape[2]
    along = torch.randn(count, len(head.variances), generator=generator) * head.variances.sqrt()
    wanted = (head.mean + head.spread * (along @ head.axes))[:, :channels].clamp(min=0.0)
    factor = (wanted / chosen.mean(1).clamp(min=1e-4)).clamp(_LEAST, _MOST)
    return chosen * factor.unsqueeze(1)
