"""The network of the embedded model: pixels to an encoded prefix, questions on a prefix to log-odds.

Inference is under one lock: torch already uses every core that it was given for one call.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    AutoTokenizer,
    DynamicCache,
    FastVlmForConditionalGeneration,
    PreTrainedTokenizerFast,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import logging

from medvlm.engine.encoding import as_seen, both_ways
from medvlm.engine.prefix_cache import PackedRow, Prefix, fork, pack
from medvlm.errors import BadModelFolder
from medvlm.families.embedded import ASSISTANT, FRAME, IMAGE, NO, STRIDE, USER, YES

WEIGHTS_FILE = "model.safetensors"
_AT_ONCE = 25
"""Pictures that the encoder takes in one call when many are to be seen."""


@dataclass(frozen=True)
class Encoded:
    """A film encoded once: the prefix for questions, and `features` (1, channels, rows, columns) of the encoder."""

    prefix: Prefix
    features: Tensor

    @property
    def nbytes(self) -> int:
        return self.prefix.nbytes + self.features.nbytes


class Network:
    """A `FastVlmForConditionalGeneration` in evaluation mode with its tokenizer. Safe to call from several threads."""

    def __init__(
        self, model: FastVlmForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, weights_digest: str
    ) -> None:
        self._model = model.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self._yes, self._no = (tokenizer.encode(word)[0] for word in (YES, NO))
        user, image, self._assistant = (tokenizer.convert_tokens_to_ids(token) for token in (USER, IMAGE, ASSISTANT))
        self.weights_digest = weights_digest
        self.image_size = FRAME
        self._side: int = model.config.vision_config.image_size
        tokens = (self._side // STRIDE) ** 2
        self._prefix_ids = torch.tensor([[user] + [image] * tokens])

    @torch.inference_mode()
    def encode(self, pixels: npt.NDArray[np.float32]) -> Encoded:
        """pixels (image_size, image_size), 0–1, dense tissue bright."""
        picture = as_seen(torch.from_numpy(pixels).float()[None, None], self._side)
        with self._lock:
            grid = both_ways(self._tower, picture)
            cache = DynamicCache(config=self._model.config.get_text_config())
            self._model(
                input_ids=self._prefix_ids,
                mm_encoder_outputs={"image": self._tokens(grid)},
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return Encoded(Prefix(cache, self._prefix_ids.shape[1]), grid)

    def _tower(self, seen: Tensor) -> Tensor:
        return self._model.model.vision_tower(seen).last_hidden_state

    def _tokens(self, grid: Tensor) -> BaseModelOutputWithPooling:
        """The grid as the language model takes it, row by row."""
        tokens = self._model.model.multi_modal_projector(grid.flatten(2).transpose(1, 2))
        return BaseModelOutputWithPooling(last_hidden_state=grid, pooler_output=tokens)

    @torch.inference_mode()
    def mean_features(self, pictures: Tensor) -> Tensor:
        """(n, 1, image_size, image_size) 0–1 -> (n, channels): the encoder's features, averaged over places."""
        with self._lock:
            parts = [both_ways(self._tower, as_seen(part, self._side)) for part in pictures.split(_AT_ONCE)]
        return torch.cat([part.mean((2, 3)) for part in parts])

    def blank(self) -> Encoded:
        """A flat mid-grey picture: what the model says without an image."""
        return self.encode(np.full((self.image_size, self.image_size), 0.5, dtype=np.float32))

    def question_ids(self, text: str) -> list[int]:
        """A question of our own vocabulary as it stands in the prompt. Not for text from outside."""
        return [*self._tokenizer.encode(text), self._assistant]

    @torch.inference_mode()
    def log_odds(self, prefix: Prefix, questions: Sequence[str]) -> npt.NDArray[np.float64]:
        """z = logit(Yes) − logit(No) for each closed question, all in one packed row over a fork of the prefix."""
        row = pack([self.question_ids(text) for text in questions], prefix.length)
        with self._lock:
            logits = self._logits(prefix, row)
        return (logits[:, self._yes] - logits[:, self._no]).double().numpy()

    @torch.inference_mode()
    def choose(self, prefix: Prefix, question: str, answers: Sequence[str]) -> npt.NDArray[np.float64]:
        """Logits of the first tokens of `answers` to an open question."""
        row = pack([self.question_ids(question)], prefix.length)
        with self._lock:
            logits = self._logits(prefix, row)[0]
        return logits[[self._tokenizer.encode(answer)[0] for answer in answers]].double().numpy()

    def _logits(self, prefix: Prefix, row: PackedRow) -> Tensor:
        return self._model(
            input_ids=row.ids,
            position_ids=row.positions,
            attention_mask=row.mask,
            past_key_values=fork(prefix.cache),
            use_cache=True,
            logits_to_keep=row.ends,
        ).logits[0]


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Loading takes half a second: transformers' bar would only spoil a program's own output."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def load_network(folder: Path) -> Network:
    """The network in `folder`, in float32.

    Raises `BadModelFolder` when weights are missing or are not those of this class.
    """
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise BadModelFolder("no weights", where=str(folder), way_out="Run medvlm train, or reinstall the package.")
    try:
        with _no_progress_bar():
            model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadModelFolder(f"the weights do not load: {error}", where=str(folder)) from error
    return Network(model, tokenizer, hashlib.sha256(weights.read_bytes()).hexdigest())
