"""An adapter on disk: LoRA weights in peft's format and `taught.json`, which says what they were taught.

adapter_config.json, adapter_model.safetensors   peft
taught.json                                      findings, their questions and calibration, the base's digest
card.json, card.md                               for people
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from medvlm.contract import FindingName
from medvlm.engine.calibration import FindingCalibration
from medvlm.errors import BadModelFolder
from medvlm.vocabulary import Term

TAUGHT_FILE = "taught.json"
CARD_JSON, CARD_WORDS = "card.json", "card.md"
_DIGESTED = ("adapter_config.json", "adapter_model.safetensors", TAUGHT_FILE)


class TaughtFinding(BaseModel):
    """A finding as the adapter was taught it. `term` is the vocabulary's, or one made for a new name, without code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    term: Term
    calibration: FindingCalibration

    @property
    def name(self) -> FindingName:
        return self.term.name


class Taught(BaseModel):
    """`base_weights` is the SHA-256 of the weights that the adapter belongs to; on others it means nothing.

    `reliance_floor`: a change of log-odds against a blank image that is smaller says that the image was not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    base_weights: str
    findings: tuple[TaughtFinding, ...]
    reliance_floor: float

    @property
    def names(self) -> tuple[FindingName, ...]:
        return tuple(finding.name for finding in self.findings)


def read_taught(folder: Path) -> Taught:
    """Raises `BadModelFolder` when the folder holds no adapter of this kind."""
    try:
        taught = Taught.model_validate_json((folder / TAUGHT_FILE).read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise BadModelFolder(
            "no adapter that can be read", where=str(folder), way_out="Name a folder made by medvlm adapt."
        ) from error
    if missing := [name for name in _DIGESTED if not (folder / name).is_file()]:
        raise BadModelFolder(f"the adapter lacks {', '.join(missing)}", where=str(folder))
    return taught


def adapter_digest(folder: Path) -> str:
    """SHA-256 over everything in the folder that can change an answer."""
    whole = hashlib.sha256()
    for name in _DIGESTED:
        whole.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return whole.hexdigest()
