"""Key-value caches that are encoded once and forked for each question.

`DynamicLayer.update` builds new tensors by `torch.cat` and never writes into the old ones (transformers 5.23),
so copying the layer objects and sharing their tensors is exact copy-on-write.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from medvlm.errors import BadModelFolder


@dataclass(frozen=True)
class Prefix:
    """The image part of a prompt, encoded: its cache and how many tokens it holds. Never written to."""

    cache: DynamicCache
    length: int

    @property
    def nbytes(self) -> int:
        return storage_bytes(tensor for layer in self.cache.layers for tensor in (layer.keys, layer.values))


def fork(cache: DynamicCache) -> DynamicCache:
    """A cache that starts as `cache` and grows alone.

    Raises `BadModelFolder` for layers that write in place (static, quantised, recurrent): they cannot be shared.
    """
    if any(type(layer) is not DynamicLayer for layer in cache.layers):
        raise BadModelFolder("this model's cache writes in place and cannot be forked")
    forked = copy.copy(cache)
    forked.layers = [copy.copy(layer) for layer in cache.layers]
    return forked


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
