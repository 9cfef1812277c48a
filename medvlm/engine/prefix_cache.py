"""Key-value caches that are encoded once and forked for each question.

`DynamicLayer.update` and `DynamicSlidingWindowLayer.update` build new tensors by `torch.cat` and never write into the
old ones (transformers 5.23), so copying the layer objects and sharing their tensors is exact copy-on-write. Static
layers write in place and are copied whole.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer, StaticLayer, StaticSlidingWindowLayer

from medvlm.errors import BadModelFolder

_SHARED = (DynamicLayer, DynamicSlidingWindowLayer)
_COPIED = (StaticLayer, StaticSlidingWindowLayer)


@dataclass(frozen=True)
class Prefix:
    """The image part of a prompt, encoded: its cache and how many tokens it holds. Never written to.

    `offset` is added to the position of every token that follows: where an image takes fewer positions than tokens
    (Qwen-VL's `rope_deltas`, which transformers keeps on the module and which the next study overwrites).
    """

    cache: Cache
    length: int
    offset: int = 0

    @property
    def nbytes(self) -> int:
        return storage_bytes(self.tensors)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(tensor for layer in self.cache.layers for tensor in (layer.keys, layer.values))


def fork(cache: Cache) -> Cache:
    """A cache that starts as `cache` and grows alone: shared tensors where layers are dynamic, copies where static.

    Raises `BadModelFolder` for any other layer (quantised, offloaded, recurrent): it writes in place.
    """
    kinds = {type(layer) for layer in cache.layers}
    if kinds <= set(_COPIED):
        return copy.deepcopy(cache)
    if not kinds <= set(_SHARED):
        raise BadModelFolder("this model's cache writes in place and cannot be forked")
    forked = copy.copy(cache)
    forked.layers = [copy.copy(layer) for layer in cache.layers]
    return forked


def stacked(caches: Sequence[Cache]) -> Cache:
    """One cache with a row for each of `caches`, padded with zeros on the left to the longest.

    For one forward with a mask of its own (`medvlm.engine.packed_batch`), which hides the padding. Dynamic layers only.
    """
    forked = fork(caches[0])
    if len(caches) == 1:
        return forked
    if not all(isinstance(layer, _SHARED) for cache in caches for layer in cache.layers):
        raise BadModelFolder("caches that write in place cannot be put side by side")
    for number, layer in enumerate(forked.layers):
        rows = [cache.layers[number] for cache in caches]
        layer.keys = _side_by_side([row.keys for row in rows])
        layer.values = _side_by_side([row.values for row in rows])
    return forked


def _side_by_side(rows: Sequence[Tensor]) -> Tensor:
    longest = max(row.shape[-2] for row in rows)
    return torch.cat([pad(row, (0, 0, longest - row.shape[-2], 0)) for row in rows])


def compacted(cache: DynamicCache) -> DynamicCache:
    """The same cache without storage behind a view: a sliding layer keeps its last window of a longer tensor alive."""
    for layer in cache.layers:
        for name in ("keys", "values"):
            tensor = getattr(layer, name)
            if tensor.untyped_storage().nbytes() > tensor.nbytes:
                setattr(layer, name, tensor.clone())
    return cache


def storage_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of the distinct storages behind the tensors: forks share them."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())


@dataclass(frozen=True)
class PackedRow:
    """Several questions in one row: `ids`, `positions` (1, q), `mask` (1, 1, q, prefix + q), `ends` (questions,)."""

    ids: Tensor
    positions: Tensor
    mask: Tensor
    ends: Tensor


def pack(questions: Sequence[Sequence[int]], prefix_length: int) -> PackedRow:
    """Questions side by side: each sees the prefix and itself, none sees another; positions restart for each."""
    lengths = torch.tensor([len(question) for question in questions])
    number = torch.repeat_interleave(torch.arange(len(questions)), lengths)
    within = torch.cat([torch.arange(len(question)) for question in questions])
    seen = (number.unsqueeze(0) == number.unsqueeze(1)) & (within.unsqueeze(0) <= within.unsqueeze(1))
    seen = torch.cat([torch.ones(len(number), prefix_length, dtype=torch.bool), seen], 1)
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    return PackedRow(
        ids=torch.tensor([token for question in questions for token in question]).unsqueeze(0),
        positions=(within + prefix_length).unsqueeze(0),
        mask=mask.view(1, 1, *mask.shape),
        ends=lengths.cumsum(0) - 1,
    )
