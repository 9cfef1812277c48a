"""What the encoder's features rule out: a classifier of kinds and a distance to the films of training.

Distance: probabilistic PCA of the pooled features (Tipping and Bishop, 1999), which is the Mahalanobis distance of
Lee et al. (arXiv:1807.03888) inside the leading axes and the scaled residual outside them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from medvlm.contract import Refusal, RefusalCode
from medvlm.errors import BadModelFolder
from medvlm.safeguards.scope_tags import VALIDATED_FOR

SCOPE_FILE = "scope.safetensors"

REFUSED_AS: tuple[RefusalCode, ...] = (
    "wrong_orientation",
    "inverted_polarity",
    "incomplete",
    "not_frontal_chest_radiograph",
    "outside_population",
)
"""Class k + 1 of the classifier is refused with REFUSED_AS[k]; class 0 is in scope."""

_CHILD = 1 + REFUSED_AS.index("outside_population")

_REASONS: dict[RefusalCode, str] = {
    "wrong_orientation": "The image seems to be rotated or upside down",
    "inverted_polarity": "The polarity seems to be inverted: bone is dark",
    "incomplete": "The image seems to show a part of the chest only",
    "not_frontal_chest_radiograph": "This does not look like a frontal chest radiograph",
    "outside_population": "This looks like the chest of a child",
}


@dataclass(frozen=True)
class ScopeHead:
    """Classifier and distance over pooled features (2 × channels): mean and standard deviation over places.

    `mean`, `spread` standardise; `weight`, `bias` classify; `axes` (k, features) and `variances` (k) with
    `residual` (1) are the PCA of films; `thresholds` (3): the least log-odds of "in scope" against the other kinds, the
    least against "a child", the largest distance.
    """

    mean: Tensor
    spread: Tensor
    weight: Tensor
    bias: Tensor
    axes: Tensor
    variances: Tensor
    residual: Tensor
    thresholds: Tensor

    def standardised(self, pooled: Tensor) -> Tensor:
        return (pooled - self.mean) / self.spread

    def class_scores(self, pooled: Tensor) -> Tensor:
        """Log-probabilities (n, 1 + kinds)."""
        return (self.standardised(pooled) @ self.weight.T + self.bias).log_softmax(-1)

    def log_odds_against_kinds(self, pooled: Tensor) -> Tensor:
        """Log-odds of "in scope" against every kind but the child's."""
        scores = self.class_scores(pooled)
        return scores[:, 0] - scores[:, 1:_CHILD].logsumexp(-1)

    def log_odds_against_child(self, pooled: Tensor) -> Tensor:
        scores = self.class_scores(pooled)
        return scores[:, 0] - scores[:, _CHILD]

    def distance(self, pooled: Tensor) -> Tensor:
        """Squared distance a feature, about 1 for a film of training."""
        centred = self.standardised(pooled)
        along = centred @ self.axes.T
        inside = (along.square() / self.variances).sum(-1)
        outside = (centred.square().sum(-1) - along.square().sum(-1)) / self.residual
        return (inside + outside) / centred.shape[-1]

    def beyond(self, pooled: Tensor) -> Tensor:
        """(n, 3) bool: another kind, a child, too far from the films of training."""
        return torch.stack(
            [
                self.log_odds_against_kinds(pooled) < self.thresholds[0],
                self.log_odds_against_child(pooled) < self.thresholds[1],
                self.distance(pooled) > self.thresholds[2],
            ],
            dim=1,
        )

    def refuse(self, features: Tensor, known_adult: bool) -> Refusal | None:
        """features (1, channels, rows, columns) of the encoder; a known age overrules what looks like a child."""
        pooled = pool(features)
        another, child, far = self.beyond(pooled)[0].tolist()
        if another:
            return refusal(REFUSED_AS[int(self.class_scores(pooled)[0, 1:_CHILD].argmax())])
        if child and not known_adult:
            return refusal("outside_population")
        return refusal("not_frontal_chest_radiograph") if far else None


def refusal(code: RefusalCode) -> Refusal:
    return Refusal(code=code, reason=f"{_REASONS[code]}: {VALIDATED_FOR}")


def pool(features: Tensor) -> Tensor:
    """(n, channels, rows, columns) -> (n, 2 × channels): mean and standard deviation over places."""
    return torch.cat([features.mean((2, 3)), features.flatten(2).std(2)], 1)


def save_scope_head(head: ScopeHead, folder: Path) -> None:
    tensors = {field.name: getattr(head, field.name).float().contiguous() for field in fields(ScopeHead)}
    save_file(tensors, folder / SCOPE_FILE)
    (folder / SCOPE_FILE).chmod(0o644)  # safetensors writes for its owner only


def load_scope_head(folder: Path) -> ScopeHead:
    """Raises `BadModelFolder` when the file is missing or of another shape."""
    try:
        return ScopeHead(**load_file(folder / SCOPE_FILE))
    except (OSError, TypeError) as error:
        raise BadModelFolder(f"no scope head: {error}", where=str(folder)) from error
