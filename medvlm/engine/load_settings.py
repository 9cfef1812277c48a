"""How a folder of weights is to be loaded: device, precision, adapters, and the code beside weights that may run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from medvlm.errors import BadModelFolder


@dataclass(frozen=True)
class AllowedCode:
    """Python beside weights that may run: the architecture it is for, and the SHA-256 of every .py file by its name."""

    architecture: str
    digests: Mapping[str, str]


@dataclass(frozen=True)
class LoadSettings:
    """`dtype` "auto" is that of the stored weights. `bits` 8 or 4 need CUDA and bitsandbytes; 0 is unquantised."""

    device: str = "cpu"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    bits: int = 0
    adapters: Mapping[str, Path] = field(default_factory=dict)
    allowed_code: tuple[AllowedCode, ...] = ()


def read_allowed_code(path: Path) -> tuple[AllowedCode, ...]:
    """A JSON list of `AllowedCode`. Raises `BadModelFolder` when it cannot be read."""
    try:
        return TypeAdapter(tuple[AllowedCode, ...]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        way_out = 'Write [{"architecture": "…", "digests": {"modeling.py": "SHA-256"}}].'
        raise BadModelFolder("no list of allowed code", where=str(path), way_out=way_out) from error


def adapter_paths(given: Sequence[str]) -> dict[str, Path]:
    """`NAME=PATH` as a command line has it. Raises `BadModelFolder` for another form."""
    pairs = [text.partition("=") for text in given]
    if not all(name.isidentifier() and path for name, _, path in pairs):
        raise BadModelFolder("an adapter is named otherwise than NAME=PATH", way_out="Write --adapter heart=DIR.")
    return {name: Path(path) for name, _, path in pairs}
