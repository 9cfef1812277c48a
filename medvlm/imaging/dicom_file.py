"""One DICOM file: its header, and where each frame's bytes lie. No pixel is decoded here.

What the header claims of the pixel data is checked against limits and against the real length before anything is
read or allocated.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.filereader import read_file_meta_info

from medvlm.errors import UnreadableImage
from medvlm.imaging.attributes import TAGS, integer, text, value
from medvlm.imaging.codestream import frame_size
from medvlm.imaging.decode import Decoded, DecodeLimits, Decoder
from medvlm.imaging.transfer_syntaxes import NATIVE, PLUGINS

_UNDEFINED = 0xFFFFFFFF
_LONG_HEADER = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN"})
_ALLOCATED = frozenset({1, 8, 16, 32})


@dataclass(frozen=True)
class PixelLayout:
    """The Image Pixel module as plain numbers (PS3.3 C.7.6.3), checked for sanity."""

    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: int
    photometric: str

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame."""
        return math.ceil(self.rows * self.columns * self.samples * self.bits_allocated / 8)

    @property
    def native_frame_bytes(self) -> int:
        """Bytes of one uncompressed frame as stored: YBR_FULL_422 keeps two samples a pixel (PS3.3 C.7.6.3.1.2)."""
        return self.frame_bytes * 2 // 3 if self.photometric == "YBR_FULL_422" else self.frame_bytes


@dataclass(frozen=True)
class PixelValue:
    """Where the value of Pixel Data lies in the stream; `length` is None when it is encapsulated."""

    offset: int
    length: int | None
    vr: str


@dataclass(frozen=True)
class DicomFile:
    """A header and an open stream; `pixel_value` is None when there is no integer Pixel Data."""

    dataset: Dataset
    stream: BinaryIO
    syntax: str
    pixel_value: PixelValue | None


def open_dicom(stream: BinaryIO, limits: DecodeLimits) -> DicomFile:
    """Reads the header. Raises `UnreadableImage` when there is none, or when it grows beyond its limits."""
    deflated = _syntax_in_meta(stream) == uid.DeflatedExplicitVRLittleEndian
    source = _inflate(stream, limits) if deflated else stream
    dataset = dcmread(source, force=True, stop_before_pixels=True, specific_tags=list(TAGS.values()))
    if not (text(dataset, "SOPClassUID") or "Rows" in dataset):
        raise UnreadableImage("neither a DICOM file nor a PNG, JPEG or WebP picture")
    return DicomFile(dataset, source, _syntax(dataset, deflated), _locate_pixels(source, dataset))


def _syntax_in_meta(stream: BinaryIO) -> str:
    """Transfer Syntax UID (0002,0010) by a walk over group 2 (PS3.10 7.1); pydicom would inflate without a bound."""
    stream.seek(128)
    found, head = b"", stream.read(4)
    while head and not found:
        head = stream.read(8)
        if len(head) < 8 or head[:2] != b"\2\0":
            break
        long = head[4:6] in _LONG_HEADER
        length = int.from_bytes(stream.read(4) if long else head[6:8], "little")
        if head[2:4] == b"\x10\0":
            found = stream.read(min(length, 64))
        stream.seek(length, io.SEEK_CUR)
    stream.seek(0)
    return found.decode("ascii", "replace").strip(" \0")


def _inflate(stream: BinaryIO, limits: DecodeLimits) -> BinaryIO:
    """The file with its data set inflated and its syntax renamed, within bounds on ratio and size."""
    head = read_file_meta_info(Path(stream.name))
    stream.seek(128 + 4 + 12 + int(head.FileMetaInformationGroupLength))
    compressed = stream.read()
    bound = min(limits.frame_bytes, limits.inflate_ratio * max(len(compressed), 1 << 16))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(compressed, bound)
    except zlib.error as error:
        raise UnreadableImage("the deflated data set is damaged") from error
    if inflater.unconsumed_tail:
        raise UnreadableImage("the deflated data set inflates to more than allowed")
    head.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    whole = io.BytesIO()
    whole.write(b"\0" * 128 + b"DICM")
    _write_meta(whole, head)
    whole.write(content)
    whole.seek(0)
    return whole


