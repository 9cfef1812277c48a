"""Which family a folder of weights belongs to, told by its config.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medvlm.errors import BadModelFolder
from medvlm.families.chexagent import CHEXAGENT
from medvlm.families.fastvlm import FASTVLM
from medvlm.families.lingshu import LINGSHU
from medvlm.families.llava_rad import LLAVA, LLAVA_RAD
from medvlm.families.maira import MAIRA
from medvlm.families.medgemma import MEDGEMMA
from medvlm.families.nv_reason import NV_REASON
from medvlm.families.profile import Family
from medvlm.families.qwen_vl import QWEN3_VL, QWEN25_VL

CONFIG_FILE = "config.json"


def families() -> tuple[Family, ...]:
    """Every family known; of one architecture, those told by their name come before the one that is not."""
    return (
        FASTVLM,
        MEDGEMMA,
        CHEXAGENT,
        MAIRA,
        LLAVA_RAD,
        LLAVA,
        LINGSHU,
        NV_REASON,
        QWEN25_VL,
        QWEN3_VL,
    )


def family_named(name: str) -> Family:
    """Raises `BadModelFolder` with the names that exist."""
    for family in families():
        if family.name == name:
            return family
    raise BadModelFolder(f"no family is called {name!r}", way_out=_known())


def family_of(folder: Path) -> Family:
    """The family of the weights in `folder`.

    Told by `architectures`, then by `model_type`, and among families of one architecture by words in the names that
    config.json and the folder carry. Raises `BadModelFolder` when there is no config.json or no family fits.
    """
    config = read_config(folder)
    architectures = _texts(config.get("architectures"))
    by_class = [family for family in families() if set(family.architectures) & set(architectures)]
    by_type = [family for family in families() if str(config.get("model_type", "")) in family.model_types]
    fitting = by_class or ([] if architectures else by_type)
    if not fitting:
        what = ", ".join(architectures) or str(config.get("model_type") or "nothing")
        raise BadModelFolder(f"no family is known for {what}", where=str(folder), way_out=_known())
    return _by_name(fitting, f"{folder.name} {config.get('_name_or_path', '')}".lower())


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a folder of weights. Raises `BadModelFolder` when it is missing or no JSON object."""
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        way_out = "Name a folder as Hugging Face saves it, with config.json and safetensors."
        raise BadModelFolder("no config.json that can be read", where=str(folder), way_out=way_out) from error
    if not isinstance(config, dict):
        raise BadModelFolder("config.json holds no object", where=str(path))
    return config


def _by_name(fitting: list[Family], name: str) -> Family:
    hinted = [family for family in fitting if any(hint in name for hint in family.name_hints)]
    plain = [family for family in fitting if not family.name_hints]
    return (hinted or plain or fitting)[0]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _known() -> str:
    return "Known: " + "; ".join(f"{family.name} ({', '.join(family.architectures)})" for family in families()) + "."
