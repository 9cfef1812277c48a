"""Which transfer syntaxes the node takes and keeps as they are, by whatever way an instance comes."""

from __future__ import annotations

from typing import Final

# Each accepted family with the reason; what is missing below is missing on purpose.
TRANSFER_SYNTAXES: Final = frozenset(
    {
        "1.2.840.10008.1.2",  # Implicit VR Little Endian
        "1.2.840.10008.1.2.1",  # Explicit VR Little Endian
        "1.2.840.10008.1.2.1.98",  # Encapsulated Uncompressed
        "1.2.840.10008.1.2.2",  # Explicit VR Big Endian, retired, still in archives
        *(f"1.2.840.10008.1.2.4.{n}" for n in range(50, 67)),  # JPEG, retired processes too: kept as sent
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",  # JPEG-LS
        "1.2.840.10008.1.2.4.81",
        *(f"1.2.840.10008.1.2.4.{n}" for n in range(90, 94)),  # JPEG 2000, Part 2 too
        *(f"1.2.840.10008.1.2.4.{n}" for n in range(100, 109)),  # MPEG-2, MPEG-4, HEVC: stored, not read
        *(f"1.2.840.10008.1.2.4.{n}.1" for n in range(100, 107)),
        *(f"1.2.840.10008.1.2.4.{n}" for n in range(110, 113)),  # JPEG XL
        *(f"1.2.840.10008.1.2.4.{n}" for n in range(201, 204)),  # HTJ2K
        "1.2.840.10008.1.2.5",  # RLE Lossless
    }
)
"""Not here: JPIP and SMPTE ST 2110, whose data sets only refer to pixels; deflated, which inflates without bound;
MIME, XML and Papyrus, which are no transfer syntaxes of C-STORE; private ones, which nothing can parse."""
