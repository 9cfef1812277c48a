"""Any transformers image-text-to-text model: images to features, a prompt to an encoded prefix, questions to logits.

What classes do differently is told by their signatures and configuration: token types that mark image tokens (Gemma
lets an image attend both ways), positions of image tokens (Qwen-VL), layers with a sliding window. Nothing is left to
state on the module: positions are always passed.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from medvlm.engine.packed_batch import PackedBatch, Row, packed_batch
from medvlm.engine.prefix_cache import Prefix, compacted, fork, stacked, storage_bytes
from medvlm.errors import BadModelFolder

Adapt = Callable[[str], None]
"""Makes the adapter of that name the active one ("": none)."""


def no_adapters(name: str) -> None:
    """The `Adapt` of a model without adapters."""
    if name:
        raise BadModelFolder(f"no adapter is called {name!r}", way_out="Load it with --adapter NAME=PATH.")


@dataclass(frozen=True)
class Features:
    """What the vision tower made of images, in the order of the prompt; handed to the model in place of pixels.

    `tokens[i]` is the number of tokens of image i; `grid` (images, 3) where the class places image tokens by it.
    """

    pooler_output: Any
    tokens: tuple[int, ...]
    deepstack_features: Any = None
    grid: Tensor | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return (*_flat(self.pooler_output), *_flat(self.deepstack_features))

    @property
    def nbytes(self) -> int:
        return storage_bytes(self.tensors)


def _flat(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif value is not None:
        for one in value:
            yield from _flat(one)


@dataclass
class VisionLanguage:
    """A model in evaluation mode. One call at a time: torch already takes every core that it was given."""

    model: PreTrainedModel
    image_token: int
    adapt: Adapt = no_adapters
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.model.eval().requires_grad_(False)
        self._forward = frozenset(inspect.signature(self.model.forward).parameters)
        self._features = frozenset(inspect.signature(self._inner.get_image_features).parameters)
        self._windows = _windows(self.model)

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    @property
    def _inner(self) -> Any:
        """The body, which knows how positions are counted; the whole model where a class has no body of its own."""
        body = getattr(self.model, "model", None)
        return body if hasattr(body, "get_image_features") else self.model

    @contextmanager
    def _computing(self, adapter: str) -> Iterator[None]:
        """Dropout and batch statistics would make a fork differ from its prefix, so training mode is an error."""
        with self.lock, torch.inference_mode():
            if self.model.training:
                raise BadModelFolder("the model is in training mode", way_out="Call eval() on it.")
            self.adapt(adapter)
            yield

    def see(self, inputs: Mapping[str, Tensor], adapter: str = "") -> Features:
        """Features of images; `inputs` is what the image processor gave (`pixel_values` and sizes)."""
        given = {name: tensor.to(self.device) for name, tensor in inputs.items() if name in self._features}
        given["pixel_values"] = given["pixel_values"].to(self.dtype)
        with self._computing(adapter):
            seen = self.model.get_image_features(**given, return_dict=True)
        pooled = seen.pooler_output
        return Features(
            pooler_output=pooled,
            tokens=tuple(len(image) for image in pooled),
            deepstack_features=getattr(seen, "deepstack_features", None),
            grid=given.get("image_grid_thw"),
        )

    def encode(self, ids: Sequence[int], features: Features | None, adapter: str = "") -> Prefix:
        """The prompt up to where questions begin. `ids` holds `image_token` as often as the images have features."""
        row = torch.tensor([ids], device=self.device)
        cache = DynamicCache(config=self.model.config.get_text_config())
        placed, offset = self._places(row, features)
        with self._computing(adapter):
            self.model(
                input_ids=row,
                **({"mm_encoder_outputs": {"image": features}} if features else {}),
                **self._token_types(row),
                **placed,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=_last(row),
            )
            return Prefix(compacted(cache), len(ids), offset)

    def _token_types(self, row: Tensor) -> dict[str, Tensor]:
        """1 at image tokens, for classes whose images attend both ways: without it they are silently wrong."""
        return {"token_type_ids": (row == self.image_token).long()} if "token_type_ids" in self._forward else {}

    def _places(self, row: Tensor, features: Features | None) -> tuple[dict[str, Tensor], int]:
        """Positions of a prefix, and by how much those of what follows differ from the count of tokens."""
        if features is None or features.grid is None or not hasattr(self._inner, "get_rope_index"):
            return {"position_ids": torch.arange(row.shape[1], device=row.device).unsqueeze(0)}, 0
        types = (row == self.image_token).int()
        positions, delta = self._inner.get_rope_index(row, mm_token_type_ids=types, image_grid_thw=features.grid)
        return {"position_ids": positions}, int(delta.item())

    def logits(self, rows: Sequence[Row], adapter: str = "") -> list[Tensor]:
        """Logits (wanted, vocabulary) of each row, in one forward over forks of the rows' prefixes."""
        batch = packed_batch(rows, frozenset(self._windows.values()), self.dtype)
        with self._computing(adapter):
            out = self.model(
                input_ids=batch.ids.to(self.device),
                position_ids=batch.positions.to(self.device),
                attention_mask=self._masks(batch),
                past_key_values=stacked([row.prefix.cache for row in rows]),
                use_cache=True,
                logits_to_keep=batch.wanted.to(self.device),
            ).logits.float()
        return [out[number, : len(row.wanted)] for number, row in enumerate(rows)]

    def _masks(self, batch: PackedBatch) -> Tensor | dict[str, Tensor]:
        masks = {kind: batch.masks[window].to(self.device) for kind, window in self._windows.items()}
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def begin(self, prefix: Prefix, question: Sequence[int], adapter: str = "") -> Decoding:
        """A fork of the prefix with the question read; its `logits` are those of the answer's first token."""
        decoding = Decoding(fork(prefix.cache), prefix.length + prefix.offset, torch.empty(0))
        return self.extend(decoding, question, adapter)

    def extend(self, decoding: Decoding, ids: Sequence[int], adapter: str = "") -> Decoding:
        """Reads `ids` after what was read. The decoding handed in must not be used again."""
        row = torch.tensor([ids], device=self.device)
        positions = torch.arange(decoding.position, decoding.position + len(ids), device=self.device).unsqueeze(0)
        with self._computing(adapter):
            out = self.model(
                input_ids=row,
                position_ids=positions,
                past_key_values=decoding.cache,
                use_cache=True,
                logits_to_keep=_last(row),
            ).logits[0, -1]
        return Decoding(decoding.cache, decoding.position + len(ids), out.float())


