"""Connections that have not asked yet: held without a thread, bounded in number, bytes and time.

A peer that connects and is silent, sends half a header, drips, or announces a gigabyte costs one socket until its
time is up (ARTIM, PS3.8 9.1.5). When the lobby is full the oldest connection of the host that has most of them is
dropped: an honest peer asks within milliseconds, a flood makes room for it at the flood's own cost.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from dicom_node.receive.pdu import HEADER, AbortReason, PduType, abort

MOST_HALF_OPEN: Final = 256
LONGEST_REQUEST: Final = 65536
TICK: Final = 0.2

Asked = Callable[[socket.socket, str, bytes], None]
"""Takes over a connection whose whole A-ASSOCIATE-RQ has arrived: connection, host, the PDU."""


@dataclass(eq=False)
class HalfOpen:
    connection: socket.socket
    host: str
    deadline: float
    received: bytearray = field(default_factory=bytearray)

    @property
    def wanted(self) -> int:
        """Bytes that are still missing: of the header, then of the PDU."""
        if len(self.received) < HEADER:
            return HEADER - len(self.received)
        return HEADER + int(struct.unpack_from(">I", self.received, 2)[0]) - len(self.received)

    def fault(self) -> AbortReason | None:
        """Why this is no A-ASSOCIATE-RQ that anybody would wait for; None while it may become one."""
        if not self.received:
            return None
        if self.received[0] not in PduType.__members__.values():
            return AbortReason.UNRECOGNISED_PDU
        if self.received[0] != PduType.ASSOCIATE_RQ:
            return AbortReason.UNEXPECTED_PDU
        return AbortReason.INVALID_PARAMETER if self.wanted > LONGEST_REQUEST else None


class Lobby:
    """Accepts connections and hands over those that asked. One thread; `run` returns when told to stop."""

    def __init__(self, listening: socket.socket, asked: Asked, patience: float) -> None:
        self._listening = listening
        self._asked = asked
        self._patience = patience
        self._waiting: dict[socket.socket, HalfOpen] = {}
        self._selector = selectors.DefaultSelector()
        self._log: Any = structlog.get_logger()

    def run(self, stopped: Callable[[], bool]) -> None:
        self._listening.setblocking(False)
        self._selector.register(self._listening, selectors.EVENT_READ)
        try:
            while not stopped():
                for key, _ in self._selector.select(TICK):
                    self._serve(key.fileobj)
                self._drop_late()
        finally:
            for half_open in list(self._waiting.values()):
                self._drop(half_open, "stopped")
            self._selector.close()

    def _serve(self, ready: Any) -> None:
        if ready is self._listening:
            self._accept()
        elif ready in self._waiting:  # not dropped meanwhile to make room
            self._receive(self._waiting[ready])

    def _accept(self) -> None:
        try:
            connection, address = self._listening.accept()
        except BlockingIOError:
            return
        except OSError as error:
            self._out_of_descriptors(error)
            return
        # Some systems hand the listener's mode on; Nagle would hold each answer for a delayed acknowledgement.
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._make_room()
        half_open = HalfOpen(connection, str(address[0]), time.monotonic() + self._patience)
        self._waiting[connection] = half_open
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, half_open: HalfOpen) -> None:
        try:
            piece = half_open.connection.recv(half_open.wanted)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._drop(half_open, "closed")
            return
        half_open.received += piece
        fault = half_open.fault()
        if fault is not None:
            self._refuse(half_open, fault)
        elif len(half_open.received) > HEADER and half_open.wanted == 0:
            self._forget(half_open)
            self._asked(half_open.connection, half_open.host, bytes(half_open.received))

    def _refuse(self, half_open: HalfOpen, reason: AbortReason) -> None:
        with contextlib.suppress(OSError):
            half_open.connection.send(abort(2, reason))
        self._drop(half_open, f"no association request: {reason.name.lower()}")

    def _make_room(self) -> None:
        if len(self._waiting) < MOST_HALF_OPEN:
            return
        busiest, _ = Counter(half_open.host for half_open in self._waiting.values()).most_common(1)[0]
        self._drop(next(h for h in self._waiting.values() if h.host == busiest), "crowded out")

    def _out_of_descriptors(self, error: OSError) -> None:
        """Free one by dropping the oldest, else the accept would be tried again at once and for ever."""
        self._log.error("listener.accept_failed", cause=errno.errorcode.get(error.errno or 0, "unknown"))
        oldest = next(iter(self._waiting.values()), None)
        if oldest is not None:
            self._drop(oldest, "crowded out")
        else:
            time.sleep(TICK)

    def _drop_late(self) -> None:
        now = time.monotonic()
        # In order of arrival, and all have the same patience.
        for half_open in list(self._waiting.values()):
            if half_open.deadline > now:
                return
            self._drop(half_open, "no association request in time")

    def _drop(self, half_open: HalfOpen, why: str) -> None:
        self._forget(half_open)
        half_open.connection.close()
        level = self._log.debug if why == "closed" else self._log.info
        level("association.not_asked", host=half_open.host, cause=why, bytes=len(half_open.received))

    def _forget(self, half_open: HalfOpen) -> None:
        self._selector.unregister(half_open.connection)
        del self._waiting[half_open.connection]
