"""What is refused of each kind of picture when no picture of that kind was seen in training."""

from __future__ import annotations

import torch
from torch import Tensor

from medvlm.train.recipe import Recipe
from medvlm.train.record import Record
from medvlm.train.scope_fit import Examples, fit_scope_head, set_thresholds


class LeftOutFigures(Record):
    """Share refused by kind, each by a head that never saw the kind; the films these heads refuse at most.

    The encoder itself never saw a picture out of scope.
    """

    refused: dict[str, float]
    pictures: dict[str, int]
    all_refused: float
    films_refused: float
    ill_films_refused: float


def left_out_figures(examples: Examples, held: Tensor, test: Tensor, ill: Tensor, recipe: Recipe) -> LeftOutFigures:
    """held, test (n, features): films of calibration, which set the thresholds, and of test; ill (n,) bool of test."""
    refused: dict[str, float] = {}
    pictures: dict[str, int] = {}
    films, sick = [], []
    for kind in sorted(set(examples.shows) - {"film"}):
        head = set_thresholds(fit_scope_head(examples.without(kind), recipe), held, recipe.scope.false_refusals)
        chosen = torch.from_numpy((examples.shows == kind) & examples.plain)
        refused[kind] = round(float(head.beyond(examples.pooled[chosen]).any(1).float().mean()), 4)
        pictures[kind] = int(chosen.sum())
        beyond = head.beyond(test).any(1).float()
        films.append(float(beyond.mean()))
        sick.append(float(beyond[ill].mean()))
    total = sum(pictures.values())
    return LeftOutFigures(
        refused=refused,
        pictures=pictures,
        all_refused=round(sum(refused[kind] * pictures[kind] for kind in refused) / total, 4),
        films_refused=round(max(films), 4),
        ill_films_refused=round(max(sick), 4),
    )
