"""Which presentation contexts the node accepts (PS3.8 9.3.2.2, PS3.4 B.5), and in whose order of preference.

Every storage SOP class, private and unknown ones too, and verification. The requestor's first supported transfer
syntax wins: a PACS that offers what it holds first does not have to decompress or convert.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydicom.uid import UID, ImplicitVRLittleEndian
from pynetdicom.presentation import PresentationContext, negotiate_as_acceptor

from dicom_node.archive.sop_classes import is_storage

VERIFICATION: Final = "1.2.840.10008.1.1"

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


def is_served(abstract_syntax: str) -> bool:
    return abstract_syntax == VERIFICATION or is_storage(abstract_syntax)


def preferred(proposed: Sequence[str]) -> list[str]:
    """The supported ones of the proposed transfer syntaxes, in the requestor's order."""
    return [syntax for syntax in proposed if syntax in TRANSFER_SYNTAXES]


def negotiate(proposed: Sequence[PresentationContext]) -> list[PresentationContext]:
    """The result of each proposed context. One SOP class may come in several contexts: each is judged alone."""
    return [_judge(context) for context in proposed]


def _judge(proposed: PresentationContext) -> PresentationContext:
    abstract_syntax = str(proposed.abstract_syntax)
    supported = PresentationContext()
    supported.abstract_syntax = UID(abstract_syntax)
    # Where nothing is common, a syntax that was not offered makes the result "not supported" (4).
    offered = [str(syntax) for syntax in proposed.transfer_syntax]
    supported.transfer_syntax = preferred(offered) or [ImplicitVRLittleEndian]
    results, _ = negotiate_as_acceptor([proposed], [supported] if is_served(abstract_syntax) else [])
    return results[0]
