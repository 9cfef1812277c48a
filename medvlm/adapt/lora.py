"""LoRA on the projector and the language model (Hu et al., arXiv:2106.09685), fitted on cached features.

The encoder is not touched and every normalisation stays in evaluation mode: a forward pass in training mode would
move running statistics, which no adapter file holds, for every other user of the base.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from torch.nn import functional
from transformers import FastVlmForConditionalGeneration, PreTrainedTokenizerFast

from medvlm.errors import BadModelFolder
from medvlm.families.embedded import ASSISTANT, IMAGE, NO, USER, YES

TARGETS = (
    r"model\.(?:multi_modal_projector\.linear_[12]"
    r"|language_model\.layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj))"
)
"""Anchored by peft (`re.fullmatch`): the encoder has no module of these names."""
_LINEARS_A_LAYER, _LINEARS_OF_PROJECTOR = 7, 2


@dataclass(frozen=True)
class LoraSettings:
    """Size of the adapter and how it is fitted. `hold` weighs what the base said of known findings."""

    rank: int = 8
    alpha: int = 16
    rate: float = 3e-3
    steps: int = 100
    batch: int = 32
    hold: float = 2.0
    taught_a_step: int = 4
    known_a_step: int = 8
    check_every: int = 10
    patience: int = 4


@dataclass(frozen=True)
class Lesson:
    """What the adapted model shall say of feature grids.

    `grids` (n, tokens, channels); `wanted` (n, taught wordings) log-odds of "yes" to `taught`; `kept` (n, known
    wordings) what the base says to `known`. The last `held_out` grids are never fitted: they decide when to stop.
    """

    grids: Tensor
    taught: tuple[str, ...]
    wanted: Tensor
    known: tuple[str, ...]
    kept: Tensor
    held_out: int


@dataclass(frozen=True)
class Fitted:
    """How the fit ended: steps kept, and on grids held out how near the taught log-odds came to those wanted
    (correlation) and by how much the known ones moved (root mean square)."""

    steps: int
    fidelity: float
    moved: float


def with_lora(model: FastVlmForConditionalGeneration, settings: LoraSettings, seed: int) -> PeftModel:
    """`model` with an adapter that changes nothing yet. Raises `BadModelFolder` for modules of another family."""
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, lora_dropout=0.0, target_modules=TARGETS)
    with torch.random.fork_rng(devices=[]):  # peft draws the first weights from the process's own generator
        torch.manual_seed(seed)
        adapted = get_peft_model(model.eval(), config)
    layers = model.config.get_text_config().num_hidden_layers
    if len(targeted(adapted)) != _LINEARS_OF_PROJECTOR + _LINEARS_A_LAYER * layers:
        raise BadModelFolder("the weights have other layers than the embedded family's: no adapter fits them")
    return adapted.eval()


def targeted(adapted: PeftModel) -> list[str]:
    """Names of the modules that carry the adapter."""
    return cast(list[str], adapted.base_model.targeted_module_names)


class Asker:
    """Closed questions on feature grids, with gradients: the prompt of `medvlm.families.embedded`, packed."""

    def __init__(self, model: FastVlmForConditionalGeneration, tokenizer: PreTrainedTokenizerFast) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._yes, self._no = (tokenizer.encode(word)[0] for word in (YES, NO))
        self._user, self._image, self._assistant = (
            tokenizer.convert_tokens_to_ids(token) for token in (USER, IMAGE, ASSISTANT)
        )

    def log_odds(self, grids: Tensor, questions: Sequence[str]) -> Tensor:
        """grids (n, tokens, channels) -> z (n, questions) = logit(Yes) − logit(No)."""
        asked = [[*self._tokenizer.encode(text), self._assistant] for text in questions]
        row = _row(asked, [self._user] + [self._image] * grids.shape[1])
        embed = self._model.get_input_embeddings()(row.ids).expand(len(grids), -1, -1)
        seen = self._model.model.multi_modal_projector(grids)
        embed = torch.cat([embed[:, :1], seen, embed[:, 1 + seen.shape[1] :]], 1)
        hidden = self._model.model.language_model(
            inputs_embeds=embed,
            position_ids=row.positions.expand(len(grids), -1),
            attention_mask=row.mask.expand(len(grids), -1, -1, -1),
            use_cache=False,
        ).last_hidden_state[:, row.ends]
        head = self._model.lm_head.weight
        return hidden @ (head[self._yes] - head[self._no])


@dataclass(frozen=True)
class _Row:
    ids: Tensor
    positions: Tensor
    mask: Tensor
    ends: Tensor


def _row(asked: Sequence[Sequence[int]], prefix: Sequence[int]) -> _Row:
    """Prefix and questions in one row; a token sees the prefix and the earlier tokens of its own question."""
    lengths = torch.tensor([len(question) for question in asked])
    blocks = torch.cat([torch.zeros(len(prefix)), torch.repeat_interleave(torch.arange(len(asked)) + 1, lengths)])
    places = [torch.arange(len(prefix))] + [torch.arange(len(question)) + len(prefix) for question in asked]
    own = (blocks[:, None] == blocks) | (blocks == 0)
    seen = own & torch.ones(own.shape, dtype=torch.bool).tril()
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    return _Row(
        ids=torch.tensor([*prefix, *(token for question in asked for token in question)]).unsqueeze(0),
        positions=torch.cat(places).unsqueeze(0),
        mask=mask.view(1, 1, *mask.shape),
        ends=len(prefix) + lengths.cumsum(0) - 1,
    )


def fit(
    adapted: PeftModel,
    tokenizer: PreTrainedTokenizerFast,
    lesson: Lesson,
    settings: LoraSettings,
    seed: int,
    tick: Callable[[], None],
) -> Fitted:
    """Fits the adapter in place and leaves it at the step that did best on the grids held out."""
    generator = torch.Generator().manual_seed(seed)
    asker = Asker(adapted.get_base_model(), tokenizer)
    weights = [weight for weight in adapted.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, settings.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps, settings.rate / 10)
    best, best_step, best_weights, waited = torch.inf, 0, [weight.detach().clone() for weight in weights], 0
    for step in range(1, settings.steps + 1):
        _loss(asker, lesson, settings, generator).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
        tick()
        if step % settings.check_every:
            continue
        error = _held_out(asker, lesson, settings)[0]
        if error < best:
            best, best_step, waited = error, step, 0
            best_weights = [weight.detach().clone() for weight in weights]
        elif (waited := waited + 1) >= settings.patience:
            break
    with torch.no_grad():
        for weight, kept in zip(weights, best_weights, strict=True):
            weight.copy_(kept)
    _, fidelity, moved = _held_out(asker, lesson, settings)
    return Fitted(best_step, fidelity, moved)


def _loss(asker: Asker, lesson: Lesson, settings: LoraSettings, generator: torch.Generator) -> Tensor:
    fitted = len(lesson.grids) - lesson.held_out
    rows = torch.randperm(fitted, generator=generator)[: settings.batch]
    new = torch.randperm(len(lesson.taught), generator=generator)[: settings.taught_a_step].tolist()
    known = torch.randperm(len(lesson.known), generator=generator)[: settings.known_a_step].tolist()
    z = asker.log_odds(lesson.grids[rows], [*(lesson.taught[k] for k in new), *(lesson.known[k] for k in known)])
    taught = functional.smooth_l1_loss(z[:, : len(new)], lesson.wanted[rows][:, new])
    return taught + settings.hold * functional.mse_loss(z[:, len(new) :], lesson.kept[rows][:, known])


@torch.no_grad()
def _held_out(asker: Asker, lesson: Lesson, settings: LoraSettings) -> tuple[float, float, float]:
    """Loss, correlation of the taught with the wanted log-odds, root mean square move of the known ones."""
    apart = slice(len(lesson.grids) - lesson.held_out, None)
    z = asker.log_odds(lesson.grids[apart], [*lesson.taught, *lesson.known])
    taught, old = z[:, : len(lesson.taught)], z[:, len(lesson.taught) :]
    wanted, kept = lesson.wanted[apart], lesson.kept[apart]
    moved = functional.mse_loss(old, kept)
    error = functional.smooth_l1_loss(taught, wanted) + settings.hold * moved
    fidelity = torch.corrcoef(torch.stack([taught.flatten(), wanted.flatten()]))[0, 1]
    return float(error), float(fidelity), float(moved.sqrt())
