"""The adapted network: a copy of the base's language model with the adapter merged, on the base's own features."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import torch
from peft import PeftModel
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    AutoTokenizer,
    FastVlmForConditionalGeneration,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from medvlm.adapt.adapter import Taught
from medvlm.adapt.lora import Asker
from medvlm.contract import FindingName
from medvlm.errors import BadModelFolder


class TaughtNetwork:
    """The adapted network, for the taught findings only: features of a film to mean log-odds. Safe to share."""

    def __init__(
        self, model: FastVlmForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, taught: Taught
    ) -> None:
        self._asker = Asker(model.eval().requires_grad_(False), tokenizer)
        self._findings = taught.findings
        self._lock = threading.Lock()

    def log_odds(self, features: Tensor) -> dict[FindingName, float]:
        """features (1, channels, rows, columns); z of each taught finding, the mean over its wordings."""
        return self.log_odds_of_grids(as_grids(features))

    @torch.inference_mode()
    def log_odds_of_grids(self, grids: Tensor) -> dict[FindingName, float]:
        """grids (1, tokens, channels)."""
        wordings = [finding.calibration.wordings for finding in self._findings]
        with self._lock:
            z = self._asker.log_odds(grids, [text for texts in wordings for text in texts])[0]
        parts = z.double().split([len(texts) for texts in wordings])
        return {finding.name: float(part.mean()) for finding, part in zip(self._findings, parts, strict=True)}


def as_grids(features: Tensor) -> Tensor:
    """(n, channels, rows, columns) -> (n, tokens, channels), row by row as the model reads them."""
    return features.flatten(2).transpose(1, 2).float()


def load_taught_network(weights: Path, adapter: Path, taught: Taught) -> TaughtNetwork:
    """The base's language model with the adapter merged into it: a copy of its own, so that the base stays as it is.

    Raises `BadModelFolder` for an adapter that does not load.
    """
    model, tokenizer = load_model(weights)
    try:
        merged = PeftModel.from_pretrained(model, adapter, is_trainable=False).merge_and_unload()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BadModelFolder(f"the adapter does not load: {error}", where=str(adapter)) from error
    del merged.model.vision_tower  # the base's network encodes for both
    return TaughtNetwork(merged, tokenizer, taught)


def load_model(weights: Path) -> tuple[FastVlmForConditionalGeneration, PreTrainedTokenizerFast]:
    """Model and tokenizer as stock classes, in float32 and evaluation mode. Raises `BadModelFolder`."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = AutoModelForImageTextToText.from_pretrained(weights, dtype=torch.float32, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(weights, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadModelFolder(f"the weights do not load: {error}", where=str(weights)) from error
    finally:
        if shown:
            logging.enable_progress_bar()
    return cast(FastVlmForConditionalGeneration, model.eval()), cast(PreTrainedTokenizerFast, tokenizer)
