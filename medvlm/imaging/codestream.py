"""What a compressed frame says of its own size, read before any codec sees it."""

from __future__ import annotations

import struct

# Start-of-frame markers of JPEG (ITU-T T.81 table B.1) and JPEG-LS (T.87); C4, C8 and CC are not frames.
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_SIZ = b"\xff\x4f\xff\x51"  # SOC then SIZ (ITU-T T.800 A.5.1)


def frame_size(encoded: bytes) -> tuple[int, int] | None:
    """(rows, columns) from a JPEG, JPEG-LS or JPEG 2000 header; None where there is no such header or it is 0."""
    if encoded[:2] == b"\xff\xd8":
        return _jpeg_size(encoded)
    at = encoded.find(_SIZ, 0, 4096)  # some writers wrap the codestream in JP2 boxes
    return _jpeg2000_size(encoded[at:]) if at >= 0 else None


def _jpeg_size(encoded: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(encoded):
        if encoded[at] != 0xFF:
            return None
        marker = encoded[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _START_OF_FRAME:
            rows, columns = struct.unpack_from(">HH", encoded, at + 5)
            return (rows, columns) if rows and columns else None
        else:
            at += 2 + int(struct.unpack_from(">H", encoded, at + 2)[0])
    return None


def _jpeg2000_size(encoded: bytes) -> tuple[int, int] | None:
    if len(encoded) < 24:
        return None
    x1, y1, x0, y0 = struct.unpack_from(">IIII", encoded, 8)
    return (y1 - y0, x1 - x0) if y1 > y0 and x1 > x0 else None
