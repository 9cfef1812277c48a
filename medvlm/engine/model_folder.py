"""A local Hugging Face folder of any image-text-to-text model: checked, loaded, its adapters beside it.

Nothing is fetched. Weights are safetensors only, for other formats run code as they load; code beside the weights runs
only where it was allowed by name and by the digest of every file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from torch import Tensor
from transformers import (
    AutoImageProcessor,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from medvlm.engine.calibration import CALIBRATION_FILE
from medvlm.engine.load_settings import AllowedCode, LoadSettings
from medvlm.engine.vision_language import Adapt, no_adapters
from medvlm.errors import BadModelFolder
from medvlm.families.profile import Family
from medvlm.families.registry import family_of, read_config

ADAPTER_WEIGHTS = "adapter_model.safetensors"
_SHAPES_ANSWERS = frozenset({".safetensors", ".json", ".jinja", ".model", ".py", ".txt"})


@dataclass(frozen=True)
class LoadedFolder:
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    process: Callable[[Sequence[Any]], Mapping[str, Tensor]]
    family: Family
    weights_digest: str
    adapter_digests: Mapping[str, str]
    adapt: Adapt


def load_folder(folder: Path, settings: LoadSettings) -> LoadedFolder:
    """The model in `folder` with its adapters. Raises `BadModelFolder` with the cause and the way out."""
    family = family_of(folder)
    if family.loader == "server_only":
        way_out = "Run it behind an OpenAI-compatible server in an environment of its own."
        raise BadModelFolder(f"{family.title} needs an older transformers", where=str(folder), way_out=way_out)
    trusted = _code_is_allowed(folder, settings.allowed_code)
    if not any(folder.glob("*.safetensors")):
        raise BadModelFolder("no weights as safetensors", where=str(folder), way_out="Convert them to safetensors.")
    adapter_digests = {name: _adapter_digest(name, path) for name, path in settings.adapters.items()}
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = _model(folder, settings, trusted)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=trusted)
        process = _processor(folder, trusted)
        adapt = _adapters(model, settings.adapters)
    except (OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
        raise BadModelFolder(f"the model does not load: {error}", where=str(folder)) from error
    finally:
        if shown:
            logging.enable_progress_bar()
    return LoadedFolder(model, tokenizer, process, family, folder_digest(folder), adapter_digests, adapt)


def folder_digest(folder: Path) -> str:
    """SHA-256 over every file that shapes an answer, by name; the calibration has a digest of its own."""
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix in _SHAPES_ANSWERS and path.name != CALIBRATION_FILE:
            whole.update(f"{path.name}\0{_file_digest(path)}\n".encode())
    return whole.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _adapter_digest(name: str, path: Path) -> str:
    if not name.isidentifier():
        raise BadModelFolder(f"{name!r} is no name for an adapter", way_out="Use letters, digits and underscores.")
    if not (path / ADAPTER_WEIGHTS).is_file():
        raise BadModelFolder(f"no adapter with {ADAPTER_WEIGHTS}", where=str(path), way_out="Name a folder of peft.")
    return folder_digest(path)


def _code_is_allowed(folder: Path, allowed: Sequence[AllowedCode]) -> bool:
    """Whether the folder's own code is to run: False where it has none. Raises `BadModelFolder` where it may not."""
    config = read_config(folder)
    named = _auto_map(config)
    files = {str(path.relative_to(folder)): _file_digest(path) for path in sorted(folder.rglob("*.py"))}
    if not named:
        return False
    if any("--" in name for name in named):
        raise BadModelFolder("the model names code of another repository", where=str(folder))
    architectures = config.get("architectures") or []
    if any(one.architecture in architectures and dict(one.digests) == files for one in allowed):
        return True
    way_out = "Read these files; then allow them by name and digest: " + ", ".join(
        f"{name} {digest}" for name, digest in files.items()
    )
    raise BadModelFolder("the model runs code of its own that was not allowed", where=str(folder), way_out=way_out)


def _auto_map(config: Mapping[str, Any]) -> list[str]:
    value = config.get("auto_map") or {}
    return [str(name) for name in value.values()] if isinstance(value, dict) else ["?"]


def _model(folder: Path, settings: LoadSettings, trusted: bool) -> PreTrainedModel:
    kind = AutoModelForCausalLM if trusted and _is_causal(folder) else AutoModelForImageTextToText
    return kind.from_pretrained(
        folder,
        dtype=settings.dtype if settings.dtype == "auto" else getattr(torch, settings.dtype),
        device_map=_device(settings),
        quantization_config=_quantised(settings),
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=trusted,
    )


def _is_causal(folder: Path) -> bool:
    return "AutoModelForImageTextToText" not in (read_config(folder).get("auto_map") or {})


def _device(settings: LoadSettings) -> str:
    if settings.device.startswith("cuda") and not torch.cuda.is_available():
        raise BadModelFolder(f"there is no {settings.device} on this machine", way_out="Use the device cpu.")
    return settings.device


def _quantised(settings: LoadSettings) -> BitsAndBytesConfig | None:
    if not settings.bits:
        return None
    if settings.bits not in (4, 8):
        raise BadModelFolder(f"weights of {settings.bits} bits are not known", way_out="Take 8, 4 or 0.")
    if not settings.device.startswith("cuda") or not torch.cuda.is_available():
        way_out = "Load it on a CUDA device, or unquantised."
        raise BadModelFolder(f"{settings.bits}-bit weights need CUDA", way_out=way_out)
    try:
        import bitsandbytes  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError as error:
        raise BadModelFolder("bitsandbytes is not installed", way_out="pip install bitsandbytes") from error
    return BitsAndBytesConfig(load_in_8bit=settings.bits == 8, load_in_4bit=settings.bits == 4)


def _processor(folder: Path, trusted: bool) -> Callable[[Sequence[Any]], Mapping[str, Tensor]]:
    """The folder's image processor by its PIL implementation, so that pixels do not depend on what is installed."""
    processor = AutoImageProcessor.from_pretrained(
        folder, local_files_only=True, trust_remote_code=trusted, backend="pil"
    )
    return lambda pictures: dict(processor(images=list(pictures), return_tensors="pt"))


def _adapters(model: PreTrainedModel, adapters: Mapping[str, Path]) -> Adapt:
    """Puts every adapter into the model, none active. One is active at a time; the caller holds the model's lock."""
    if not adapters:
        return no_adapters
    for name, path in adapters.items():
        kind = PeftConfig.from_pretrained(str(path)).peft_type
        if str(getattr(kind, "value", kind)) != "LORA":
            raise BadModelFolder(f"adapter {name!r} is no LoRA", where=str(path))
    (first, path), *others = adapters.items()
    wrapped = PeftModel.from_pretrained(model, str(path), adapter_name=first, is_trainable=False)
    for name, path in others:
        wrapped.load_adapter(str(path), adapter_name=name, is_trainable=False)
    layers: Any = wrapped.base_model
    active: list[str | None] = [None]

    def adapt(name: str) -> None:
        if name == active[0]:
            return
        if not name:
            layers.disable_adapter_layers()
        elif name in adapters:
            layers.enable_adapter_layers()
            wrapped.set_adapter(name)
        else:
            no_adapters(name)
        active[0] = name

    return adapt
