"""Frames out of their files: by their stored places, without parsing the instance (`archive.frame_index`)."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.uid import ExplicitVRBigEndian
from sqlalchemy import Engine

from dicom_node.archive.dicom_json import DicomJson
from dicom_node.archive.frame_index import FrameIndex
from dicom_node.archive.series_metadata import SeriesMetadata, describe
from dicom_node.archive.served import Served, served

SERIES_KEPT: Final = 128


@dataclass
class _Series:
    """What is remembered of a series: its received instances by UID, and the places by path."""

    study_uid: str
    instances: dict[str, Served]
    places: dict[str, FrameIndex | None]


class FramePlaces:
    """Where the frames of each instance lie; remembers the series asked for lately. Thread-safe.

    A received instance never changes, so that a frame of one remembered costs no look into the index. Should its file
    be gone, `forget` the series and look again.
    """

    def __init__(self, engine: Engine, root: Path, metadata: SeriesMetadata) -> None:
        self._engine = engine
        self._root = root
        self._metadata = metadata
        self._known: OrderedDict[str, _Series] = OrderedDict()
        self._lock = threading.Lock()

    def remembered(self, study_uid: str, series_uid: str, sop_instance_uid: str) -> Served | None:
        """A received instance, which everybody may see; None says nothing."""
        with self._lock:
            known = self._known.get(series_uid)
            return known.instances.get(sop_instance_uid) if known and known.study_uid == study_uid else None

    def find(self, one: Served) -> FrameIndex | None:
        """None for an instance without pixels, or whose pixels cannot be taken apart."""
        with self._lock:
            known = self._known.get(one.series_uid)
            if known is not None and one.path in known.places:
                self._known.move_to_end(one.series_uid)
                return known.places[one.path]
        of_series = served(self._engine, one.study_uid, one.series_uid)
        kept: Mapping[str, FrameIndex | None] | None = self._metadata.kept_frames(of_series) if of_series else None
        if kept is None:
            described = describe(self._root, one, DicomJson())
            if not described.is_there:
                return None
            kept = {one.path: described.frames}
        received = {each.sop_instance_uid: each for each in of_series if not each.is_result}
        with self._lock:
            known = self._known.setdefault(one.series_uid, _Series(one.study_uid, {}, {}))
            known.instances = received
            known.places |= {one.path: None, **kept}
            while len(self._known) > SERIES_KEPT:
                self._known.popitem(last=False)
        return kept.get(one.path)

    def forget(self, series_uid: str) -> None:
        with self._lock:
            self._known.pop(series_uid, None)


def stored_frame(path: Path, index: FrameIndex, number: int) -> bytes | None:
    """The bytes of a frame, from 1, as stored but little endian; None when there is no such frame, or not all of it."""
    pieces = index.pieces(number)
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        read = [os.pread(file, length, offset) for offset, length in pieces]
    finally:
        os.close(file)
    if not pieces or any(len(found) < length for found, (_, length) in zip(read, pieces, strict=True)):
        return None
    content = read[0] if len(read) == 1 else b"".join(read)
    if index.native is None:
        return content
    return _little_endian(_aligned(content, index, number), index)


def _aligned(content: bytes, index: FrameIndex, number: int) -> bytes:
    """Frames of single bits follow each other without gaps: shift one to begin with its first bit (PS3.5 8.1.1)."""
    if index.frame_bits % 8 == 0 and index.first_bit(number) == 0:
        return content
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    begin = index.first_bit(number)
    return np.packbits(bits[begin : begin + index.frame_bits], bitorder="little").tobytes()


def _little_endian(content: bytes, index: FrameIndex) -> bytes:
    if index.transfer_syntax_uid != ExplicitVRBigEndian:
        return content
    size = max(index.bits_allocated // 8, 2 if index.vr == "OW" else 1)
    if size == 1 or len(content) % size:
        return content
    return np.frombuffer(content, f">u{size}").astype(f"<u{size}").tobytes()
