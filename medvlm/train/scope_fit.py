"""The scope head: fitted on the frozen encoder's features of films, of spoiled films and of strangers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional
from transformers import EfficientNetModel

from medvlm.safeguards.scope_head import REFUSED_AS, ScopeHead, pool
from medvlm.train.augment import augment
from medvlm.train.films import Films
from medvlm.train.outsiders import IN_SCOPE, Strangers, spoil
from medvlm.train.recipe import Recipe
from medvlm.train.stage_contrastive import feature_grids

_KIND = {code: number for number, code in enumerate(REFUSED_AS, 1)}


@dataclass(frozen=True)
class Examples:
    """`pooled` (n, features); `kinds` (n,): 0 in scope, else one more than the place in REFUSED_AS; `shows` (n,) what
    each picture shows; `plain` (n,) bool: not an augmented copy."""

    pooled: Tensor
    kinds: Tensor
    shows: npt.NDArray[np.str_]
    plain: npt.NDArray[np.bool_]

    def without(self, shown: str) -> Examples:
        kept = self.shows != shown
        rows = torch.from_numpy(kept)
        return Examples(self.pooled[rows], self.kinds[rows], self.shows[kept], self.plain[kept])


@dataclass(frozen=True)
class Group:
    """Pictures (n, 1, s, s) uint8 of one kind, what they show, how often each is taken, and whether to spoil them."""

    pictures: Tensor
    kind: int
    shows: str
    copies: int
    spoilt: bool = False


def fit_scope_head(examples: Examples, recipe: Recipe) -> ScopeHead:
    """A head without thresholds."""
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


def scope_examples(
    encoder: EfficientNetModel,
    films: Films,
    strangers: Strangers,
    laterals: npt.NDArray[np.uint8],
    recipe: Recipe,
    progress: Progress,
) -> Examples:
    """Features of films, spoiled films and strangers. laterals (n, s, s) uint8: films that are no frontal ones."""
    generator = torch.Generator().manual_seed(recipe.seed + 5)
    groups = _groups(films, strangers, laterals, recipe, generator)
    bar = progress.add_task("scope: features", total=sum(len(group.pictures) * group.copies for group in groups))
    pooled, kinds, shows, plain = [], [], [], []
    for group in groups:
        for number in range(group.copies):
            for part in group.pictures.split(32):
                images = part.float() / 255.0
                images = spoil(images, group.kind, generator) if group.spoilt else images
                images = augment(images, generator) if number or group.spoilt else images
                pooled.append(_pooled(encoder, images))
                kinds += [group.kind] * len(part)
                shows += [group.shows] * len(part)
                plain += [number == 0] * len(part)
                progress.advance(bar, len(part))
    return Examples(torch.cat(pooled), torch.tensor(kinds), np.array(shows), np.array(plain))


def _groups(
    films: Films,
    strangers: Strangers,
    laterals: npt.NDArray[np.uint8],
    recipe: Recipe,
    generator: torch.Generator,
) -> list[Group]:
    chosen = torch.randperm(len(films), generator=generator)[: recipe.scope.films].numpy()
    plain = torch.from_numpy(films.pixels[chosen]).unsqueeze(1)
    real = torch.from_numpy(strangers.pixels).unsqueeze(1)
    names = np.array(strangers.kinds)
    other, child = _KIND["not_frontal_chest_radiograph"], _KIND["outside_population"]
    spoilt = [Group(plain, kind, code, 1, True) for code, kind in _KIND.items() if kind != child]
    strange = [
        Group(real[torch.from_numpy(names == name)], other, name, recipe.scope.copies)
        for name in sorted(set(names[~strangers.children]))
    ]
    return [
        Group(plain, IN_SCOPE, "film", 2),
        *spoilt,
        *strange,
        Group(torch.from_numpy(laterals).unsqueeze(1), other, "lateral", recipe.scope.copies),
        Group(real[torch.from_numpy(strangers.children)], child, "child", 2),
    ]


def _pooled(encoder: EfficientNetModel, images: Tensor) -> Tensor:
    return pool(feature_grids(encoder, images))


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
