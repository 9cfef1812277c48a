"""A study encoded once: its images seen once, each prompt over them kept as a prefix that questions fork.

A study of blank images is encoded in the same way, once for all studies of as many images: what an answer is compared
with to see whether the image was used.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from medvlm.engine.combined_calls import CombinedCalls
from medvlm.engine.first_token import YesNo
from medvlm.engine.packed_batch import Row, ends
from medvlm.engine.prefix_cache import Prefix, storage_bytes
from medvlm.engine.prompt_ids import PromptIds
from medvlm.engine.vision_language import Features, VisionLanguage
from medvlm.errors import BadModelFolder
from medvlm.families.pictures import Prepared, blank_picture
from medvlm.families.profile import Family, Pieces, pictures_of

ImageProcessor = Callable[[Sequence[Any]], Mapping[str, Tensor]]
"""Pictures (rows, columns, 3) uint8 in the prompt's order to what the vision tower takes."""

_ROWS_AT_ONCE = 8
_PREFIXES_KEPT = 2
_BLANKS_KEPT = 4


@dataclass(frozen=True)
class Asked:
    """Rows of one forward, under one adapter."""

    adapter: str
    rows: tuple[Row, ...]


@dataclass
class Engine:
    """Everything of one folder of weights that encodes and asks; shared by its sessions and safe between threads."""

    vlm: VisionLanguage
    ids: PromptIds
    family: Family
    process: ImageProcessor
    _blanks: OrderedDict[tuple[str, int], StudyEncoding] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._together = CombinedCalls(self._run, _ROWS_AT_ONCE)

    def logits(self, adapter: str, rows: Sequence[Row]) -> list[Tensor]:
        """Logits (wanted, vocabulary) of each row; calls of other threads share the forward."""
        return self._together(Asked(adapter, tuple(rows)))

    def _run(self, batch: Sequence[Asked]) -> list[list[Tensor]]:
        answers: dict[int, list[Tensor]] = {}
        for adapter in dict.fromkeys(asked.adapter for asked in batch):
            numbers = [number for number, asked in enumerate(batch) if asked.adapter == adapter]
            given = self.vlm.logits([row for number in numbers for row in batch[number].rows], adapter)
            for number in numbers:
                answers[number] = [given.pop(0) for _ in batch[number].rows]
        return [answers[number] for number in range(len(batch))]

    def yes_no(self, adapter: str, prefix: Prefix, questions: Sequence[Pieces]) -> list[YesNo]:
        """Closed questions in one packed row: z = log Σ p(yes spellings) − log Σ p(no spellings), and their mass."""
        turns = tuple(self.ids.ids(question) for question in questions)
        (logits,) = self.logits(adapter, [Row(prefix, turns, ends(turns))])
        shares = logits.log_softmax(-1)
        yes = shares[:, list(self.ids.yes)].logsumexp(-1)
        no = shares[:, list(self.ids.no)].logsumexp(-1)
        return [YesNo(float(z), float(mass)) for z, mass in zip(yes - no, yes.exp() + no.exp(), strict=True)]

    def log_likelihoods(self, adapter: str, prefixes: Sequence[Prefix], turn: Pieces, answer: Sequence[int]) -> Tensor:
        """Mean natural log of the probability of the answer's tokens over each prefix (prefixes,), in one batch."""
        asked = self.ids.ids(turn)
        row, first = (*asked, *answer), len(asked) - 1
        wanted = tuple(range(first, first + len(answer)))
        given = self.logits(adapter, [Row(prefix, (row,), wanted) for prefix in prefixes])
        said = torch.tensor([[token] for token in answer], device=self.vlm.device)
        return torch.stack([logits.log_softmax(-1).gather(1, said).mean() for logits in given]).cpu()

    def blank(self, adapter: str, images: int) -> StudyEncoding:
        """A study of as many blank images; kept, so that all studies of that many images share it."""
        key = (adapter, images)
        with self._lock:
            if key not in self._blanks:
                self._blanks[key] = StudyEncoding(self, adapter, [blank_picture(self.family)] * images)
            self._blanks.move_to_end(key)
            while len(self._blanks) > _BLANKS_KEPT:
                self._blanks.popitem(last=False)
            return self._blanks[key]


class StudyEncoding:
    """Images of one study under one adapter. Nothing is computed before it is asked for."""

    def __init__(self, engine: Engine, adapter: str, pictures: Sequence[Prepared]) -> None:
        self._engine = engine
        self._adapter = adapter
        self._pictures = pictures
        self._seen: dict[tuple[int, ...], Features] = {}
        self._prefixes: OrderedDict[tuple[int, ...], Prefix] = OrderedDict()
        self._log_odds: dict[tuple[Pieces, Pieces], float] = {}
        self._working = threading.RLock()

    @property
    def nbytes(self) -> int:
        """Distinct storages of features and prefixes."""
        with self._working:
            features = [tensor for seen in self._seen.values() for tensor in seen.tensors]
            return storage_bytes([*features, *(tensor for one in self._prefixes.values() for tensor in one.tensors)])

    def prefix(self, pieces: Pieces) -> Prefix:
        """The prompt encoded over the images. The last few are kept; the images are seen once for all."""
        with self._working:
            order = pictures_of(pieces)
            features = self._features(order)
            counts = dict(zip(order, features.tokens, strict=True)) if features else {}
            ids = self._engine.ids.ids(pieces, [counts.get(index, 0) for index in range(len(self._pictures))])
            if ids not in self._prefixes:
                self._prefixes[ids] = self._engine.vlm.encode(ids, features, self._adapter)
            self._prefixes.move_to_end(ids)
            while len(self._prefixes) > _PREFIXES_KEPT:
                self._prefixes.popitem(last=False)
            return self._prefixes[ids]

    def _features(self, order: tuple[int, ...]) -> Features | None:
        if order and order not in self._seen:
            inputs = self._engine.process([self._pictures[index].pixels for index in order])
            features = self._engine.vlm.see(inputs, self._adapter)
            if len(features.tokens) != len(order):
                raise BadModelFolder("the vision tower gave another number of images than it was shown")
            self._seen[order] = features
        return self._seen.get(order)

    def kept_log_odds(self, pieces: Pieces, questions: Sequence[Pieces]) -> list[float]:
        """z of closed questions that are asked of every study alike: computed once (for blank images)."""
        with self._working:
            missing = [question for question in questions if (pieces, question) not in self._log_odds]
            if missing:
                given = self._engine.yes_no(self._adapter, self.prefix(pieces), missing)
                for question, answer in zip(missing, given, strict=True):
                    self._log_odds[pieces, question] = answer.log_odds
            return [self._log_odds[pieces, question] for question in questions]
