"""DICOM Upper Layer PDUs on a socket (PS3.8 9.3): read whole, never longer than allowed, never slower than allowed."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple


class PduType(IntEnum):
    ASSOCIATE_RQ = 0x01
    ASSOCIATE_AC = 0x02
    ASSOCIATE_RJ = 0x03
    P_DATA_TF = 0x04
    RELEASE_RQ = 0x05
    RELEASE_RP = 0x06
    ABORT = 0x07


class AbortReason(IntEnum):
    """Of the service provider, source 2 (PS3.8 Table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNISED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNISED_PARAMETER = 4
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER = 6


@dataclass(frozen=True)
class Rejection:
    """A-ASSOCIATE-RJ (PS3.8 Table 9-21); `words` are for the log."""

    result: int
    source: int
    reason: int
    words: str


BAD_APPLICATION_CONTEXT: Final = Rejection(1, 1, 2, "application context not supported")
BAD_CALLING_AE: Final = Rejection(1, 1, 3, "calling AE title not recognised")
BAD_CALLED_AE: Final = Rejection(1, 1, 7, "called AE title not recognised")
BAD_PROTOCOL_VERSION: Final = Rejection(1, 2, 2, "protocol version not supported")
LIMIT_EXCEEDED: Final = Rejection(2, 3, 2, "local limit exceeded")

# Sources of an A-ABORT (PS3.8 9.3.8).
USER: Final = 0
PROVIDER: Final = 2

HEADER: Final = 6
# A-RELEASE and A-ABORT carry four bytes (PS3.8 9.3.6-9.3.8).
SHORT_PDU: Final = 4
# What a peer may still send to an association that has ended, before it is cut off.
DRAINED_AT_MOST: Final = 1 << 20


class Abort(Exception):
    """The peer broke the protocol: answer with A-ABORT, source 2."""

    def __init__(self, reason: AbortReason, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words


class PeerGone(Exception):
    """The connection ended, or the peer was silent or slow for too long."""


class Stopped(Exception):
    """The node is stopping, and no message is under way."""


class Pdv(NamedTuple):
    """A presentation data value (PS3.8 9.3.5.1 and Annex E.2). `data` is only valid until the next PDU is read."""

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview


@dataclass(frozen=True)
class Deadlines:
    """Seconds: of silence between PDUs, and for one PDU from its first byte to its last."""

    idle: float
    pdu: float


class PduStream:
    """The PDUs of an established association.

    One buffer of fixed size is reused: bytes go from the kernel into it and from it into the file. `wake` is a file
    descriptor that becomes readable when the node stops.
    """

    def __init__(self, connection: socket.socket, max_pdu: int, deadlines: Deadlines, wake: int) -> None:
        self._connection = connection
        self._max_pdu = max_pdu
        self._deadlines = deadlines
        self._buffer = bytearray(2 * (max_pdu + 2 * HEADER))
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._wake = wake
        self._poll_or_wake = select.poll()
        self._poll_or_wake.register(connection, select.POLLIN)
        self._poll_or_wake.register(wake, select.POLLIN)

    def read(self, *, between_messages: bool) -> tuple[int, memoryview]:
        """The next PDU: its type and its body, valid until the next call.

        Raises `Abort` for a PDU that no peer may send here, `PeerGone`, and `Stopped` when between messages.
        """
        if self._end - self._begin == 0:
            self._await_bytes(between_messages)
        deadline = time.monotonic() + self._deadlines.pdu
        self._fill(HEADER, deadline)
        kind, _, length = struct.unpack_from(">BBI", self._buffer, self._begin)
        self._check(kind, length)
        self._fill(HEADER + length, deadline)
        body = self._view[self._begin + HEADER : self._begin + HEADER + length]
        self._begin += HEADER + length
        return kind, body

    def send(self, pdu: bytes) -> None:
        """One write: a response in two would wait for the peer's delayed acknowledgement."""
        try:
            self._connection.settimeout(self._deadlines.pdu)
            self._connection.sendall(pdu)
        except OSError as error:
            raise PeerGone("the peer takes no answer") from error

    def _check(self, kind: int, length: int) -> None:
        if kind not in PduType.__members__.values():
            raise Abort(AbortReason.UNRECOGNISED_PDU, f"PDU type {kind:#04x}")
        if kind in (PduType.ASSOCIATE_RQ, PduType.ASSOCIATE_AC, PduType.ASSOCIATE_RJ, PduType.RELEASE_RP):
            raise Abort(AbortReason.UNEXPECTED_PDU, f"PDU type {kind:#04x} in an association")
        if length > (self._max_pdu if kind == PduType.P_DATA_TF else SHORT_PDU):
            raise Abort(AbortReason.INVALID_PARAMETER, f"a PDU of {length} bytes")

    def _await_bytes(self, between_messages: bool) -> None:
        self._begin = self._end = 0
        poll = self._poll_or_wake if between_messages else self._poll
        ready = poll.poll(self._deadlines.idle * 1000)
        if not ready:
            raise PeerGone("silent for too long")
        if all(fd == self._wake for fd, _ in ready):
            raise Stopped

    def _fill(self, wanted: int, deadline: float) -> None:
        """Have `wanted` bytes from `_begin` on; take what else has arrived along."""
        if self._begin + wanted > len(self._buffer):
            rest = self._end - self._begin
            self._buffer[:rest] = self._buffer[self._begin : self._end]
            self._begin, self._end = 0, rest
        while self._end - self._begin < wanted:
            self._end += self._receive(self._view[self._end :], deadline)

    def _receive(self, room: memoryview, deadline: float) -> int:
        left = deadline - time.monotonic()
        if left <= 0:
            raise PeerGone("a PDU did not arrive in time")
        try:
            self._connection.settimeout(left)
            count = self._connection.recv_into(room)
        except OSError as error:
            raise PeerGone("a PDU did not arrive in time" if isinstance(error, TimeoutError) else "reset") from error
        if count == 0:
            raise PeerGone("closed without release")
        return count


def pdvs(body: memoryview) -> Iterator[Pdv]:
    """The PDVs of a P-DATA-TF. Raises `Abort` when their lengths do not add up."""
    at = 0
    while at < len(body):
        if len(body) - at < HEADER:
            raise Abort(AbortReason.INVALID_PARAMETER, "a PDV header is cut")
        length, context_id, control = struct.unpack_from(">IBB", body, at)
        if length < 2 or at + 4 + length > len(body):
            raise Abort(AbortReason.INVALID_PARAMETER, f"a PDV of {length} bytes")
        yield Pdv(context_id, bool(control & 1), bool(control & 2), body[at + HEADER : at + 4 + length])
        at += 4 + length


def p_data(context_id: int, command: bytes) -> bytes:
    """A P-DATA-TF with one whole command set."""
    return (
        struct.pack(">BBIIBB", PduType.P_DATA_TF, 0, len(command) + HEADER, len(command) + 2, context_id, 3) + command
    )


def reject(rejection: Rejection) -> bytes:
    return bytes((PduType.ASSOCIATE_RJ, 0, 0, 0, 0, 4, 0, rejection.result, rejection.source, rejection.reason))


def abort(source: int, reason: int = 0) -> bytes:
    return bytes((PduType.ABORT, 0, 0, 0, 0, 4, 0, 0, source, reason))


def release_response() -> bytes:
    return bytes((PduType.RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0))


def hang_up(connection: socket.socket, last_words: bytes, *, patience: float = 1.0) -> None:
    """Send a last PDU and close so that it arrives: a close over unread bytes would reset the connection (PS3.8 AA-2).

    The peer has `patience` seconds to close first.
    """
    deadline = time.monotonic() + patience
    try:
        connection.settimeout(patience)
        connection.sendall(last_words)
        connection.shutdown(socket.SHUT_WR)
        _drain(connection, deadline)
    except OSError:
        pass
    finally:
        connection.close()


def _drain(connection: socket.socket, deadline: float) -> None:
    drained = 0
    while drained < DRAINED_AT_MOST and (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        count = len(connection.recv(65536))
        if not count:
            return
        drained += count
