"""What a client accepts (PS3.18 section 8.7), and the media types of frames (Tables 8.7.3-2 to 8.7.3-5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import HTTPException, Request
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

DICOM: Final = "application/dicom"
DICOM_JSON: Final = "application/dicom+json"
OCTETS: Final = "application/octet-stream"
MULTIPART: Final = "multipart/related"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
ANY: Final = "*/*"

_JPEG: Final = "1.2.840.10008.1.2.4."
# PS3.18 Table 8.7.3-4 and 8.7.3-5: the transfer syntax of an encapsulated frame says its media type.
FRAME_MEDIA_TYPES: Final = {
    **{f"{_JPEG}{n}": JPEG for n in (50, 51, 57, 70)},
    **{f"{_JPEG}{n}": "image/jls" for n in (80, 81)},
    **{f"{_JPEG}{n}": "image/jp2" for n in (90, 91)},
    **{f"{_JPEG}{n}": "image/jpx" for n in (92, 93)},
    **{f"{_JPEG}{n}": "image/jphc" for n in (201, 202, 203)},
    **{f"{_JPEG}{n}": "image/jxl" for n in (110, 111, 112)},
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}

LONGEST: Final = 4096
_PIECE = re.compile(r'(?:[^;,"]|"(?:[^"\\]|\\.)*")+|[;,]')


@dataclass(frozen=True)
class MediaRange:
    """One of the Accept header's: `type` of the parts for multipart, of the whole otherwise, in lower case.

    `*/*` alone stands for anything, and then for the default, which is multipart (PS3.18 section 8.7.4).
    """

    type: str
    is_multipart: bool = False
    is_anything: bool = False
    transfer_syntax: str = ""
    quality: float = 1.0

    def allows(self, media_type: str) -> bool:
        main = self.type.partition("/")[0]
        return self.type in (ANY, media_type) or (self.type.endswith("/*") and main == media_type.partition("/")[0])


def accepted(request: Request) -> tuple[MediaRange, ...]:
    """What the client takes, best first: the query parameter `accept` (PS3.18 8.3.3.1), else the header, else all."""
    asked = request.query_params.get("accept") or ",".join(request.headers.getlist("accept")) or ANY
    if len(asked) > LONGEST:
        raise HTTPException(400, "The Accept header is too long.")
    ranges = [one for one in _ranges(asked) if one.quality > 0]
    return tuple(sorted(ranges, key=lambda one: -one.quality))


def require(request: Request, *media_types: str) -> str:
    """The first media type, in the client's order, that it takes as a whole body. 406 when it takes none."""
    for one in accepted(request):
        for media_type in media_types:
            if one.is_anything or (not one.is_multipart and one.allows(media_type)):
                return media_type
    raise not_acceptable(*media_types)


def require_json(request: Request) -> str:
    """`application/dicom+json`, or `application/json` where only that is named. XML is not made here."""
    return require(request, DICOM_JSON, "application/json")


def not_acceptable(*media_types: str) -> HTTPException:
    return HTTPException(406, f"None of the accepted media types can be had; there is: {', '.join(media_types)}.")


def native_syntax(stored: str) -> str:
    """The transfer syntax in which native frames and converted data sets leave."""
    return ExplicitVRLittleEndian if stored in _LEAVES_AS_EXPLICIT else stored


_LEAVES_AS_EXPLICIT: Final = frozenset(
    {
        str(ExplicitVRLittleEndian),
        str(ExplicitVRBigEndian),
        str(DeflatedExplicitVRLittleEndian),
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1.98",
    }
)


def frame_media_type(stored: str) -> str:
    """Of a frame as stored; of native ones, little-endian octets."""
    if native_syntax(stored) == ExplicitVRLittleEndian:
        return OCTETS
    return FRAME_MEDIA_TYPES.get(stored, OCTETS)


def choose_frame(ranges: Sequence[MediaRange], stored: str) -> MediaRange | None:
    """The range that is served, with the transfer syntax that it will have; None when none can be.

    A frame leaves as stored, or as Explicit VR Little Endian where octets are asked for in it, or in no syntax at all
    (then it is the default of octets, PS3.18 8.7.3.5.2).
    """
    media_type, as_stored = frame_media_type(stored), native_syntax(stored)
    for one in ranges:
        if one.transfer_syntax in ("*", as_stored) and (one.allows(media_type) or one.type == OCTETS):
            return MediaRange(media_type, one.is_multipart, transfer_syntax=as_stored)
        if not one.transfer_syntax and one.allows(media_type):
            return MediaRange(media_type, one.is_multipart, transfer_syntax=as_stored)
        if one.transfer_syntax in ("", ExplicitVRLittleEndian) and one.allows(OCTETS):
            return MediaRange(OCTETS, one.is_multipart, transfer_syntax=ExplicitVRLittleEndian)
    return None


def choose_instance(ranges: Sequence[MediaRange], stored: str) -> MediaRange | None:
    """As stored when any syntax, that one, or none is named; Explicit VR Little Endian where asked for."""
    for one in ranges:
        if not one.allows(DICOM):
            continue
        if one.transfer_syntax in ("", "*", stored):
            return MediaRange(DICOM, one.is_multipart, transfer_syntax=stored)
        if one.transfer_syntax == ExplicitVRLittleEndian:
            return MediaRange(DICOM, one.is_multipart, transfer_syntax=ExplicitVRLittleEndian)
    return None


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """(media type, parameters) of a Content-Type header; names in lower case, values as they are."""
    first, *rest = next(_split(value), [""])
    return first.strip().lower(), dict(_parameter(one) for one in rest)


def _ranges(header: str) -> Iterator[MediaRange]:
    for first, *rest in _split(header):
        name = first.strip().lower()
        parameters = dict(_parameter(one) for one in rest)
        is_multipart = name == MULTIPART
        yield MediaRange(
            type=parameters.get("type", ANY).lower() if is_multipart else name,
            is_multipart=is_multipart or name == ANY,
            is_anything=name == ANY,
            transfer_syntax=parameters.get("transfer-syntax", ""),
            quality=_quality(parameters.get("q", "1")),
        )


def _split(header: str) -> Iterator[list[str]]:
    """The comma-separated members of a header, each split at semicolons; neither counts inside quotes."""
    member: list[str] = [""]
    for piece in _PIECE.findall(header):
        if piece == ",":
            yield member
            member = [""]
        elif piece == ";":
            member.append("")
        else:
            member[-1] += piece
    yield member


def _parameter(text: str) -> tuple[str, str]:
    """OHIF writes `type=application/octet-stream` without the quotes that RFC 9110 asks for."""
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0
