"""Pointing, fitted and judged on radiologists' boxes: each boxed patient is left out in turn."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from scipy.optimize import minimize  # type: ignore[import-untyped]
from torch import Tensor

from medvlm.engine.pointing import GRID, Pointer, evidence, falls
from medvlm.families.embedded import FRAME
from medvlm.train.contrastive import DualEncoder
from medvlm.train.films import FINDINGS, LABELS, Films
from medvlm.train.record import Record
from medvlm.train.stage_contrastive import feature_grids
from medvlm.train.statistics import wilson

_SOURCE_SIDE = 1024.0
"""Boxes are counted in pixels of the source's squares."""
_SPREAD = 0.1
"""Standard deviation of the density about a box's centre, as a share of the film."""
_OTHER = 0.05
"""Weight of another finding's box in a finding's density."""
_MIDLINE = frozenset({"cardiomegaly"})
"""Findings that lie at one place: neither mirrored, nor mixed with others, and pointed at by that place alone."""
_RIDGE = 0.02
_LEAST_BOXES = 10
"""Fewer say too little to show anyone a box."""


@dataclass(frozen=True)
class Boxed:
    """A film with a radiologist's box: `box` (x0, y0, x1, y1) as shares of the film; `falls` (GRID, GRID)."""

    patient: str
    finding: int
    box: tuple[float, float, float, float]
    falls: Tensor

    @property
    def inside(self) -> Tensor:
        """(GRID, GRID) bool: which places lie in the box."""
        place = (torch.arange(GRID) + 0.5) / GRID
        x0, y0, x1, y1 = self.box
        return ((place >= y0) & (place < y1)).unsqueeze(1) & ((place >= x0) & (place < x1))


class Pointed(Record):
    """`hits` of `boxes`: the centre lies in the radiologist's box, the patient left out. `usual`: hits of the finding's
    mean box; `chance`: the mean share of the film that the boxes cover; `side`: share on the right side of the film."""

    boxes: int
    hits: int
    share: float
    low: float
    high: float
    usual: int
    chance: float
    side: float | None
    given: bool


class PointingFigures(Record):
    findings: dict[str, Pointed]
    together: Pointed
    pooled: Pointed
    """Effusion, infiltration and pneumonia."""


