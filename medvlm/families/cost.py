"""What a folder of weights costs, from config.json and the headers of its safetensors alone: no weight is read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medvlm.errors import BadModelFolder
from medvlm.families.embedded import FRAME
from medvlm.families.pictures import whole_steps
from medvlm.families.profile import Family
from medvlm.families.registry import family_of, read_config

_HEADER_BYTES = 100 << 20
_TEXT_TOKENS = 100
"""Tokens of turns, context and a question beside the images."""
_FILM = 1024
"""Pixels a side of the film that a study is reckoned with where a family takes images as they are."""
_STEP = {"qwen2_5_vl": 28, "qwen2_vl": 28, "qwen3_vl": 32}
_CACHE_BYTES = 2
_NF4_BYTES = 0.5 + 4 / 64
"""Four bits and a float32 scale for each block of 64 (bitsandbytes' NF4 without double quantisation)."""


@dataclass(frozen=True)
class Layer:
    """One attention layer: bytes that a token's keys and values take, and its window (0: it sees everything)."""

    token_bytes: int
    window: int


@dataclass(frozen=True)
class Cost:
    """Bytes, unless a name says otherwise. The cache is reckoned in 16 bits; 8 and 4 bits do not shrink it.

    `film_tokens` is a study of one radiograph, `volume_tokens` one of as many slices as the family takes (0: none).
    """

    family: str
    licence: str
    research_only: bool
    parameters: int
    memory: dict[str, int]
    cache_per_token: int
    film_tokens: int
    film_cache: int
    volume_tokens: int
    volume_cache: int


def cost(folder: Path) -> Cost:
    """Raises `BadModelFolder` when the family is unknown or the headers cannot be read."""
    family, config = family_of(folder), read_config(folder)
    tensors = _tensors(folder)
    parameters = sum(math.prod(shape) for shape in tensors.values())
    layers = _layers(tensors, config)
    image = _image_tokens(family, config)
    film = image + _TEXT_TOKENS
    volume = image * family.images.most + _TEXT_TOKENS if family.volumes else 0
    return Cost(
        family=family.name,
        licence=family.licence,
        research_only=family.research_only,
        parameters=parameters,
        memory=_memory(tensors, parameters),
        cache_per_token=sum(layer.token_bytes for layer in layers),
        film_tokens=film,
        film_cache=_cache(layers, film),
        volume_tokens=volume,
        volume_cache=_cache(layers, volume),
    )


def _memory(tensors: dict[str, tuple[int, ...]], parameters: int) -> dict[str, int]:
    """Quantised are the matrices of linear layers; embeddings, output layer, norms and convolutions keep 16 bits."""
    matrices = sum(math.prod(shape) for name, shape in tensors.items() if len(shape) == 2 and _is_linear(name))
    rest = parameters - matrices
    return {
        "float32": 4 * parameters,
        "bfloat16": 2 * parameters,
        "8 bit": matrices + 2 * rest,
        "4 bit": round(_NF4_BYTES * matrices) + 2 * rest,
    }


def _is_linear(name: str) -> bool:
    return name.endswith(".weight") and "embed" not in name and "lm_head" not in name


def _tensors(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor in the folder's safetensors."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BadModelFolder("no safetensors", where=str(folder), way_out="Convert the weights to safetensors.")
    found: dict[str, tuple[int, ...]] = {}
    for file in files:
        found |= _header(file)
    return found


def _header(file: Path) -> dict[str, tuple[int, ...]]:
    """The header: eight bytes of its length, little-endian, then JSON (safetensors, "Format")."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if length > _HEADER_BYTES:
                raise ValueError("header too long")
            entries: dict[str, Any] = json.loads(stream.read(length))
        return {
            name: tuple(int(side) for side in entry["shape"])
            for name, entry in entries.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadModelFolder("the header of the weights cannot be read", where=str(file)) from error


def _layers(tensors: dict[str, tuple[int, ...]], config: dict[str, Any]) -> list[Layer]:
    """Layers of the language model by the shapes of their key and value projections: no default has to be guessed."""
    keyed: dict[int, int] = {}
    for name, shape in tensors.items():
        if name.endswith(("k_proj.weight", "v_proj.weight")) and not any(part in name for part in ("vision", "visual")):
            number = next((int(part) for part in name.split(".") if part.isdigit()), 0)
            keyed[number] = keyed.get(number, 0) + shape[0] * _CACHE_BYTES
    windows = _windows(config, len(keyed))
    return [Layer(size, window) for (_, size), window in zip(sorted(keyed.items()), windows, strict=True)]


def _windows(config: dict[str, Any], layers: int) -> list[int]:
    """The window of each layer; Gemma 3 slides in five of six where its configuration names no layers."""
    text = _section(config, "text_config") or config
    window = int(text.get("sliding_window") or 0)
    kinds = text.get("layer_types")
    if isinstance(kinds, list) and len(kinds) == layers:
        return [window if kind == "sliding_attention" else 0 for kind in kinds]
    if str(config.get("model_type")) == "gemma3":
        every = int(text.get("sliding_window_pattern") or 6)
        return [0 if (number + 1) % every == 0 else window for number in range(layers)]
    return [0] * layers


def _section(config: dict[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def _cache(layers: list[Layer], tokens: int) -> int:
    """A sliding layer keeps one token less than its window."""
    return sum(layer.token_bytes * (min(tokens, layer.window - 1) if layer.window else tokens) for layer in layers)


def _image_tokens(family: Family, config: dict[str, Any]) -> int:
    if family.images.tokens:
        return family.images.tokens
    step = next((_STEP[kind] for kind in family.model_types if kind in _STEP), 0)
    if step:
        width, height = whole_steps(_FILM, _FILM, step, 1280 * 28 * 28)
        return (width // step) * (height // step)
    vision = _section(config, "vision_config")
    side, patch = int(vision.get("image_size") or FRAME), int(vision.get("patch_size") or 32)
    return (side // patch) ** 2
