"""Stage 2: the language model learns to answer about the frozen encoder's features.

Closed questions: binary cross-entropy on z = logit(Yes) − logit(No), the quantity that is read out later
(the labels mixed with the log-odds of stage 1's head, which is the better teacher on noisy labels), and a distance
between the two log-odds.
Reports and the view: cross-entropy on the answer's tokens.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional
from transformers import FastVlmForConditionalGeneration, PreTrainedTokenizerFast

from medvlm.families.embedded import FRAME, NO, STRIDE, YES
from medvlm.train.augment import augment
from medvlm.train.averaging import averaged_copy, step_average
from medvlm.train.checkpoint import resume, save
from medvlm.train.contrastive import DualEncoder
from medvlm.train.films import FINDINGS, Films
from medvlm.train.instruction_rows import IGNORED, RowBuilder, Rows, packed_mask
from medvlm.train.recipe import Recipe
from medvlm.train.stage_contrastive import feature_grids
from medvlm.train.vlm import new_vlm

_BLANKS = 16


@dataclass(frozen=True)
class Features:
    """`tokens` (passes, n, image tokens, features) float16 and `teacher` (passes, n, findings) log-odds of the head.

    `blanks` (m, image tokens, features): flat grey pictures.
    """

    tokens: Tensor
    teacher: Tensor
    blanks: Tensor


@torch.no_grad()
def encode_films(dual: DualEncoder, films: Films, recipe: Recipe, progress: Progress) -> Features:
    """The frozen encoder's features: the films as they are, then augmented passes."""
    passes = recipe.instruction.passes
    bar = progress.add_task("stage 2: features", total=passes * len(films))
    places = (recipe.image.side // STRIDE) ** 2
    tokens = torch.empty(passes, len(films), places, dual.encoder.config.hidden_dim, dtype=torch.float16)
    teacher = torch.empty(passes, len(films), len(FINDINGS))
    for number in range(passes):
        generator = torch.Generator().manual_seed(recipe.seed + 31 * number)
        for rows in torch.arange(len(films)).split(64):
            images = torch.from_numpy(films.pixels[rows.numpy()]).unsqueeze(1).float() / 255.0
            seen = _encode(dual, images if number == 0 else augment(images, generator), recipe)
            tokens[number, rows] = seen.half()
            teacher[number, rows] = dual.head(seen.mean(1))[:, : len(FINDINGS)]
            progress.advance(bar, len(rows))
    grey = torch.linspace(0, 1, _BLANKS + 1).view(-1, 1, 1, 1).expand(-1, 1, FRAME, FRAME)
    return Features(tokens, teacher, _encode(dual, grey, recipe))


def _encode(dual: DualEncoder, images: Tensor, recipe: Recipe) -> Tensor:
    return feature_grids(dual.encoder, images).flatten(2).transpose(1, 2)


def run_instruction(
    dual: DualEncoder,
    films: Films,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    checkpoint: Path,
    progress: Progress,
) -> FastVlmForConditionalGeneration:
    """The averaged model after the last epoch. Goes on from `checkpoint` when that file exists."""
    part = recipe.instruction
    torch.manual_seed(recipe.seed + 1)
    model = new_vlm(dual, tokenizer, recipe.text)
    average = averaged_copy(model)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, part.rate, weight_decay=part.weight_decay)
    steps = len(films) // part.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, part.rate, total_steps=steps * part.epochs)
    done = resume(checkpoint, model, average, optimiser, schedule)
    if done == part.epochs:
        return average
    features = encode_films(dual, films, recipe, progress)
    builder = RowBuilder(tokenizer, features.tokens.shape[2])
    bar = progress.add_task("stage 2: instruction", total=steps * part.epochs, completed=steps * done)
    for epoch in range(done, part.epochs):
        rng = random.Random(recipe.seed + 100 + epoch)  # noqa: S311 - reproducible, not secret
        order = np.random.default_rng(recipe.seed + epoch).permutation(len(films))
        for start in range(0, steps * part.batch, part.batch):
            loss = _step(model, features, films, order[start : start + part.batch], builder, tokenizer, recipe, rng)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
            step_average(average, model, part.average)
            progress.advance(bar)
        save(checkpoint, epoch + 1, model, average, optimiser, schedule)
        progress.console.print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
    return average


def _step(
    model: FastVlmForConditionalGeneration,
    features: Features,
    films: Films,
    rows: npt.NDArray[np.intp],
    builder: RowBuilder,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    rng: random.Random,
) -> Tensor:
    part = recipe.instruction
    number = rng.randrange(part.passes)
    tokens = features.tokens[number, rows].float()
    labels = torch.from_numpy(films.labels[rows])
    soft = part.label_share * labels + (1 - part.label_share) * features.teacher[number, rows].sigmoid()
    blank = torch.tensor([rng.random() < part.blank for _ in rows])
    tokens[blank] = features.blanks[[rng.randrange(len(features.blanks)) for _ in range(int(blank.sum()))]]
    soft[blank] = torch.from_numpy(films.labels.mean(0))
    # Reports are long: a batch carries one in every row or in none, so that little is padding.
    with_report = rng.random() < part.report_share
    batch = builder.batch(
        [
            builder.row(
                labels[r].tolist(), bool(films.ap[row]), part.questions, with_report and not bool(blank[r]), rng
            )
            for r, row in enumerate(rows)
        ]
    )
    return instruction_loss(model, tokens, batch, soft, tokenizer, part.match)


def instruction_loss(
    model: FastVlmForConditionalGeneration,
    image_tokens: Tensor,
    batch: Rows,
    soft: Tensor,
    tokenizer: PreTrainedTokenizerFast,
    match: float,
) -> Tensor:
    """image_tokens (n, tokens, features); soft (n, findings): the probability that each finding is present."""
    with torch.autocast("cpu", torch.bfloat16):
        hidden = _hidden(model, image_tokens, batch)
    row, column, finding = batch.asked.unbind(1)
    yes, no = (model.lm_head.weight[tokenizer.encode(word)[0]] for word in (YES, NO))
    z = hidden[row, column].float() @ (yes - no)
    answer = soft[row, finding]
    wanted = torch.where(batch.sign > 0, answer, 1 - answer)
    closed = functional.binary_cross_entropy_with_logits(z, wanted)
    closed = closed + match * functional.smooth_l1_loss(z, wanted.clamp(1e-4, 1 - 1e-4).logit())
    said = batch.targets != IGNORED
    if not said.any():
        return closed
    return closed + 0.2 * functional.cross_entropy(model.lm_head(hidden[said].float()), batch.targets[said])


def _hidden(model: FastVlmForConditionalGeneration, image_tokens: Tensor, batch: Rows) -> Tensor:
    embedded = model.get_input_embeddings()(batch.ids)
    seen = model.model.multi_modal_projector(image_tokens)
    embedded = torch.cat([embedded[:, :1], seen.to(embedded.dtype), embedded[:, 1 + seen.shape[1] :]], 1)
    return model.model.language_model(
        inputs_embeds=embedded,
        position_ids=batch.positions,
        attention_mask=packed_mask(batch.blocks, torch.float32),
        use_cache=False,
    ).last_hidden_state
