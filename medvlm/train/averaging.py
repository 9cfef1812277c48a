"""Exponential averages of weights and running statistics."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def averaged_copy(model: Module) -> Module:
    return copy.deepcopy(model).eval().requires_grad_(False)


@torch.no_grad()
def step_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move every floating-point tensor of `average` towards `model`; copy the others."""
    current = model.state_dict()
    for name, kept in average.state_dict().items():
        if kept.is_floating_point():
            kept.lerp_(current[name].to(kept.dtype), 1.0 - decay)
        else:
            kept.copy_(current[name])
