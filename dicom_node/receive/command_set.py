"""DIMSE command sets (PS3.7 Annex E): parsed and encoded by hand, Implicit VR Little Endian always (PS3.7 6.3.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

NO_DATA_SET: Final = 0x0101
LONGEST: Final = 65536

C_STORE_RQ: Final = 0x0001
C_STORE_RSP: Final = 0x8001
C_ECHO_RQ: Final = 0x0030
C_ECHO_RSP: Final = 0x8030
C_CANCEL_RQ: Final = 0x0FFF
RESPONSE: Final = 0x8000

# Elements of group 0000 (PS3.7 Table E.1-1).
AFFECTED_SOP_CLASS_UID: Final = 0x0002
COMMAND_FIELD: Final = 0x0100
MESSAGE_ID: Final = 0x0110
DATA_SET_TYPE: Final = 0x0800
AFFECTED_SOP_INSTANCE_UID: Final = 0x1000

SUCCESS: Final = 0x0000
UNRECOGNISED_OPERATION: Final = 0x0211
LONGEST_COMMENT: Final = 64


class BadCommandSet(Exception):
    """No command set that could be answered."""


@dataclass(frozen=True)
class Command:
    """A request. UIDs as sent, without padding; `message_id` and `field` are always there."""

    field: int
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    has_data_set: bool


@dataclass(frozen=True)
class Answer:
    """A status (PS3.7 Annex C) and, unless it is Success, words for the peer's log."""

    status: int
    comment: str = ""


def parse(raw: bytes | bytearray) -> Command:
    """Raises `BadCommandSet`. Group length, which some peers leave out, is not needed and not believed."""
    elements = _elements(raw)
    field = _number(elements, COMMAND_FIELD)
    # C-CANCEL has no Message ID of its own (PS3.7 9.3.2.3).
    message_id = _number(elements, MESSAGE_ID) if field != C_CANCEL_RQ else 0
    return Command(
        field=field,
        message_id=message_id,
        sop_class_uid=_uid(elements, AFFECTED_SOP_CLASS_UID),
        sop_instance_uid=_uid(elements, AFFECTED_SOP_INSTANCE_UID),
        has_data_set=_number(elements, DATA_SET_TYPE) != NO_DATA_SET,
    )


def response(request: Command, answer: Answer, *, echo_instance_uid: bool = True) -> bytes:
    """The response to any request: C-ECHO-RSP, C-STORE-RSP, or the same shape for what is not served."""
    elements = _uid_element(AFFECTED_SOP_CLASS_UID, request.sop_class_uid)
    elements += _number_element(COMMAND_FIELD, request.field | RESPONSE)
    elements += _number_element(0x0120, request.message_id)
    elements += _number_element(DATA_SET_TYPE, NO_DATA_SET)
    elements += _number_element(0x0900, answer.status)
    if answer.comment:
        elements += _element(0x0902, answer.comment.encode("ascii", "replace")[:LONGEST_COMMENT], b" ")
    if echo_instance_uid:
        elements += _uid_element(AFFECTED_SOP_INSTANCE_UID, request.sop_instance_uid)
    return struct.pack("<HHII", 0, 0, 4, len(elements)) + elements


def _elements(raw: bytes | bytearray) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(raw):
        if len(raw) - at < 8:
            raise BadCommandSet("an element header is cut")
        group, element, length = struct.unpack_from("<HHI", raw, at)
        if group != 0 or length > len(raw) - at - 8:
            raise BadCommandSet(f"element ({group:04x},{element:04x}) of {length} bytes")
        found[element] = bytes(raw[at + 8 : at + 8 + length])
        at += 8 + length
    return found


def _number(elements: dict[int, bytes], element: int) -> int:
    value = elements.get(element, b"")
    if len(value) != 2:
        raise BadCommandSet(f"element (0000,{element:04x}) is missing or no US")
    return int.from_bytes(value, "little")


def _uid(elements: dict[int, bytes], element: int) -> str:
    return elements.get(element, b"").decode("latin-1").strip(" \0")


def _uid_element(element: int, uid: str) -> bytes:
    return _element(element, uid.encode("latin-1"), b"\0") if uid else b""


def _number_element(element: int, value: int) -> bytes:
    return struct.pack("<HHIH", 0, element, 2, value)


def _element(element: int, value: bytes, padding: bytes) -> bytes:
    value += padding * (len(value) % 2)
    return struct.pack("<HHI", 0, element, len(value)) + value
