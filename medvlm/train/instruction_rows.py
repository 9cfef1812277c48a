"""Rows of stage 2: one image, then several questions packed side by side so that none sees another.

    <user> <image>×n | question <assistant> | question <assistant> | request <assistant> report <end> | …

Positions restart behind the image for each question; each token sees the image part and its own question.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from medvlm.families.embedded import ASSISTANT, END, IMAGE, USER
from medvlm.train import language
from medvlm.train.films import FINDINGS

IGNORED = -100


@dataclass(frozen=True)
class Block:
    """One question of a row. `answer` counts the last tokens to be learnt; `finding` ≥ 0 for a closed question."""

    ids: tuple[int, ...]
    answer: int
    finding: int
    negated: bool


@dataclass(frozen=True)
class Rows:
    """A batch: `ids`, `positions`, `blocks` (n, t); `targets` (n, t) next-token ids or IGNORED.

    `asked` (k, 3): row, column of the <assistant> token, finding; `sign` (k,): −1 where "yes" means absent.
    `blocks` is 0 for the image part, −1 for padding.
    """

    ids: Tensor
    positions: Tensor
    blocks: Tensor
    targets: Tensor
    asked: Tensor
    sign: Tensor


class RowBuilder:
    """Builds rows for a tokenizer; all chance comes from the generator that is handed in."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, image_tokens: int) -> None:
        control = {name: tokenizer.convert_tokens_to_ids(name) for name in (USER, IMAGE, ASSISTANT, END)}
        self._tokenizer = tokenizer
        self._assistant, self._end = control[ASSISTANT], control[END]
        self._prefix = [control[USER]] + [control[IMAGE]] * image_tokens

    def row(
        self, labels: Sequence[float], ap: bool, questions: int, with_report: bool, rng: random.Random
    ) -> list[Block]:
        """Closed questions about findings of chance, present ones first, and sometimes a report and the view."""
        order = sorted(range(len(FINDINGS)), key=lambda k: rng.random() - 0.3 * labels[k])
        blocks = [self._closed(language.closed_question(k, rng)) for k in order[:questions]]
        if with_report:
            blocks.append(self._open(language.REPORT_REQUEST, language.report(labels, ap, rng)))
            blocks.append(self._open(rng.choice(language.VIEW_REQUESTS), language.VIEW_OF[ap]))
        return blocks

    def _closed(self, question: language.ClosedQuestion) -> Block:
        ids = (*self._tokenizer.encode(question.text), self._assistant)
        return Block(ids, 0, question.finding, question.negated)

    def _open(self, request: str, answer: str) -> Block:
        said = (*self._tokenizer.encode(answer), self._end)
        return Block((*self._tokenizer.encode(request), self._assistant, *said), len(said), -1, False)

    def batch(self, rows: Sequence[Sequence[Block]]) -> Rows:
        start = len(self._prefix)
        width = start + max(sum(len(block.ids) for block in row) for row in rows)
        ids, positions, targets = (torch.full((len(rows), width), fill) for fill in (0, start, IGNORED))
        blocks = torch.full((len(rows), width), -1)
        asked: list[tuple[int, int, int]] = []
        sign: list[float] = []
        for r, row in enumerate(rows):
            ids[r, :start], positions[r, :start], blocks[r, :start] = torch.tensor(self._prefix), torch.arange(start), 0
            column = start
            for number, block in enumerate(row, 1):
                end = column + len(block.ids)
                ids[r, column:end] = torch.tensor(block.ids)
                positions[r, column:end] = torch.arange(start, start + len(block.ids))
                blocks[r, column:end] = number
                if block.answer:
                    targets[r, end - block.answer - 1 : end - 1] = ids[r, end - block.answer : end]
                else:
                    asked.append((r, end - 1, block.finding))
                    sign.append(-1.0 if block.negated else 1.0)
                column = end
        return Rows(ids, positions, blocks, targets, torch.tensor(asked), torch.tensor(sign))


def packed_mask(blocks: Tensor, dtype: torch.dtype) -> Tensor:
    """Additive mask (n, 1, t, t): a token sees earlier tokens of the image part and of its own question."""
    length = blocks.shape[1]
    key, query = blocks.unsqueeze(1), blocks.unsqueeze(2)
    seen = ((key == 0) | (key == query)) & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min).unsqueeze(1)
