"""A message to an HL7 v2 receiver: MLLP framing over TCP, one message, one acknowledgement (HL7 v2.5.1 2.9.2)."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from dicom_node.errors import PeerRefused, PeerUnreachable

START, END = b"\x0b", b"\x1c\r"
LONGEST_ANSWER = 1 << 20

ACCEPTED = frozenset({"AA", "CA"})
REJECTED = frozenset({"AR", "CR"})
# Table 0357. A rejection is for reasons other than the content (system down, queue full), except for these four;
# an error is in the content, except for these two.
UNSUPPORTED = frozenset({"200", "201", "202", "203"})
PASSING = frozenset({"206", "207"})


@dataclass(frozen=True)
class Listener:
    """A receiver and how it is called. Times in seconds."""

    host: str
    port: int
    connect_timeout: float = 10.0
    response_timeout: float = 30.0

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Acknowledgement:
    """MSA-1, MSA-2 and the codes of the ERR segments (ERR-3)."""

    code: str
    control_id: str
    errors: frozenset[str]


def transmit(listener: Listener, message: bytes) -> None:
    """Send one message; returns when the receiver has accepted it.

    Raises `PeerUnreachable` (try again) or `PeerRefused` (a person must look).
    """
    _judge(acknowledgement(_exchange(listener, message)), _control_id(message), listener)


def acknowledgement(answer: bytes) -> Acknowledgement | None:
    """What an answer says; None where it is no acknowledgement."""
    segments = [line.split("|") for line in answer.decode("utf-8", "replace").replace("\n", "\r").split("\r")]
    found = next((fields for fields in segments if fields[0] == "MSA" and len(fields) > 2), None)
    if found is None or segments[0][0] != "MSH":
        return None
    errors = frozenset(fields[3].split("^")[0] for fields in segments if fields[0] == "ERR" and len(fields) > 3)
    return Acknowledgement(found[1].strip(), found[2].strip(), errors)


def _control_id(message: bytes) -> str:
    return message.split(b"\r", 1)[0].split(b"|")[9].decode()


def _judge(said: Acknowledgement | None, sent: str, listener: Listener) -> None:
    if said is None or said.control_id != sent:
        raise PeerUnreachable(
            "the receiver's answer does not acknowledge the message", where=listener.place, way_out="It is tried again."
        )
    if said.code in ACCEPTED:
        return
    codes = "".join(f" {code}" for code in sorted(said.errors) if code.isalnum())
    words = f"the receiver answered {said.code[:2]}{codes}"
    if _passes(said):
        raise PeerUnreachable(words, where=listener.place, way_out="It is tried again.")
    raise PeerRefused(words, where=listener.place, way_out="Ask the receiver's keeper, then `dicom-node retry`.")


def _passes(said: Acknowledgement) -> bool:
    """Whether the same message may be accepted later."""
    if said.errors:
        return not said.errors & UNSUPPORTED if said.code in REJECTED else said.errors <= PASSING
    return said.code in REJECTED


def _exchange(listener: Listener, message: bytes) -> bytes:
    """The receiver's answer, unframed. Another message's frame before ours cannot be: the connection is new."""
    until = time.monotonic() + listener.connect_timeout + listener.response_timeout
    try:
        with socket.create_connection((listener.host, listener.port), listener.connect_timeout) as connection:
            connection.settimeout(listener.response_timeout)
            connection.sendall(START + message + END)
            return _framed(connection, until, listener)
    except OSError as error:
        way_out = "Check that it runs, and its host, port and firewall."
        raise PeerUnreachable(
            f"the receiver does not answer: {type(error).__name__}", where=listener.place, way_out=way_out
        ) from error


def _framed(connection: socket.socket, until: float, listener: Listener) -> bytes:
    """One frame. The time is for all of it: a receiver that drips bytes holds nobody."""
    received = b""
    while END not in received:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(min(left, listener.response_timeout))
        piece = connection.recv(65536)
        if not piece or len(received) > LONGEST_ANSWER:
            raise ConnectionError
        received += piece
    return received.partition(END)[0].rpartition(START)[2]
