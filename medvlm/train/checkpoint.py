"""Checkpoints: the state of everything that a stage carries from one epoch to the next, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch


class Stateful(Protocol):
    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


def save(path: Path, epochs: int, *parts: Stateful) -> None:
    """Record that `epochs` are done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.save({"epochs": epochs, "parts": [part.state_dict() for part in parts]}, temporary)
    temporary.replace(path)


def resume(path: Path, *parts: Stateful) -> int:
    """Load the state into `parts`; how many epochs are done, 0 without a checkpoint."""
    if not path.exists():
        return 0
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for part, state in zip(parts, saved["parts"], strict=True):
        part.load_state_dict(state)
    return int(saved["epochs"])
