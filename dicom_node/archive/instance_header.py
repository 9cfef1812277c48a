"""What the index knows of an instance, read from its data set without its pixels.

Elements are taken as raw bytes and decoded here, so that a value that breaks its VR costs nothing and says nothing.
A plain walk finds them in nearly every data set, at a sixth of pydicom's price; whatever it does not understand at
once (sequences of undefined length, tags out of order, big endian) is pydicom's.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicom_node.errors import CannotUnderstand

CHARACTER_SET: Final = 0x00080005
SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
STUDY_DATE: Final = 0x00080020
STUDY_TIME: Final = 0x00080030
ACCESSION_NUMBER: Final = 0x00080050
MODALITY: Final = 0x00080060
REFERRING_PHYSICIAN: Final = 0x00080090
STUDY_DESCRIPTION: Final = 0x00081030
SERIES_DESCRIPTION: Final = 0x0008103E
PATIENT_NAME: Final = 0x00100010
PATIENT_ID: Final = 0x00100020
ISSUER_OF_PATIENT_ID: Final = 0x00100021
PATIENT_BIRTH_DATE: Final = 0x00100030
PATIENT_SEX: Final = 0x00100040
STUDY_INSTANCE_UID: Final = 0x0020000D
SERIES_INSTANCE_UID: Final = 0x0020000E
STUDY_ID: Final = 0x00200010
SERIES_NUMBER: Final = 0x00200011
INSTANCE_NUMBER: Final = 0x00200013

INDEXED: Final = (
    CHARACTER_SET,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_DATE,
    STUDY_TIME,
    ACCESSION_NUMBER,
    MODALITY,
    REFERRING_PHYSICIAN,
    STUDY_DESCRIPTION,
    SERIES_DESCRIPTION,
    PATIENT_NAME,
    PATIENT_ID,
    ISSUER_OF_PATIENT_ID,
    PATIENT_BIRTH_DATE,
    PATIENT_SEX,
    STUDY_INSTANCE_UID,
    SERIES_INSTANCE_UID,
    STUDY_ID,
    SERIES_NUMBER,
    INSTANCE_NUMBER,
)

# Beyond what LO and SH allow (PS3.5 6.2), so that a lenient sender loses nothing and a hostile one gains nothing.
LONGEST_TEXT: Final = 256

# How much of a data set the plain walk looks at.
WALKED: Final = 32768

_INDEXED: Final = frozenset(INDEXED)
_UNDEFINED: Final = 0xFFFFFFFF
# PS3.5 7.1.2: these have two reserved bytes and a length of four. Implicit elements are given the VR "".
_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_KNOWN_VRS: Final = _LONG_VRS | frozenset(
    {b"", *(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())}
)
_EXPLICIT: Final = struct.Struct("<HH2sH").unpack_from
_IMPLICIT: Final = struct.Struct("<HH0sI").unpack_from
_LENGTH: Final = struct.Struct("<I").unpack_from

_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True)
class InstanceHeader:
    """UIDs without padding; texts and names (PN, PS3.5 6.2.1) decoded, without NULs; dates as YYYYMMDD or ""."""

    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str
    patient_id: str
    issuer: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str
    study_date: str
    study_time: str
    study_id: str
    accession_number: str
    referring_physician: str
    study_description: str
    modality: str
    series_description: str
    series_number: int | None
    instance_number: int


def read_header(stream: BinaryIO, transfer_syntax_uid: str, *, whole: bool = True) -> InstanceHeader | None:
    """The header at the stream's position.

    `whole=False` says that the stream may end before the header does; the answer is then None.
    Raises `CannotUnderstand` when the data set cannot be parsed or lacks its identity.
    """
    begin = stream.tell()
    plain = walk(stream.read(WALKED), explicit=transfer_syntax_uid != ImplicitVRLittleEndian)
    if plain is not None and transfer_syntax_uid != ExplicitVRBigEndian:
        return _header(plain)
    stream.seek(begin)
    end = _End()
    try:
        elements = read_dataset(
            stream,
            transfer_syntax_uid == ImplicitVRLittleEndian,
            transfer_syntax_uid != ExplicitVRBigEndian,
            stop_when=end.reached,
            specific_tags=[BaseTag(tag) for tag in INDEXED],
        )
        found = {tag: _raw(elements, tag) for tag in INDEXED}  # pydicom converts some values only now
    except Exception as error:  # whatever a parser of hostile bytes raises, RecursionError included
        if not whole:
            return None
        raise CannotUnderstand("the data set cannot be parsed", where=type(error).__name__) from error
    return _header(found) if whole or end.seen else None


def walk(raw: bytes, *, explicit: bool) -> dict[int, bytes] | None:
    """The indexed elements of a little-endian data set up to Instance Number; None when it is not that simple."""
    found: dict[int, bytes] = {}
    at = last = 0
    end = len(raw) - 12
    while at <= end:
        group, element, vr, length = _EXPLICIT(raw, at) if explicit else _IMPLICIT(raw, at)
        tag = group << 16 | element
        if tag > INSTANCE_NUMBER and last:
            return found
        value = at + 8
        if vr in _LONG_VRS:
            length, value = _LENGTH(raw, at + 8)[0], at + 12
        if tag <= last or vr not in _KNOWN_VRS or length == _UNDEFINED:
            return None
        if tag in _INDEXED:
            found[tag] = raw[value : value + length]
        at, last = value + length, tag
    return None


def is_uid(value: str) -> bool:
    """Lenient: leading zeros in components are sent by real devices (PS3.5 9.1 forbids them)."""
    return _UID.fullmatch(value) is not None


class _End:
    """Remembers that an element past the last indexed one was met."""

    def __init__(self) -> None:
        self.seen = False

    def reached(self, tag: BaseTag, _vr: str | None, _length: int) -> bool:
        self.seen = tag > INSTANCE_NUMBER
        return self.seen


def _header(elements: dict[int, bytes]) -> InstanceHeader:
    charset = elements.get(CHARACTER_SET, b"")

    def text(tag: int) -> str:
        return _text(elements.get(tag, b""), charset)

    def name(tag: int) -> str:
        return _name(elements.get(tag, b""), charset)

    return InstanceHeader(
        sop_class_uid=_uid(elements, SOP_CLASS_UID, "SOP Class UID"),
        sop_instance_uid=_uid(elements, SOP_INSTANCE_UID, "SOP Instance UID"),
        study_uid=_uid(elements, STUDY_INSTANCE_UID, "Study Instance UID"),
        series_uid=_uid(elements, SERIES_INSTANCE_UID, "Series Instance UID"),
        patient_id=text(PATIENT_ID),
        issuer=text(ISSUER_OF_PATIENT_ID),
        patient_name=name(PATIENT_NAME),
        patient_birth_date=_date(text(PATIENT_BIRTH_DATE)),
        patient_sex=text(PATIENT_SEX)[:16],
        study_date=_date(text(STUDY_DATE)),
        study_time=text(STUDY_TIME)[:16],
        study_id=text(STUDY_ID),
        accession_number=text(ACCESSION_NUMBER),
        referring_physician=name(REFERRING_PHYSICIAN),
        study_description=text(STUDY_DESCRIPTION),
        modality=text(MODALITY)[:16],
        series_description=text(SERIES_DESCRIPTION),
        series_number=_integer(text(SERIES_NUMBER)),
        instance_number=_integer(text(INSTANCE_NUMBER)) or 0,
    )


def _raw(elements: Dataset, tag: int) -> bytes:
    if tag not in elements:
        return b""
    value = elements.get_item(tag).value
    if isinstance(value, str):  # Specific Character Set, which pydicom decodes while reading
        return value.encode("ascii", "replace")
    return value if isinstance(value, bytes) else b""


def _uid(elements: dict[int, bytes], tag: int, name: str) -> str:
    value = elements.get(tag, b"").decode("ascii", "replace").strip(" \0")
    if not is_uid(value):
        raise CannotUnderstand(f"no usable {name}")
    return value


def _integer(value: str) -> int | None:
    """A value of VR IS: at most 12 characters, 32 bits (PS3.5 6.2); None when it is absent or no number."""
    return int(value) if re.fullmatch(r"[+-]?[0-9]{1,9}", value) else None


def _date(value: str) -> str:
    """A value of VR DA, also as ACR-NEMA wrote it (1999.12.31); "" when it is no date."""
    date = value.replace(".", "")
    return date if re.fullmatch(r"[0-9]{8}", date) else ""


@lru_cache(maxsize=4096)
def _text(raw: bytes, charset: bytes) -> str:
    """Most instances repeat the texts of the one before."""
    return _decoded(raw, charset, {0x5C})


@lru_cache(maxsize=1024)
def _name(raw: bytes, charset: bytes) -> str:
    """In a PN value the character set falls back to the first one at "^" and "=" too (PS3.5 6.1.2.5.3)."""
    return _decoded(raw, charset, {0x5C, 0x5E, 0x3D})


def _decoded(raw: bytes, charset: bytes, delimiters: set[int]) -> str:
    text = decode_bytes(raw, _encodings(charset), delimiters)
    return text.replace("\0", "").strip(" ")[:LONGEST_TEXT]


@lru_cache(maxsize=64)
def _encodings(charset: bytes) -> tuple[str, ...]:
    names = charset.decode("ascii", "replace").strip(" \0").split("\\")
    try:
        return tuple(convert_encodings(names))
    except (LookupError, ValueError):
        return tuple(convert_encodings(None))
