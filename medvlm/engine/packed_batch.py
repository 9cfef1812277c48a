"""Questions over encoded prefixes in one forward: a row for each prefix, its questions side by side in the row.

Each question sees its row's prefix and itself. Layers of one kind share a mask; a sliding layer's holds only what its
cache kept. Additive masks of four dimensions, so attention must be "sdpa" or "eager".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from medvlm.engine.prefix_cache import Prefix

Ids = Sequence[int]


@dataclass(frozen=True)
class Row:
    """Questions over one prefix. `wanted`: the places in the row (questions one after the other) to read logits at."""

    prefix: Prefix
    questions: tuple[tuple[int, ...], ...]
    wanted: tuple[int, ...]


def ends(questions: Sequence[Ids]) -> tuple[int, ...]:
    """The last place of each question in its row: where the answer's first token is read."""
    return tuple(int(end) - 1 for end in torch.tensor([len(question) for question in questions]).cumsum(0))


@dataclass(frozen=True)
class PackedBatch:
    """`ids`, `positions` (rows, q); `masks` by window (None: full attention), each (rows, 1, q, kept + q); `wanted`
    (rows, n), filled up with 0 where a row wants fewer."""

    ids: Tensor
    positions: Tensor
    masks: Mapping[int | None, Tensor]
    wanted: Tensor


def packed_batch(rows: Sequence[Row], windows: frozenset[int | None], dtype: torch.dtype) -> PackedBatch:
    """Rows of unequal length are filled up on the right with tokens that nothing sees."""
    width = max(sum(map(len, row.questions)) for row in rows)
    number = torch.stack([_filled(_numbers(row.questions), width, -1) for row in rows])
    within = torch.stack([_filled(_places(row.questions), width, 0) for row in rows])
    lengths = torch.tensor([row.prefix.length for row in rows])
    offsets = torch.tensor([row.prefix.offset for row in rows])
    most = max(len(row.wanted) for row in rows)
    return PackedBatch(
        ids=torch.stack([_filled(_tokens(row.questions), width, 0) for row in rows]),
        positions=within + (lengths + offsets).unsqueeze(1),
        masks={window: _mask(number, within, lengths, window, dtype) for window in windows},
        wanted=torch.stack([_filled(torch.tensor(row.wanted), most, 0) for row in rows]),
    )


def _mask(number: Tensor, within: Tensor, lengths: Tensor, window: int | None, dtype: torch.dtype) -> Tensor:
    """Additive (rows, 1, q, kept + q). Column j of the kept prefix is token `length − kept + j` of the row."""
    kept = lengths if window is None else lengths.clamp(max=window - 1)
    column = torch.arange(int(kept.max())) + (lengths - int(kept.max())).unsqueeze(1)
    index = within + lengths.unsqueeze(1)
    of_prefix = (column >= 0).unsqueeze(1).expand(-1, index.shape[1], -1)
    of_question = (number.unsqueeze(2) == number.unsqueeze(1)) & (within.unsqueeze(1) <= within.unsqueeze(2))
    if window is not None:
        of_prefix = of_prefix & (index.unsqueeze(2) - column.unsqueeze(1) < window)
        of_question = of_question & (within.unsqueeze(2) - within.unsqueeze(1) < window)
    seen = torch.cat([of_prefix, of_question], 2)
    return torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min).unsqueeze(1)


def _tokens(questions: Sequence[Ids]) -> Tensor:
    return torch.tensor([token for question in questions for token in question])


def _numbers(questions: Sequence[Ids]) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(questions)), torch.tensor([len(ids) for ids in questions]))


def _places(questions: Sequence[Ids]) -> Tensor:
    return torch.cat([torch.arange(len(ids)) for ids in questions])


def _filled(values: Tensor, width: int, filling: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, width - len(values)), value=filling)
