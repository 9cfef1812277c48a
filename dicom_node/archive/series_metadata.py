"""A series' metadata as JSON and the places of its frames: written once, then served as they are.

    metadata/<aa>/<sha256 of the series UID>/<key>.json.gz      the DICOM JSON of every instance (PS3.18 Annex F)
    metadata/<aa>/<sha256 of the series UID>/<key>.frames.gz    {path: FrameIndex}

The key is of the files that the series holds: a late instance makes a new one. All of it can be made again from the
archive at any time. In the JSON, `ROOT` stands for the address of the DICOMweb service, which the reader knows.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import structlog
from pydantic import TypeAdapter
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial

from dicom_node.archive.dicom_json import INSTANCE, PIXELS, DicomJson, bulk_element
from dicom_node.archive.frame_index import FrameIndex, find_frames
from dicom_node.archive.results import write_durably
from dicom_node.archive.served import Served

log = structlog.get_logger()

FOLDER: Final = "metadata"
ROOT: Final = b"\x01"
LEVEL: Final = 6
PIXEL_DATA: Final = 0x7FE00010
AVAILABLE_TRANSFER_SYNTAX_UID: Final = 0x00083002
IDENTITY: Final = {
    0x00080016: "sop_class_uid",
    0x00080018: "sop_instance_uid",
    0x0020000D: "study_uid",
    0x0020000E: "series_uid",
}

Frames = dict[str, FrameIndex]
_frames: TypeAdapter[Frames] = TypeAdapter(Frames)


@dataclass(frozen=True)
class Described:
    """What one instance's file says: its JSON with `ROOT` in it, and where its frames are.

    `is_there` is False while the file cannot be had at all: another time it may.
    """

    text: str
    frames: FrameIndex | None
    is_there: bool = True


class SeriesMetadata:
    """The cache below the archive's root. Any process may read and write it at any time. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # One series at a time: who asks for the same meanwhile gets the file.
        self._making = threading.Lock()

    def key(self, instances: Sequence[Served]) -> str:
        """What the metadata of exactly these files is filed under; also their entity tag."""
        return hashlib.sha256("\n".join(one.path for one in instances).encode()).hexdigest()[:32]

    def json(self, instances: Sequence[Served]) -> bytes:
        """A JSON array, compressed with gzip, with `ROOT` for the service's address. Made when it is not there."""
        file = self._file(instances, "json")
        with contextlib.suppress(FileNotFoundError):
            return file.read_bytes()
        with self._making:
            with contextlib.suppress(FileNotFoundError):
                return file.read_bytes()
            return self._make(instances)["json"]

    def is_kept(self, instances: Sequence[Served]) -> bool:
        """Whether `json` is there as a file: not where a file of the series could not be had."""
        return self._file(instances, "json").exists()

    def kept_frames(self, instances: Sequence[Served]) -> Frames | None:
        """Where the frames of each path are, nothing for what has no pixels; None when it has not been made."""
        try:
            return _frames.validate_json(gzip.decompress(self._file(instances, "frames").read_bytes()))
        except FileNotFoundError:
            return None

    def write(self, instances: Sequence[Served]) -> None:
        """Make both files, unless they are there; those of fewer instances go."""
        if not (self._file(instances, "json").exists() and self._file(instances, "frames").exists()):
            self._make(instances)

    def _make(self, instances: Sequence[Served]) -> dict[str, bytes]:
        converter = DicomJson()
        described = {one.path: describe(self._root, one, converter) for one in instances}
        texts = ",\n".join(one.text for one in described.values())
        frames = {path: one.frames for path, one in described.items() if one.frames is not None}
        made = {
            "json": gzip.compress(f"[{texts}]".encode("utf-8", "replace"), LEVEL, mtime=0),
            "frames": gzip.compress(_frames.dump_json(frames), LEVEL, mtime=0),
        }
        if all(one.is_there for one in described.values()):
            for kind, content in made.items():
                # Flushed: a power cut must not leave a name before empty bytes.
                write_durably(self._file(instances, kind), content, flush=True)
            self._remove_others(instances)
        return made

    def _remove_others(self, instances: Sequence[Served]) -> None:
        key = self.key(instances)
        for file in self._file(instances, "json").parent.glob("*.gz"):
            if not file.name.startswith(key):
                file.unlink(missing_ok=True)

    def _file(self, instances: Sequence[Served], kind: str) -> Path:
        name = hashlib.sha256(instances[0].series_uid.encode()).hexdigest()
        return self._root / FOLDER / name[:2] / name / f"{self.key(instances)}.{kind}.gz"


def describe(root: Path, one: Served, converter: DicomJson) -> Described:
    """What the file of an instance says. What cannot be read of it is left out; its identity is always there."""
    identity = {tag: _uid_element(getattr(one, name)) for tag, name in IDENTITY.items()}
    more = identity | {AVAILABLE_TRANSFER_SYNTAX_UID: _uid_element(one.transfer_syntax_uid)}
    frames, text, is_there = None, "", True
    try:
        with (root / one.path).open("rb") as stream:
            dataset = read_up_to_pixels(stream)
            frames = _find_frames(stream, dataset, one)
            if frames is not None:
                more[PIXEL_DATA] = bulk_element(frames.vr)
            text = converter.text(dataset, more.items())
    except Exception as error:  # whatever a parser of hostile bytes raises
        is_there = not isinstance(error, OSError)
        log.warning("metadata.unreadable", instance=one.sop_instance_uid, cause=type(error).__name__)
    text = text or converter.text(Dataset(), more.items())
    url = f"{ROOT.decode()}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_instance_uid}"
    return Described(text.replace(INSTANCE, url), frames, is_there)


def read_up_to_pixels(stream: BinaryIO, tags: Sequence[int] | None = None) -> Dataset:
    """The data set before its pixel data, at which the stream then stands (but for deflated ones)."""
    wanted = None if tags is None else [*tags, 0x00080005]
    return read_partial(stream, stop_when=_at_pixels, force=True, specific_tags=wanted)


def read_tags(root: Path, one: Served, tags: Sequence[int]) -> dict[int, Any]:
    """The JSON elements of an instance that are among the tags; {} when its file cannot be read."""
    last = max(tags, default=0)
    try:
        with (root / one.path).open("rb") as stream:
            dataset = read_partial(
                stream,
                stop_when=lambda tag, _vr, _length: tag > last,
                force=True,
                specific_tags=[*tags, 0x00080005],
            )
        return {tag: json.loads(text) for tag, text in DicomJson().elements(dataset, tags).items()}
    except Exception as error:
        log.warning("metadata.unreadable", instance=one.sop_instance_uid, cause=type(error).__name__)
        return {}


def _find_frames(stream: BinaryIO, dataset: Dataset, one: Served) -> FrameIndex | None:
    try:
        return find_frames(stream, dataset, one.transfer_syntax_uid)
    except (ValueError, struct.error, TypeError):
        return None


def _at_pixels(tag: int, _vr: str | None, _length: int) -> bool:
    return tag in PIXELS or tag > PIXEL_DATA


def _uid_element(value: str) -> str:
    return json.dumps({"vr": "UI", "Value": [value]}, separators=(",", ":"))