def _write_meta(to: io.BytesIO, head: Dataset) -> None:
    from pydicom.filebase import DicomFileLike
    from pydicom.filewriter import write_file_meta_info

    target = DicomFileLike(to)
    target.is_little_endian, target.is_implicit_VR = True, False
    write_file_meta_info(target, head, enforce_standard=False)  # type: ignore[arg-type]


def _syntax(dataset: Dataset, deflated: bool) -> str:
    if deflated:
        return uid.ExplicitVRLittleEndian
    named = str(dataset.file_meta.get("TransferSyntaxUID", "")) if hasattr(dataset, "file_meta") else ""
    if named:
        return named
    implicit, little = dataset.original_encoding
    if not little:
        return uid.ExplicitVRBigEndian
    return uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian


def _locate_pixels(stream: BinaryIO, dataset: Dataset) -> PixelValue | None:
    """Reads the header of the element at which pydicom stopped (PS3.5 7.1)."""
    implicit, little = dataset.original_encoding
    order = "<" if little else ">"
    head = stream.read(12)
    if len(head) < 8:
        return None
    group, element = struct.unpack_from(f"{order}HH", head)
    if (group, element) != (0x7FE0, 0x0010):
        return None
    if implicit:
        stream.seek(-(len(head) - 8), io.SEEK_CUR)
        vr, length = "OW", struct.unpack_from(f"{order}L", head, 4)[0]
    elif head[4:6] in _LONG_HEADER and len(head) == 12:
        vr, length = head[4:6].decode(), struct.unpack_from(f"{order}L", head, 8)[0]
    else:
        raise UnreadableImage("Pixel Data has a value representation that it may not have")
    return PixelValue(stream.tell(), None if length == _UNDEFINED else length, vr if vr in ("OB", "OW") else "OB")


def pixel_layout(dataset: Dataset, limits: DecodeLimits) -> PixelLayout:
    """The Image Pixel module, or `UnreadableImage` naming the attribute that makes no sense."""
    layout = PixelLayout(
        rows=_extent(dataset, "Rows"),
        columns=_extent(dataset, "Columns"),
        samples=integer(dataset, "SamplesPerPixel", 1),
        frames=integer(dataset, "NumberOfFrames", 1) or 1,
        bits_allocated=integer(dataset, "BitsAllocated", 0),
        bits_stored=integer(dataset, "BitsStored", integer(dataset, "BitsAllocated", 0)),
        high_bit=integer(dataset, "HighBit", integer(dataset, "BitsStored", 0) - 1),
        signed=integer(dataset, "PixelRepresentation", 0) == 1,
        planar=integer(dataset, "PlanarConfiguration", 0),
        photometric=text(dataset, "PhotometricInterpretation") or "MONOCHROME2",
    )
    for wrong, what in (
        (layout.samples not in (1, 3), "Samples per Pixel is neither 1 nor 3"),
        (not 1 <= layout.frames <= 1_000_000, "Number of Frames makes no sense"),
        (layout.bits_allocated not in _ALLOCATED, "Bits Allocated is none of 1, 8, 16, 32"),
        (not 1 <= layout.bits_stored <= layout.bits_allocated, "Bits Stored does not fit Bits Allocated"),
        (not layout.bits_stored - 1 <= layout.high_bit < layout.bits_allocated, "High Bit does not fit Bits Stored"),
        (layout.frame_bytes > limits.frame_bytes, "one frame would take more memory than allowed"),
    ):
        if wrong:
            raise UnreadableImage(what)
    return layout


def _extent(dataset: Dataset, keyword: str) -> int:
    # Rows and Columns are US. A wider representation is how a product of them overflows in a decoder.
    tag = TAGS[keyword]
    if tag not in dataset:
        raise UnreadableImage(f"{keyword} is missing")
    found = value(dataset, keyword)
    if dataset[tag].VR != "US" or not isinstance(found, int) or not 1 <= found <= 0xFFFF:
        raise UnreadableImage(f"{keyword} is no whole number from 1 to 65535 stored as US")
    return found


