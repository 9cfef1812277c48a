"""Files that the node itself writes: whole or not there."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dicom_node.archive.files import flush_folder


def write_durably(path: Path, content: bytes, *, flush: bool) -> None:
    """Write under another name, then rename: nobody sees half of it, and a repeat replaces it with the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        if flush:
            os.fsync(file.fileno())
    part.rename(path)
    if flush:
        flush_folder(path.parent)