def read_boxed(data: Path, dual: DualEncoder, films: Sequence[Films], progress: Progress) -> tuple[Boxed, ...]:
    """Every boxed film that is in one of `films`, with what covering it does."""
    with (data / "cxr" / "boxes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = {column: FINDINGS.index(name) for name, column in LABELS.items()}
    boxed = []
    for row in progress.track(rows, description="boxed films"):
        for part in films:
            for index in np.flatnonzero(part.names == row["image"]):
                finding = names[row["finding"]]
                fall = falls(lambda pictures: head_log_odds(dual, pictures), _picture(part, int(index)))
                boxed.append(Boxed(str(part.patients[index]), finding, _shares(row), fall[finding]))
    return tuple(boxed)


def _picture(films: Films, index: int) -> Tensor:
    return torch.from_numpy(films.pixels[index]).view(1, 1, FRAME, FRAME).float() / 255.0


def _shares(row: dict[str, str]) -> tuple[float, float, float, float]:
    x, y, width, height = (float(row[key]) / _SOURCE_SIDE for key in ("x", "y", "w", "h"))
    return x, y, x + width, y + height


@torch.inference_mode()
def head_log_odds(dual: DualEncoder, pictures: Tensor) -> Tensor:
    """(n, 1, FRAME, FRAME) -> (n, findings)."""
    pooled = torch.cat([feature_grids(dual.encoder, part).mean((2, 3)) for part in pictures.split(25)])
    return pooled @ dual.head.weight[: len(FINDINGS)].T


def fit_pointer(dual: DualEncoder, boxed: Sequence[Boxed], figures: PointingFigures) -> Pointer:
    given = [name in figures.findings and figures.findings[name].given for name in FINDINGS]
    return Pointer(
        head=dual.head.weight[: len(FINDINGS)].detach().clone(),
        usual=torch.stack([usual_places(k, boxed) for k in range(len(FINDINGS))]),
        weights=torch.stack([weights_of(k, fit_weights(boxed)) for k in range(len(FINDINGS))]),
        sizes=torch.stack([mean_size(k, boxed) for k in range(len(FINDINGS))]),
        given=torch.tensor(given).float(),
    )


def pointing_figures(boxed: Sequence[Boxed]) -> PointingFigures:
    judged = [(one, *_judge(one, [other for other in boxed if other.patient != one.patient])) for one in boxed]
    found = sorted({one.finding for one in boxed})
    three = {FINDINGS.index(name) for name in ("effusion", "infiltration", "pneumonia")}
    return PointingFigures(
        findings={FINDINGS[k]: _pointed([row for row in judged if row[0].finding == k]) for k in found},
        together=_pointed(judged),
        pooled=_pointed([row for row in judged if row[0].finding in three]),
    )


Judged = tuple[Boxed, float, float, bool]
"""A boxed film, where the pointer points (shares of the film), and whether the mean box points into the box."""


def _judge(one: Boxed, others: Sequence[Boxed]) -> tuple[float, float, bool]:
    scores = torch.stack(evidence(usual_places(one.finding, others), one.falls), -1) @ weights_of(
        one.finding, fit_weights(others)
    )
    row, column = divmod(int(scores.argmax()), GRID)
    same = [other for other in others if other.finding == one.finding] or list(others)
    mean = np.mean([other.box for other in same], 0)
    return (column + 0.5) / GRID, (row + 0.5) / GRID, _holds(one, (mean[0] + mean[2]) / 2, (mean[1] + mean[3]) / 2)


def _holds(one: Boxed, x: float, y: float) -> bool:
    x0, y0, x1, y1 = one.box
    return bool(x0 <= x < x1 and y0 <= y < y1)


def _pointed(judged: Sequence[Judged]) -> Pointed:
    hits = sum(_holds(one, x, y) for one, x, y, _ in judged)
    usual = sum(mean for *_, mean in judged)
    chance = float(np.mean([(one.box[2] - one.box[0]) * (one.box[3] - one.box[1]) for one, *_ in judged]))
    interval = wilson(hits, len(judged))
    sided = [
        (one.box[0] + one.box[2] < 1) == (x < 0.5) for one, x, *_ in judged if FINDINGS[one.finding] not in _MIDLINE
    ]
    return Pointed(
        boxes=len(judged),
        hits=hits,
        share=round(interval.value, 4),
        low=round(interval.low, 4),
        high=round(interval.high, 4),
        usual=usual,
        chance=round(chance, 4),
        side=round(float(np.mean(sided)), 4) if sided else None,
        given=len(judged) >= _LEAST_BOXES and hits >= usual and interval.low > chance and interval.value >= 0.5,
    )


def usual_places(finding: int, boxed: Sequence[Boxed]) -> Tensor:
    """Log-density (GRID, GRID) of a finding's places: its own boxes and, faintly, those of others, on either side."""
    place = (torch.arange(GRID) + 0.5) / GRID
    density = torch.full((GRID, GRID), 1e-3)
    for one in boxed:
        alone = FINDINGS[finding] in _MIDLINE or FINDINGS[one.finding] in _MIDLINE
        weight = 1.0 if one.finding == finding else 0.0 if alone else _OTHER
        x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
        for across in (x,) if alone else (x, 1 - x):
            squares = (place - y).square().unsqueeze(1) + (place - across).square()
            density += weight / (1 if alone else 2) * torch.exp(-squares / (2 * _SPREAD**2))
    return (density / density.sum()).log()


def mean_size(finding: int, boxed: Sequence[Boxed]) -> Tensor:
    """(2,): width and height, over the finding's boxes or, where there are none, over all."""
    chosen = [one for one in boxed if one.finding == finding] or list(boxed)
    return torch.tensor([[one.box[2] - one.box[0], one.box[3] - one.box[1]] for one in chosen]).mean(0)


def weights_of(finding: int, fitted: Tensor) -> Tensor:
    """The fitted weights, or those of the usual place alone."""
    return torch.tensor([1.0, 0.0, 0.0]) if FINDINGS[finding] in _MIDLINE else fitted


def fit_weights(boxed: Sequence[Boxed]) -> Tensor:
    """(3,): logistic regression of "this place is in the box"; each film counts the same, as do inside and outside.

    Findings that lie at one place take no part. A finding's usual places are taken without the film itself.
    """
    rows, inside, counts = [], [], []
    for one in (one for one in boxed if FINDINGS[one.finding] not in _MIDLINE):
        others = [other for other in boxed if other.patient != one.patient]
        usual = usual_places(one.finding, others)
        rows.append(torch.stack(evidence(usual - usual.mean(), one.falls), -1).view(-1, 3).double())
        inside.append(one.inside.view(-1))
        share = one.inside.double().mean().clamp(1e-3, 1 - 1e-3)
        counts.append(torch.where(one.inside.view(-1), 0.5 / share, 0.5 / (1 - share)) / GRID**2)
    x, y, weight = torch.cat(rows).numpy(), torch.cat(inside).numpy(), torch.cat(counts).numpy()
    sign = np.where(y, 1.0, -1.0)

    def loss(parameters: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        margin = sign * (x @ parameters[:3] + parameters[3])
        return float((weight * np.logaddexp(0.0, -margin)).sum() / len(boxed) + _RIDGE * (parameters[:3] ** 2).sum())

    return torch.from_numpy(minimize(loss, np.zeros(4)).x[:3]).float()
