"""The syslog line (RFC 5424, PS3.15 A.6) and its frame (RFC 5425)."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dicom_node.audit.chain import Entry
from dicom_node.audit.syslog import Origin, frame, syslog_message

NODE = Origin("node.example")
MESSAGE = '<?xml version="1.0"?><AuditMessage EventOutcomeIndicator="0"/>'


def entry(message: str = MESSAGE, n: int = 12) -> Entry:
    return Entry(n, 1_790_000_000.25, message, "", "")


def test_the_header_has_the_values_of_the_profile() -> None:
    assert syslog_message(entry(), NODE) == (
        b"<85>1 2026-09-21T14:13:20.250Z node.example dicom-node - DICOM+RFC3881 "
        b'[meta sequenceId="12"] \xef\xbb\xbf' + MESSAGE.encode()
    )


def test_what_failed_is_a_warning() -> None:
    assert syslog_message(entry(MESSAGE.replace('"0"', '"8"')), NODE).startswith(b"<84>1 ")


def test_the_sequence_starts_again_where_its_numbers_end() -> None:
    assert b'sequenceId="1"' in syslog_message(entry(n=2147483648), NODE)


@given(st.text(), st.text(alphabet=st.characters(codec="utf-8")))
def test_a_frame_counts_the_octets_that_follow_and_the_header_stays_ascii(host: str, message: str) -> None:
    framed = frame(entry(message), Origin(host))
    count, _, rest = framed.partition(b" ")
    assert int(count) == len(rest)
    header = rest.partition(b"\xef\xbb\xbf")[0]
    assert re.fullmatch(rb"<8[45]>1 [!-~]+ [!-~]+ [!-~]+ - [!-~]+ \[meta sequenceId=\"12\"\] ", header)
