"""Audit messages as syslog: the line of RFC 5424 with the values of PS3.15 A.6, counted for TLS as RFC 5425 has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dicom_node.audit.chain import Entry
from dicom_node.audit.message import date_time

FACILITY: Final = 10  # security/authorization (A.6)
NOTICE, WARNING = 5, 4  # normal but significant; for what failed
MSGID: Final = "DICOM+RFC3881"
LARGEST_SEQUENCE: Final = 2147483647  # RFC 5424 7.3.1, then 1 again
BOM: Final = b"\xef\xbb\xbf"  # RFC 5424 6.4: says that the text is UTF-8
LONGEST_HOST, LONGEST_NAME = 255, 48  # RFC 5424 6
SUCCEEDED: Final = 'EventOutcomeIndicator="0"'


@dataclass(frozen=True)
class Origin:
    """HOSTNAME and APP-NAME."""

    host: str
    name: str = "dicom-node"


def frame(entry: Entry, origin: Origin) -> bytes:
    """One SYSLOG-FRAME: its length in octets, a space, the message (RFC 5425 4.3)."""
    line = syslog_message(entry, origin)
    return f"{len(line)} ".encode() + line


def syslog_message(entry: Entry, origin: Origin) -> bytes:
    """The entry's number goes along as sequenceId: a collector sees what is missing, and what came twice."""
    priority = FACILITY * 8 + (NOTICE if SUCCEEDED in entry.message else WARNING)
    host, name = _word(origin.host, LONGEST_HOST), _word(origin.name, LONGEST_NAME)
    sequence = f'[meta sequenceId="{(entry.n - 1) % LARGEST_SEQUENCE + 1}"]'
    header = f"<{priority}>1 {_stamp(entry.at)} {host} {name} - {MSGID} {sequence} "
    return header.encode() + BOM + entry.message.encode()


def _stamp(at: float) -> str:
    return date_time(at).replace("+00:00", "Z")


def _word(text: str, longest: int) -> str:
    """Printable ASCII without spaces, or the nil value."""
    return "".join(sign for sign in text if "!" <= sign <= "~")[:longest] or "-"
