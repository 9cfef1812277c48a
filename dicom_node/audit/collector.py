"""The collector: an audit record repository that takes syslog over TLS (RFC 5425, PS3.15 A.6).

Syslog has no answers, so a batch is a connection: after the last message we close TLS (close_notify), and what the
collector does then tells whether it read everything. Its own close_notify and an orderly end of TCP come after it read
ours, which came after all messages. A reset does not: unread bytes were thrown away, and the batch is sent again. The
collector may so get a message twice, never not at all; its number (sequenceId) tells.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass

from dicom_node.errors import BadSettings, PeerUnreachable
from dicom_node.settings import Audit

CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0
TCP_CLOSE = 7


@dataclass(frozen=True)
class Collector:
    host: str
    port: int
    context: ssl.SSLContext

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def reach(self) -> None:
        """Connect, know each other, hang up. Raises `PeerUnreachable`."""
        self.deliver(())

    def deliver(self, frames: Iterable[bytes]) -> None:
        """All of them, in order. Raises `PeerUnreachable` when the collector did not read them all."""
        try:
            with self._connect() as connection:
                connection.sendall(b"".join(frames))
                _confirm(connection)
        except (OSError, ssl.SSLError) as error:
            raise PeerUnreachable(
                f"the audit collector cannot be reached or did not take everything: {_words(error)}",
                where=f"audit.syslog_host {self.name}",
                way_out="Messages are kept and sent again.",
            ) from error

    def _connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), CONNECT_SECONDS)
        try:
            connection = self.context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        connection.settimeout(SEND_SECONDS)
        return connection


def collector_of(settings: Audit) -> Collector | None:
    """None when none is set. Raises `BadSettings` when a certificate cannot be loaded."""
    if not settings.syslog_host:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.syslog_ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate:
            context.load_cert_chain(settings.certificate, settings.key or None)
    except (OSError, ssl.SSLError) as error:
        raise BadSettings(
            f"a certificate for the audit collector cannot be loaded: {_words(error)}",
            where="audit.syslog_ca, audit.certificate, audit.key",
            way_out="Give PEM files that this process may read.",
        ) from error
    return Collector(settings.syslog_host, settings.syslog_port, context)


def _confirm(connection: ssl.SSLSocket) -> None:
    """Raises OSError when the stream ended with bytes unread."""
    plain: socket.socket = connection
    with contextlib.suppress(ssl.SSLEOFError):  # an orderly end without close_notify: it had read ours
        plain = connection.unwrap()
    with plain:
        _settle(plain)


def _settle(connection: socket.socket) -> None:
    """Wait for the other end's kernel: an end of the stream that was sent before our bytes came is followed by a reset.

    Raises OSError on a reset, or when nothing comes.
    """
    with contextlib.suppress(OSError):  # reset already: the option below says so
        connection.shutdown(socket.SHUT_WR)
    until = time.monotonic() + SEND_SECONDS
    while _tcp_state(connection) != TCP_CLOSE:
        if time.monotonic() > until:
            raise TimeoutError("no answer")
        time.sleep(0.01)
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))


def _tcp_state(connection: socket.socket) -> int:
    """`tcpi_state` (tcp(7)); where the system does not tell, closed."""
    option = getattr(socket, "TCP_INFO", None)
    return TCP_CLOSE if option is None else connection.getsockopt(socket.IPPROTO_TCP, option, 1)[0]


def _words(error: Exception) -> str:
    return getattr(error, "verify_message", "") or getattr(error, "strerror", "") or type(error).__name__
