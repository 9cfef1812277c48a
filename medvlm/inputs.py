"""Files and folders named at the shell, as studies: one path, one study."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

from pydicom import dcmread

from medvlm.contract import ImageSource, StudyContext, StudyInput
from medvlm.errors import UnreadableImage

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
HEADER = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"]


def study_input(path: Path) -> StudyInput:
    """A file, or a folder as one study. Raises `UnreadableImage` when there is nothing at `path`."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    if not files or not all(one.is_file() for one in files):
        raise UnreadableImage("there is no such file, or the folder is empty", where=str(path))
    described = [_source(one) for one in files]
    return StudyInput(
        study_uid=described[0][0], images=tuple(source for _, source in described), context=StudyContext()
    )


def _source(path: Path) -> tuple[str, ImageSource]:
    """(Study Instance UID, source). A picture gets UIDs from its bytes: the same film is the same study."""
    if path.suffix.lower() in PICTURES:
        return _own_uid("study", path), ImageSource(uri=str(path), sop_instance_uid=_own_uid("instance", path))
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=HEADER, force=True)
        source = ImageSource(
            uri=str(path),
            sop_class_uid=str(header.get("SOPClassUID", "")),
            sop_instance_uid=str(header.get("SOPInstanceUID", "")),
        )
        return str(header.get("StudyInstanceUID", "")) or _own_uid("study", path), source
    except Exception:  # hostile bytes: the imaging layer says in words what is wrong with them
        return _own_uid("study", path), ImageSource(uri=str(path))


def _own_uid(role: str, path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{role}|{digest}').int}"
