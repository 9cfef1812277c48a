"""Codes that never leave, with the reasons (`denylist.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

WHOLE_SCHEME = "*"


class Denied(BaseModel):
    """One code that public software uses wrongly. `only_claimed`: right in itself, denied for that meaning alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str
    scheme: str
    claimed: str
    reason: str
    only_claimed: bool = False


@cache
def denylist() -> tuple[Denied, ...]:
    rows = tomllib.loads(files("dicom_node.report").joinpath("denylist.toml").read_text("utf-8"))
    return tuple(Denied(**row) for row in rows["denied"])


def denial(value: str, scheme: str, meaning: str) -> str:
    """Why the code may not leave with that meaning; "" where nothing is against it."""
    for row in denylist():
        if row.scheme != scheme or row.value not in {value, WHOLE_SCHEME}:
            continue
        if not row.only_claimed or row.claimed.lower() in meaning.lower():
            return row.reason
    return ""
