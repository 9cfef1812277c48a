"""The run of stage 1: epochs over the films, checkpoints after each, so that a stopped run goes on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from medvlm.safeguards.scope_head import REFUSED_AS
from medvlm.train.augment import augment
from medvlm.train.averaging import averaged_copy, step_average
from medvlm.train.checkpoint import resume, save
from medvlm.train.contrastive import DualEncoder, captions, contrastive_loss, sentence_pairs
from medvlm.train.encoder import encoder_config, imagenet_encoder
from medvlm.train.films import Films
from medvlm.train.outsiders import IN_SCOPE, Strangers, spoil
from medvlm.train.recipe import Recipe
from medvlm.train.statistics import auroc


@dataclass(frozen=True)
class Batch:
    """`images` (n, 1, s, s) 0..1, `targets` (n, findings + 1), `scope` (n,) classes."""

    images: Tensor
    targets: Tensor
    scope: Tensor


def run_contrastive(
    films: Films,
    strangers: Strangers,
    held: Films,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    checkpoint: Path,
    progress: Progress,
) -> DualEncoder:
    """The averaged dual encoder after the last epoch. Goes on from `checkpoint` when that file exists."""
    part = recipe.contrastive
    torch.manual_seed(recipe.seed)
    model = new_dual_encoder(films, tokenizer, recipe)
    model.encoder.to(memory_format=torch.channels_last)  # up to a third faster on CPU
    average = averaged_copy(model)
    optimiser = torch.optim.AdamW(model.parameters(), part.rate, weight_decay=part.weight_decay)
    steps = len(films) // part.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, part.rate, total_steps=steps * part.epochs)
    done = resume(checkpoint, model, average, optimiser, schedule)
    bar = progress.add_task("stage 1: contrastive", total=steps * part.stop_after, completed=steps * done)
    for epoch in range(done, part.stop_after):
        torch.manual_seed(recipe.seed + 1000 * (epoch + 1))
        rng = random.Random(recipe.seed + epoch)  # noqa: S311 - reproducible, not secret
        model.train()
        for batch in batches(films, strangers, recipe, epoch):
            loss = _loss(model, batch, tokenizer, recipe, rng)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
            step_average(average, model, part.average)
            progress.advance(bar)
        save(checkpoint, epoch + 1, model, average, optimiser, schedule)
        progress.console.print(f"epoch {epoch + 1}: loss {loss.item():.3f}, {_held_figures(average, held, recipe)}")
    return average


def new_dual_encoder(films: Films, tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> DualEncoder:
    prior = torch.tensor(films.labels.mean(0)).clamp(1e-3, 1 - 1e-3).logit()
    encoder = imagenet_encoder(encoder_config(recipe.image.size, recipe.contrastive.drop_connect))
    return DualEncoder(encoder, len(tokenizer), recipe.text.width, prior)


def _loss(
    model: DualEncoder, batch: Batch, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, rng: random.Random
) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        pooled = model.features(normalised(batch.images, recipe))
    return contrastive_loss(
        model,
        pooled.float(),
        batch.targets,
        batch.scope,
        sentence_pairs(tokenizer, rng),
        captions(tokenizer, batch.targets[batch.scope == IN_SCOPE], rng),
        recipe.contrastive.caption_weight,
    )


def normalised(images: Tensor, recipe: Recipe) -> Tensor:
    """(n, 1, s, s) 0..1 -> three equal channels as the encoder takes them."""
    scaled = (images - recipe.image.mean) / recipe.image.std
    return scaled.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def batches(films: Films, strangers: Strangers, recipe: Recipe, epoch: int) -> Iterator[Batch]:
    """An epoch in an order of its own; a share of each batch is put out of scope."""
    generator = torch.Generator().manual_seed(recipe.seed + 7919 * (epoch + 1))
    order = torch.randperm(len(films), generator=generator).numpy()
    size = recipe.contrastive.batch
    outside = max(1, round(size * recipe.contrastive.negatives))
    for start in range(0, len(order) - size + 1, size):
        rows = films.at(order[start : start + size])
        images = torch.from_numpy(rows.pixels).unsqueeze(1).float() / 255.0
        scope = torch.zeros(size, dtype=torch.long)
        for row in range(outside):
            images[row], scope[row] = _stranger(images, row, strangers, generator)
        targets = np.concatenate([rows.labels, rows.ap[:, None].astype(np.float32)], 1)
        yield Batch(augment(images, generator), torch.from_numpy(targets), scope)


def _stranger(images: Tensor, row: int, strangers: Strangers, generator: torch.Generator) -> tuple[Tensor, int]:
    """A picture out of scope in place of the film in `row`, and its class."""
    kind = 1 + int(torch.randint(len(REFUSED_AS), (1,), generator=generator))
    code = REFUSED_AS[kind - 1]
    real = code == "outside_population" or (
        code == "not_frontal_chest_radiograph" and torch.rand(1, generator=generator) < 0.6
    )
    if not real:
        return spoil(images[row:], kind, generator)[0], kind
    pool = np.flatnonzero(strangers.children == (code == "outside_population"))
    pick = int(pool[int(torch.randint(len(pool), (1,), generator=generator))])
    return torch.from_numpy(strangers.pixels[pick]).unsqueeze(0).float() / 255.0, kind


@torch.no_grad()
def pooled_features(model: DualEncoder, films: Films, recipe: Recipe) -> Tensor:
    """(n, features) of films as they are, without augmentation."""
    images = torch.from_numpy(films.pixels).unsqueeze(1)
    with torch.autocast("cpu", torch.bfloat16):
        parts = [model.features(normalised(part.float() / 255.0, recipe)) for part in images.split(64)]
    return torch.cat(parts).float()


def _held_figures(model: DualEncoder, held: Films, recipe: Recipe) -> str:
    scores = model.head(pooled_features(model, held, recipe)).double().numpy()
    areas = [auroc(held.labels[:, k] > 0.5, scores[:, k]) for k in range(held.labels.shape[1])]
    view = auroc(held.ap, scores[:, -1])
    return f"calibration split: abnormality {areas[0]:.3f}, mean of labels {np.nanmean(areas[2:]):.3f}, view {view:.3f}"