@dataclass(frozen=True)
class Decoding:
    """An answer on its way: the fork that it grows, the next position, the logits of the next token (vocabulary,)."""

    cache: Any
    position: int
    logits: Tensor


def _last(row: Tensor) -> Tensor:
    """The last place, by its number: as a slice (`logits_to_keep=1`) torch copies the whole output layer each call."""
    return torch.tensor([row.shape[1] - 1], device=row.device)


_KINDS = frozenset({"full_attention", "sliding_attention"})


def _windows(model: PreTrainedModel) -> dict[str, int | None]:
    """Kinds of attention layers and their windows, as the cache of this configuration is built.

    Raises `BadModelFolder` for a kind that `packed_batch` builds no mask for, or attention that takes no such mask.
    """
    config = model.config.get_text_config()
    if (attention := getattr(config, "_attn_implementation", "sdpa")) not in ("sdpa", "eager", None):
        raise BadModelFolder(f"attention {attention!r} takes no mask of our own", way_out="Load it with sdpa.")
    kinds = getattr(config, "layer_types", None) or ["full_attention"]
    if unknown := sorted(set(kinds) - _KINDS):
        raise BadModelFolder(f"layers of kind {', '.join(unknown)} cannot be forked", way_out="Use a model server.")
    layers = DynamicCache(config=config).layers
    found = {kind: getattr(layer, "sliding_window", None) for kind, layer in zip(kinds, layers, strict=False)}
    return found if len(set(found.values())) > 1 else {"all": next(iter(found.values()), None)}
