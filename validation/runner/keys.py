"""The key of an output: SHA-256 over all that the answer may depend on, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from medvlm.contract import ModelIdentity
from validation.asking import Asking

PREPROCESSING = "validation-input/1"
"""Raised whenever the suite writes altered files in another way: outputs made before are then made anew."""


def key_of(asking: Asking, model: ModelIdentity, seed: int) -> str:
    """Neither the case's name nor the probe's is in it. Raises `OSError` for an image that cannot be read."""
    document = {
        "preprocessing": PREPROCESSING,
        "model": model.digest,
        "images": _digests(asking.shown),
        "prior": _digests(asking.case.prior or ()),
        "context": asking.case.context.model_dump(mode="json"),
        "alteration": [str(asking.alteration), seed] if asking.alteration else None,
        "draft": asking.draft,
        "questions": [[each.id, each.text] for each in asking.questions],
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _digests(paths: Sequence[Path]) -> list[str]:
    return [_digest(path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]


@lru_cache(maxsize=4096)
def _digest(path: Path, _size: int, _changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
