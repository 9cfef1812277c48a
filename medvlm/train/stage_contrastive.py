"""The run of stage 1: teachers, then the student that learns from all of them. Checkpoints after each epoch.

Teachers differ in their order of films and in augmentation only; they learn without sentences. The student starts as
the first of them, on larger films; it sees the same augmented film as they do and learns the mean of their
probabilities, mixed with the label (Hinton et al., arXiv:1503.02531; the same view for both: Beyer et al.,
arXiv:2106.05237).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import EfficientNetModel, PreTrainedTokenizerFast

from medvlm.engine.encoding import as_seen, both_ways
from medvlm.train.augment import augment, mirrored
from medvlm.train.averaging import averaged_copy, step_average
from medvlm.train.checkpoint import resume, save
from medvlm.train.contrastive import DualEncoder, captions, contrastive_loss, sentence_pairs, supervised_loss
from medvlm.train.encoder import encoder_config, imagenet_encoder
from medvlm.train.films import Films
from medvlm.train.recipe import Recipe
from medvlm.train.statistics import auroc

Say = Callable[[str], None]
"""Takes a line of progress."""


@dataclass(frozen=True)
class Batch:
    """`images` (n, 1, s, s) 0..1, `labels` (n, findings + 1), the last column being AP, `people` (n, 2): man, age."""

    images: Tensor
    labels: Tensor
    people: Tensor


@dataclass(frozen=True)
class Course:
    """What tells one run of stage 1 from another: seed, epochs, highest learning rate, the side of the enlarged films.

    A student has `teachers` and starts as the first of them.
    """

    seed: int
    epochs: int
    rate: float
    side: int
    teachers: tuple[DualEncoder, ...] = ()


def run_contrastive(
    films: Films,
    held: Films,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    course: Course,
    checkpoint: Path,
    say: Say,
) -> DualEncoder:
    """The averaged dual encoder after the last epoch. Goes on from `checkpoint` when that file exists."""
    part = recipe.contrastive
    torch.manual_seed(course.seed)
    model = new_dual_encoder(films, tokenizer, recipe, course.side)
    if course.teachers:
        model.load_state_dict(course.teachers[0].state_dict())
    average = averaged_copy(model)
    optimiser = torch.optim.AdamW(model.parameters(), course.rate, weight_decay=part.weight_decay, fused=True)
    steps = len(films) // part.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, course.rate, total_steps=steps * course.epochs)
    for epoch in range(resume(checkpoint, model, average, optimiser, schedule), course.epochs):
        torch.manual_seed(course.seed + 1000 * (epoch + 1))
        rng = random.Random(course.seed + epoch)  # noqa: S311 - reproducible, not secret
        model.train()
        for number, batch in enumerate(batches(films, part.batch, course.seed + 7919 * (epoch + 1)), 1):
            loss = _loss(model, batch, course, tokenizer, recipe, rng)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.image_side(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
            step_average(average, model, part.average)
            if number % 50 == 0:
                say(f"epoch {epoch + 1} of {course.epochs}, film {number * part.batch} of {len(films)}")
        save(checkpoint, epoch + 1, model, average, optimiser, schedule)
        say(f"epoch {epoch + 1} of {course.epochs}: loss {loss.item():.3f}, {_held_figures(average, held)}")
    return average


def load_dual_encoder(
    films: Films, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, side: int, checkpoint: Path
) -> DualEncoder:
    """The averaged dual encoder in a checkpoint, in evaluation mode."""
    model = new_dual_encoder(films, tokenizer, recipe, side)
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["parts"][1])
    return model.eval().requires_grad_(False)


def new_dual_encoder(films: Films, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, side: int) -> DualEncoder:
    prior = torch.tensor(films.labels.mean(0)).clamp(1e-3, 1 - 1e-3).logit()
    encoder = imagenet_encoder(encoder_config(side, recipe.contrastive.drop_connect))
    return DualEncoder(encoder, len(tokenizer), recipe.text.width, prior)


def _loss(
    model: DualEncoder,
    batch: Batch,
    course: Course,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    rng: random.Random,
) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        pooled = model.features(as_seen(batch.images, course.side)).float()
    targets = _targets(course.teachers, batch, recipe.contrastive.label_share)
    loss = supervised_loss(model, pooled, targets, batch.people)
    if not course.teachers:
        return loss
    pairs, reports = sentence_pairs(tokenizer, rng), captions(tokenizer, batch.labels, rng)
    return loss + contrastive_loss(model, pooled, batch.labels, targets, pairs, reports)


@torch.no_grad()
def _targets(teachers: Sequence[DualEncoder], batch: Batch, label_share: float) -> Tensor:
    """The labels, or their mixture with the mean of the teachers' probabilities."""
    if not teachers:
        return batch.labels
    with torch.autocast("cpu", torch.bfloat16):
        pooled = [teacher.features(as_seen(batch.images, teacher.side)) for teacher in teachers]
    taught = torch.stack([teacher.head(each.float()) for teacher, each in zip(teachers, pooled, strict=True)])
    return label_share * batch.labels + (1 - label_share) * taught.mean(0).sigmoid()


def batches(films: Films, size: int, seed: int) -> Iterator[Batch]:
    """An epoch in an order of its own, every film moved, toned and, at an even chance, mirrored."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(films), generator=generator).numpy()
    for start in range(0, len(order) - size + 1, size):
        rows = films.at(order[start : start + size])
        images = torch.from_numpy(rows.pixels).unsqueeze(1).float() / 255.0
        labels = np.concatenate([rows.labels, rows.ap[:, None].astype(np.float32)], 1)
        people = np.stack([rows.male.astype(np.float32), rows.age], 1)
        yield Batch(mirrored(augment(images, generator), generator), torch.from_numpy(labels), torch.from_numpy(people))


@torch.inference_mode()
def feature_grids(encoder: EfficientNetModel, images: Tensor) -> Tensor:
    """(n, 1, s, s) 0..1 -> (n, features, rows, columns) as the engine makes them."""
    with torch.autocast("cpu", torch.bfloat16):
        grid = both_ways(lambda seen: encoder(seen).last_hidden_state, as_seen(images, encoder.config.image_size))
    return grid.float()


def head_log_odds(model: DualEncoder, films: Films) -> Tensor:
    """(n, findings + 1) of the linear head on films as they are."""
    images = torch.from_numpy(films.pixels).unsqueeze(1)
    grids = (feature_grids(model.encoder, part.float() / 255.0) for part in images.split(64))
    with torch.inference_mode():
        return torch.cat([model.head(grid.mean((2, 3))) for grid in grids])


def _held_figures(model: DualEncoder, held: Films) -> str:
    scores = head_log_odds(model, held).double().numpy()
    areas = [auroc(held.labels[:, k] > 0.5, scores[:, k]) for k in range(held.labels.shape[1])]
    view = auroc(held.ap, scores[:, -1])
    return f"calibration split: abnormality {areas[0]:.3f}, mean of labels {np.nanmean(areas[2:]):.3f}, view {view:.3f}"
