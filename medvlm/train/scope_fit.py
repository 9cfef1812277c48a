"""The scope head: fitted on the frozen encoder's features of films, of spoiled films and of strangers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional

from medvlm.safeguards.scope_head import REFUSED_AS, ScopeHead, pool
from medvlm.train.augment import augment
from medvlm.train.films import Films
from medvlm.train.outsiders import IN_SCOPE, Strangers, spoil
from medvlm.train.recipe import Recipe
from medvlm.train.stage_contrastive import normalised

_KIND = {code: number for number, code in enumerate(REFUSED_AS, 1)}


@dataclass(frozen=True)
class Examples:
    """`pooled` (n, features) and `kinds` (n,): 0 in scope, else one more than the place in REFUSED_AS."""

    pooled: Tensor
    kinds: Tensor


def fit_scope_head(
    encoder: torch.nn.Module, films: Films, strangers: Strangers, laterals: Tensor, recipe: Recipe, progress: Progress
) -> ScopeHead:
    """A head without thresholds. laterals (n, s, s) uint8: films that are no frontal ones."""
    examples = _examples(encoder, films, strangers, laterals, recipe, progress)
    mean, spread = examples.pooled.mean(0), examples.pooled.std(0) + 1e-3
    standard = (examples.pooled - mean) / spread
    weight, bias = _classifier(standard, examples.kinds, recipe.seed)
    axes, variances, residual, centre = _principal(standard[examples.kinds == IN_SCOPE], recipe.scope.axes)
    # The distance is taken from the films' own centre: fold it into the mean, and the shift into the bias.
    return ScopeHead(
        mean=mean + centre * spread,
        spread=spread,
        weight=weight,
        bias=bias + weight @ centre,
        axes=axes,
        variances=variances,
        residual=residual,
        thresholds=torch.tensor([-torch.inf, -torch.inf, torch.inf]),
    )


_SHARES = (1 / 3, 1 / 6, 1 / 2)
"""Of the false refusals: other kinds, a child (which a known age settles better), distance."""


_SURELY_A_CHILD = -1.4
"""Log-odds: four to one for a child. The children of training are all of one hospital, so less is no reason."""


def set_thresholds(head: ScopeHead, pooled: Tensor, false_refusals: float) -> ScopeHead:
    """Thresholds under which each score alone refuses its share of `false_refusals` of the films in `pooled`."""
    kinds, child, far = (false_refusals * share for share in _SHARES)
    limits = (
        head.log_odds_against_kinds(pooled).quantile(kinds),
        head.log_odds_against_child(pooled).quantile(child).clamp(max=_SURELY_A_CHILD),
        head.distance(pooled).quantile(1 - far),
    )
    return replace(head, thresholds=torch.stack(limits))


def _examples(
    encoder: torch.nn.Module, films: Films, strangers: Strangers, laterals: Tensor, recipe: Recipe, progress: Progress
) -> Examples:
    generator = torch.Generator().manual_seed(recipe.seed + 5)
    chosen = torch.randperm(len(films), generator=generator)[: recipe.scope.films].numpy()
    plain = torch.from_numpy(films.pixels[chosen]).unsqueeze(1)
    real = torch.from_numpy(strangers.pixels).unsqueeze(1)
    children = torch.from_numpy(strangers.children)
    other = _KIND["not_frontal_chest_radiograph"]
    groups: list[tuple[Tensor, int, int, bool]] = [(plain, IN_SCOPE, 2, False)]
    groups += [(plain, kind, 1, True) for code, kind in _KIND.items() if code != "outside_population"]
    groups += [
        (real[~children], other, recipe.scope.copies, False),
        (laterals.unsqueeze(1), other, recipe.scope.copies, False),
        (real[children], _KIND["outside_population"], 2, False),
    ]
    bar = progress.add_task("scope: features", total=sum(len(group[0]) * group[2] for group in groups))
    pooled, kinds = [], []
    for pictures, kind, copies, spoilt in groups:
        for number in range(copies):
            for part in pictures.split(32):
                images = part.float() / 255.0
                images = spoil(images, kind, generator) if spoilt else images
                images = augment(images, generator) if number or spoilt else images
                pooled.append(_pooled(encoder, images, recipe))
                kinds.append(torch.full((len(part),), kind))
                progress.advance(bar, len(part))
    return Examples(torch.cat(pooled), torch.cat(kinds))


@torch.inference_mode()
def _pooled(encoder: torch.nn.Module, images: Tensor, recipe: Recipe) -> Tensor:
    return pool(encoder(normalised(images, recipe)).last_hidden_state.float())


def _classifier(standard: Tensor, kinds: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression, classes balanced, weights decayed."""
    torch.manual_seed(seed)
    standard = standard.clone()
    layer = torch.nn.Linear(standard.shape[1], len(REFUSED_AS) + 1)
    balance = 1.0 / torch.bincount(kinds, minlength=len(REFUSED_AS) + 1).clamp(min=1).float().sqrt()
    optimiser = torch.optim.AdamW(layer.parameters(), 1e-3, weight_decay=0.3)
    for _ in range(12):
        for rows in torch.randperm(len(standard)).split(256):
            loss = functional.cross_entropy(layer(standard[rows]), kinds[rows], weight=balance)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return layer.weight.detach(), layer.bias.detach()


def _principal(standard: Tensor, axes: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Axes (k, features), their variances, the mean variance outside them, and the centre."""
    centre = standard.mean(0)
    values, vectors = torch.linalg.eigh(torch.from_numpy(np.cov((standard - centre).numpy().T)))
    values, vectors = values.flip(0), vectors.flip(1)
    return vectors[:, :axes].T.float(), values[:axes].float(), values[axes:].mean().float().view(1), centre
