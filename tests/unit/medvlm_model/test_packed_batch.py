"""Masks of packed questions: what each token may see, for full and for sliding attention."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache

from medvlm.engine.packed_batch import Row, ends, packed_batch
from medvlm.engine.prefix_cache import Prefix

rows = st.lists(
    st.tuples(st.integers(1, 12), st.lists(st.integers(1, 4), min_size=1, max_size=3)), min_size=1, max_size=3
)


@given(rows, st.one_of(st.none(), st.integers(2, 10)))
def test_a_token_sees_its_prefix_and_its_own_question_within_the_window(
    shapes: list[tuple[int, list[int]]], window: int | None
) -> None:
    given_rows = []
    for length, sizes in shapes:
        questions = tuple(tuple(range(size)) for size in sizes)
        given_rows.append(Row(Prefix(DynamicCache(), length, offset=-1), questions, ends(questions)))
    batch = packed_batch(given_rows, frozenset({window}), torch.float32)
    kept = max(length if window is None else min(length, window - 1) for length, _ in shapes)
    for row, (length, sizes) in enumerate(shapes):
        place = 0
        for size in sizes:
            for within in range(size):
                seen = batch.masks[window][row, 0, place + within] == 0
                prefix = [length - kept + column for column in range(kept) if seen[column]]
                own = [int(column) - kept - place for column in seen.nonzero()[:, 0] if column >= kept]
                first = 0 if window is None else length + within - window + 1
                assert prefix == list(range(max(0, first), length))
                assert own == list(range(0 if window is None else max(0, within - window + 1), within + 1))
                assert int(batch.positions[row, place + within]) == length - 1 + within
            place += size
        assert [int(end) for end in batch.wanted[row, : len(sizes)]] == list(torch.tensor(sizes).cumsum(0) - 1)
