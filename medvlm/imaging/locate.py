"""A reference to a file inside the one folder that may be read."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from medvlm.errors import OutsideArchive


def locate(uri: str, root: Path | None) -> Path:
    """The real path behind a path or file:// URI, symbolic links resolved.

    Raises `OutsideArchive` when it leaves `root`, or is no local file; None as root allows any local file.
    """
    try:
        path = _local_path(uri).resolve()
        outside = root is not None and not path.is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError) as error:  # NUL bytes, loops of links
        raise OutsideArchive("the reference is no usable path", way_out="Name a file below the archive.") from error
    if outside:
        # The path is not repeated: it came from outside and may hold a name.
        raise OutsideArchive("the reference leaves the archive", way_out="Name a file below the archive's root.")
    return path


def _local_path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise ValueError("another host")
        return Path(unquote(parts.path))
    if "://" in uri:
        raise ValueError("no local file")
    return Path(uri)
