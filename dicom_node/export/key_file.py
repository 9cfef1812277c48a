"""The file that makes exports of different days agree: without it every run has a secret of its own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import ClassVar

from dicom_node.deidentify.key import LENGTH, Key
from dicom_node.errors import Edge, NodeError


class BadKeyFile(NodeError):
    """The key file cannot be read, or holds no key of ours."""

    code: ClassVar[str] = "bad_key_file"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=500, exit=2)


def key_for(path: Path | None) -> Key:
    """The key in the file, which is made where there is none; without a path one that is forgotten.

    Raises `BadKeyFile`.
    """
    if path is None:
        return Key(secrets.token_bytes(LENGTH))
    try:
        _make(path)
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise BadKeyFile(
            "no key can be read or made there", where=str(path), way_out="Name a file that does not exist yet."
        ) from error
    if len(secret) != LENGTH:
        raise BadKeyFile("this file holds no key", where=str(path), way_out="Name a file that does not exist yet.")
    return Key(secret)


def _make(path: Path) -> None:
    """A new key, readable by its owner only; nothing where the file is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(LENGTH) + "\n")
