"""Where the frames of an instance lie in its file, so that each goes out without parsing anything again.

Native frames are cut by their length; encapsulated ones by the offset tables or by the fragments (PS3.5 A.4).
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, Final

from pydantic import BaseModel, ConfigDict
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

Piece = tuple[int, int]
"""Offset in the file and length, in bytes."""

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = b"\xfe\xff\x00\xe0"
FRAGMENTS_AT_MOST: Final = 1 << 20
PIXEL_DATA: Final = 0x7FE00010
# Length of one sample, in bits, where Bits Allocated does not say it (PS3.3 C.7.6.24).
FLOATS: Final = {0x7FE00008: 32, 0x7FE00009: 64}


class FrameIndex(BaseModel):
    """`frames` in order, each as its pieces; empty for native pixels, which are one `native` piece cut by `frame_bits`.

    `frames` and `native` both empty: pixels are there, but cannot be taken apart here.
    """

    model_config = ConfigDict(frozen=True)

    transfer_syntax_uid: str
    vr: str
    rows: int
    columns: int
    count: int
    bits_allocated: int
    frame_bits: int
    native: Piece | None = None
    frames: tuple[tuple[Piece, ...], ...] = ()

    def pieces(self, number: int) -> tuple[Piece, ...]:
        """Of one frame, from 1; () when there is no such frame. Native frames of single bits: whole bytes around it."""
        if not 1 <= number <= self.count:
            return ()
        if self.native is None:
            return self.frames[number - 1] if number <= len(self.frames) else ()
        offset, length = self.native
        begin, end = (number - 1) * self.frame_bits // 8, -(-number * self.frame_bits // 8)
        return ((offset + begin, end - begin),) if end <= length else ()

    def first_bit(self, number: int) -> int:
        """Where in its first byte a native frame begins: 0 but for frames of single bits (PS3.5 8.1.1)."""
        return (number - 1) * self.frame_bits % 8 if self.native else 0


def find_frames(stream: BinaryIO, dataset: Dataset, transfer_syntax_uid: str) -> FrameIndex | None:
    """The index of a data set read up to its pixel data, where the stream stands; None when it has none.

    Raises ValueError or struct.error when the pixel data is torn.
    """
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        return None  # nothing in the file is where it will be
    big = transfer_syntax_uid == ExplicitVRBigEndian
    header = _element_header(stream, explicit=transfer_syntax_uid != ImplicitVRLittleEndian, order=">" if big else "<")
    if header is None:
        return None
    tag, vr, length = header
    rows, columns, bits = (_number(dataset, name) for name in ("Rows", "Columns", "BitsAllocated"))
    bits = FLOATS.get(tag, bits)
    common: dict[str, Any] = {
        "transfer_syntax_uid": transfer_syntax_uid,
        "vr": vr if vr in ("OB", "OW", "OF", "OD") else "OW",
        "rows": rows,
        "columns": columns,
        "count": max(1, _number(dataset, "NumberOfFrames")),
        "bits_allocated": bits,
        "frame_bits": rows * columns * _samples(dataset) * bits,
    }
    if length != UNDEFINED:
        return FrameIndex(**common, native=(stream.tell(), length))
    fragments, basic = _fragments(stream)
    return FrameIndex(**common, frames=_grouped(stream, dataset, common["count"], fragments, basic))


def _element_header(stream: BinaryIO, *, explicit: bool, order: str) -> tuple[int, str, int] | None:
    """(tag, VR, length) of the pixel data that begins here; the stream then stands at its value."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    group, element = struct.unpack(f"{order}HH", head[:4])
    tag = group << 16 | element
    if tag != PIXEL_DATA and tag not in FLOATS:
        return None
    if not explicit:
        return tag, "OW", struct.unpack("<I", head[4:])[0]
    return tag, head[4:6].decode("ascii", "replace"), struct.unpack(f"{order}I", stream.read(4))[0]


def _fragments(stream: BinaryIO) -> tuple[list[Piece], list[int]]:
    """The fragments up to the delimiter, and the Basic Offset Table. A file that ends early has those before."""
    found: list[Piece] = []
    table: list[int] | None = None
    while len(found) < FRAGMENTS_AT_MOST:
        head = stream.read(8)
        if len(head) < 8 or head[:4] != ITEM:
            break
        length = struct.unpack("<I", head[4:])[0]
        at = stream.tell()
        if table is None:
            table = list(struct.unpack(f"<{length // 4}I", stream.read(length // 4 * 4)))
        else:
            found.append((at, length))
        stream.seek(at + length)
    return found, table or []


def _grouped(
    stream: BinaryIO, dataset: Dataset, count: int, fragments: list[Piece], basic: list[int]
) -> tuple[tuple[Piece, ...], ...]:
    if count == 1:
        return (tuple(fragments),) if fragments else ()
    if len(fragments) == count:
        return tuple((fragment,) for fragment in fragments)
    starts = _extended(dataset) or basic
    if len(starts) == count and fragments:
        return _by_offsets(fragments, starts)
    return _by_end_markers(stream, fragments, count)


def _by_offsets(fragments: list[Piece], starts: list[int]) -> tuple[tuple[Piece, ...], ...]:
    """Offsets count from the first byte of the first fragment's item tag (PS3.5 A.4)."""
    origin = fragments[0][0] - 8
    frames: list[list[Piece]] = [[] for _ in starts]
    wanted = {start: number for number, start in enumerate(starts)}
    current = 0
    for offset, length in fragments:
        current = wanted.get(offset - 8 - origin, current)
        frames[current].append((offset, length))
    return tuple(tuple(frame) for frame in frames)


def _by_end_markers(stream: BinaryIO, fragments: list[Piece], count: int) -> tuple[tuple[Piece, ...], ...]:
    """Without a table, a fragment that ends with End of Image ends a frame: JPEG, JPEG-LS, JPEG 2000 share it."""
    frames: list[tuple[Piece, ...]] = []
    current: list[Piece] = []
    for offset, length in fragments:
        current.append((offset, length))
        stream.seek(offset + max(0, length - 10))
        if b"\xff\xd9" in stream.read(min(length, 10)):
            frames.append(tuple(current))
            current = []
    return tuple(frames) if len(frames) == count and not current else ()


def _extended(dataset: Dataset) -> list[int]:
    table = dataset.get("ExtendedOffsetTable")
    return list(struct.unpack(f"<{len(table) // 8}Q", table)) if isinstance(table, bytes) else []


def _samples(dataset: Dataset) -> int:
    """Samples in a pixel; 422 chroma is halved in native frames, which pydicom knows as two (PS3.3 C.7.6.3.1.2)."""
    if str(dataset.get("PhotometricInterpretation", "")) == "YBR_FULL_422":
        return 2
    return max(1, _number(dataset, "SamplesPerPixel"))


def _number(dataset: Dataset, keyword: str) -> int:
    try:
        return max(0, int(dataset.get(keyword) or 0))
    except (TypeError, ValueError):
        return 0


def is_encapsulated(transfer_syntax_uid: str) -> bool:
    """Known compressed syntaxes and those of no known name."""
    uid = UID(transfer_syntax_uid)
    return not uid.is_transfer_syntax or uid.is_encapsulated