def decode_frames(file: DicomFile, layout: PixelLayout, frames: range, decoder: Decoder) -> Iterator[Decoded]:
    """Decodes the frames (counted from 0) of the range in order, one at a time.

    Raises `UnreadableImage` before decoding when the pixel data is too short, of another size than the header says,
    or in a transfer syntax that no chosen plug-in decodes.
    """
    assert file.pixel_value is not None  # noqa: S101
    native = file.syntax in NATIVE
    if not native and file.syntax not in PLUGINS:
        raise UnreadableImage(f"pixel data in the transfer syntax {uid.UID(file.syntax).name} is not decoded here")
    if native != (file.pixel_value.length is not None):
        raise UnreadableImage("the pixel data is encapsulated, or not, against what its transfer syntax says")
    options = _options(file, layout)
    plain = _plain_type(file, layout) if native else None
    for encoded in (_native if native else _encapsulated)(file, layout, frames):
        if plain is not None:
            yield Decoded(_plain(encoded, plain, layout), layout.photometric)
        else:
            yield decoder.frame(file.syntax, encoded, options)


def _plain_type(file: DicomFile, layout: PixelLayout) -> str | None:
    """The array type of uncompressed grey samples; None where more than a view of the bytes is needed."""
    assert file.pixel_value is not None  # noqa: S101
    big = file.syntax == uid.ExplicitVRBigEndian
    swapped_bytes = big and layout.bits_allocated == 8 and file.pixel_value.vr == "OW"
    if layout.samples != 1 or layout.bits_allocated == 1 or swapped_bytes:
        return None
    return f"{'>' if big else '<'}{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}"


def _plain(encoded: bytes, dtype: str, layout: PixelLayout) -> npt.NDArray[Any]:
    # No codec runs on these, and their length has been checked: a trip through the decoder would buy nothing.
    values = np.frombuffer(encoded, dtype=dtype, count=layout.rows * layout.columns)
    return values.reshape(layout.rows, layout.columns).astype(dtype.replace(">", "<"), copy=False)


def _native(file: DicomFile, layout: PixelLayout, frames: range) -> Iterator[bytes]:
    assert file.pixel_value is not None  # noqa: S101
    size, length = layout.native_frame_bytes, file.pixel_value.length or 0
    if layout.bits_allocated == 1 and layout.frames > 1:
        raise UnreadableImage("frames of one bit a pixel are not images to be read")
    if length < size * layout.frames:
        raise UnreadableImage(f"the pixel data is {size * layout.frames - length} bytes shorter than the header says")
    for frame in frames:
        file.stream.seek(file.pixel_value.offset + frame * size)
        encoded = file.stream.read(size)
        if len(encoded) < size:
            raise UnreadableImage(f"the file ends {size - len(encoded)} bytes before its pixel data does")
        # Pixel Data has an even length; pydicom wants the padding byte.
        yield encoded + b"\0" * (size % 2)


def _encapsulated(file: DicomFile, layout: PixelLayout, frames: range) -> Iterator[bytes]:
    assert file.pixel_value is not None  # noqa: S101
    file.stream.seek(file.pixel_value.offset)
    seen = 0
    for index, encoded in enumerate(_all_frames(file, layout)):
        if index in frames:
            said = frame_size(encoded)
            if said is not None and said != (layout.rows, layout.columns):
                raise UnreadableImage("the compressed frame has another size than Rows and Columns say")
            seen += 1
            yield encoded
        if seen == len(frames):
            return
    raise UnreadableImage("the pixel data holds fewer frames than the header says")


def _all_frames(file: DicomFile, layout: PixelLayout) -> Iterator[bytes]:
    table = value(file.dataset, "ExtendedOffsetTable"), value(file.dataset, "ExtendedOffsetTableLengths")
    extended = table if all(isinstance(part, bytes) for part in table) else None
    try:
        yield from generate_frames(file.stream, number_of_frames=layout.frames, extended_offsets=extended)
    except (ValueError, EOFError, struct.error) as error:
        raise UnreadableImage("the encapsulated pixel data is damaged or ends early") from error


def _options(file: DicomFile, layout: PixelLayout) -> dict[str, object]:
    assert file.pixel_value is not None  # noqa: S101
    return {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "number_of_frames": 1,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
        "planar_configuration": layout.planar,
        "photometric_interpretation": layout.photometric,
        "pixel_keyword": "PixelData",
        "pixel_vr": file.pixel_value.vr,
    }
