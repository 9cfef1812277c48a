"""What the stored model says of films: the same path as in service, so that figures belong to the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import Progress
from torch import Tensor

from medvlm.engine.network import Network
from medvlm.families.embedded import VIEW_ANSWERS, VIEW_QUESTION
from medvlm.safeguards.scope_head import pool
from medvlm.train.films import FINDINGS, Films
from medvlm.vocabulary import terms

Array = npt.NDArray[np.float64]

WORDINGS = {name: terms()[name].ask for name in FINDINGS}
"""The questions that are asked for each finding; their z is averaged."""


@dataclass(frozen=True)
class Readout:
    """`z` (n, findings) mean log-odds; `ap` (n,) log-odds of AP against PA; `pooled` (n, 2 × channels)."""

    z: Array
    ap: Array
    pooled: Tensor


def read_out(network: Network, pixels: npt.NDArray[np.uint8], progress: Progress, name: str) -> Readout:
    """pixels (n, size, size) uint8."""
    questions = [text for texts in WORDINGS.values() for text in texts]
    ends = np.cumsum([len(texts) for texts in WORDINGS.values()])[:-1]
    z, view, pooled = [], [], []
    for picture in progress.track(pixels, description=name):
        encoded = network.encode(picture.astype(np.float32) / 255.0)
        asked = network.log_odds(encoded.prefix, questions)
        z.append([part.mean() for part in np.split(asked, ends)])
        pa, ap = network.choose(encoded.prefix, VIEW_QUESTION, VIEW_ANSWERS)
        view.append(ap - pa)
        pooled.append(pool(encoded.features))
    return Readout(np.array(z), np.array(view), torch.cat(pooled))


def read_films(network: Network, films: Films, progress: Progress, name: str) -> Readout:
    return read_out(network, films.pixels, progress, name)
