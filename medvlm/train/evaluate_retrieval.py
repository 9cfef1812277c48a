"""Retrieval by the dual encoder of stage 1: from a film to the report that fits it."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

from medvlm.train.contrastive import DualEncoder, captions
from medvlm.train.films import Films
from medvlm.train.record import Record
from medvlm.train.stage_contrastive import feature_grids


class RetrievalFigures(Record):
    """Share of films whose own label set and view stand among the first k of all that occur, by k; beside it, chance.

    Films of equal labels have equal reports, so that a report is right when its labels are.
    """

    films: int
    label_sets: int
    among_first: dict[str, float]
    by_chance: dict[str, float]


def retrieval_figures(
    dual: DualEncoder, tokenizer: PreTrainedTokenizerFast, films: Films, seed: int
) -> RetrievalFigures:
    targets = np.concatenate([films.labels, films.ap[:, None].astype(np.float32)], 1)
    sets, own = np.unique(targets, axis=0, return_inverse=True)
    ranks = _ranks(dual, tokenizer, films, torch.from_numpy(sets), own.reshape(-1), seed)
    return RetrievalFigures(
        films=len(films),
        label_sets=len(sets),
        among_first={str(k): round(float((ranks < k).mean()), 4) for k in (1, 5, 10)},
        by_chance={str(k): round(k / len(sets), 4) for k in (1, 5, 10)},
    )


@torch.inference_mode()
def _ranks(
    dual: DualEncoder,
    tokenizer: PreTrainedTokenizerFast,
    films: Films,
    sets: torch.Tensor,
    own: npt.NDArray[np.intp],
    seed: int,
) -> npt.NDArray[np.intp]:
    """How many other label sets' reports lie nearer to each film than its own."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    reports = dual.sentences(captions(tokenizer, sets, rng))
    pictures = torch.from_numpy(films.pixels).unsqueeze(1)
    pooled = torch.cat([feature_grids(dual.encoder, part.float() / 255.0).mean((2, 3)) for part in pictures.split(64)])
    nearness = functional.normalize(dual.project(pooled), dim=-1) @ reports.T
    fitting = nearness[torch.arange(len(films)), torch.from_numpy(own)]
    return (nearness > fitting.unsqueeze(1)).sum(1).numpy()
