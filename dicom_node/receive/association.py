"""An association: who asks, whether they may, and what runs it once they may."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE

from dicom_node.archive.instance_rows import Association
from dicom_node.receive.pdu import (
    BAD_APPLICATION_CONTEXT,
    BAD_CALLED_AE,
    BAD_CALLING_AE,
    BAD_PROTOCOL_VERSION,
    Abort,
    AbortReason,
    Rejection,
)
from dicom_node.settings import Listener

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
# Context IDs are the odd numbers of a byte (PS3.8 9.3.2.2).
MOST_CONTEXTS: Final = 128

Outcome = Literal["released", "aborted", "lost", "stopped"]


@dataclass(frozen=True)
class Request:
    """An A-ASSOCIATE-RQ: its bytes, and what pynetdicom reads in them. AE titles without padding."""

    raw: bytes
    primitive: A_ASSOCIATE
    calling_ae: str
    called_ae: str


@dataclass(frozen=True)
class Admitted:
    """An association that may be accepted. Whoever runs it owns the connection and closes it."""

    connection: socket.socket
    request: Request
    record: Association
    stopping: Stopping


class Receiver(Protocol):
    """Runs associations to their end. Each runs in its own thread."""

    def run(self, admitted: Admitted) -> Outcome: ...


class Stopping:
    """Tells every waiting thread at once that the node stops: `wake` becomes readable."""

    def __init__(self) -> None:
        self.wake, self._tell = os.pipe()
        self._event = threading.Event()

    def stop(self) -> None:
        self._event.set()
        os.write(self._tell, b"\0")

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    def close(self) -> None:
        os.close(self.wake)
        os.close(self._tell)


def read_request(raw: bytes) -> Request:
    """Raises `Abort` for what is no A-ASSOCIATE-RQ (PS3.8 9.3.2)."""
    try:
        pdu = A_ASSOCIATE_RQ()
        pdu.decode(raw)
        primitive = pdu.to_primitive()
        contexts = primitive.presentation_context_definition_list
        whole = all(context.abstract_syntax and context.transfer_syntax for context in contexts)
    except Exception as error:  # a parser of hostile bytes
        raise Abort(AbortReason.INVALID_PARAMETER, f"A-ASSOCIATE-RQ: {type(error).__name__}") from error
    if not whole or len(contexts) > MOST_CONTEXTS:
        raise Abort(AbortReason.INVALID_PARAMETER, "A-ASSOCIATE-RQ: presentation contexts")
    return Request(raw, primitive, calling_ae=_title(raw[26:42]), called_ae=_title(raw[10:26]))


def objection(request: Request, settings: Listener) -> Rejection | None:
    """Why this request must be rejected, or None (PS3.8 9.3.4)."""
    if not request.raw[7] & 1:
        return BAD_PROTOCOL_VERSION
    if request.primitive.application_context_name != APPLICATION_CONTEXT:
        return BAD_APPLICATION_CONTEXT
    if settings.check_called_ae and request.called_ae != settings.ae_title:
        return BAD_CALLED_AE
    if settings.calling_ae_titles and request.calling_ae not in settings.calling_ae_titles:
        return BAD_CALLING_AE
    return None


def record(request: Request, host: str) -> Association:
    return Association(
        id=str(uuid.uuid4()),
        calling_ae=escaped(request.calling_ae),
        called_ae=escaped(request.called_ae),
        host=host,
        started=time.time(),
    )


def escaped(title: str) -> str:
    """An AE title as it may stand in a log line: printable ASCII, at most 16 characters."""
    return "".join(sign if " " <= sign <= "~" and sign != "\\" else "?" for sign in title)[:16]


def _title(raw: bytes) -> str:
    return raw.decode("latin-1").strip(" \0")
