"""Who may come in, and what a message may not do once they are."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom_node.archive.instance_rows import Association
from dicom_node.errors import OutOfResources
from dicom_node.receive.association import escaped, objection, read_request
from dicom_node.receive.command_set import Answer
from dicom_node.receive.direct import Context, Conversation
from dicom_node.receive.lobby import HalfOpen
from dicom_node.receive.pdu import (
    BAD_APPLICATION_CONTEXT,
    BAD_CALLED_AE,
    BAD_CALLING_AE,
    BAD_PROTOCOL_VERSION,
    Abort,
    PeerGone,
    Rejection,
)
from dicom_node.settings import Listener
from tests.peers import associate_request

STORE = struct.pack("<HHI", 0, 0x0002, 4) + b"1.2\0"


def command(command_field: int, *, data: bool) -> bytes:
    numbers = {0x0100: command_field, 0x0110: 9, 0x0800: 1 if data else 0x0101}
    return STORE + b"".join(struct.pack("<HHIH", 0, tag, 2, value) for tag, value in numbers.items())


def pdv(context_id: int, control: int, value: bytes) -> bytes:
    return struct.pack(">IBB", len(value) + 2, context_id, control) + value


@pytest.mark.parametrize(
    ("settings_", "change", "expected"),
    [
        ({}, {}, None),
        ({}, {"called": "OTHER"}, BAD_CALLED_AE),
        ({"check_called_ae": False}, {"called": "OTHER"}, None),
        ({"calling_ae_titles": ("CT1",)}, {}, BAD_CALLING_AE),
        ({"calling_ae_titles": ("CT1", "RAW")}, {}, None),
    ],
)
def test_titles_decide_who_comes_in(
    settings_: dict[str, Any], change: dict[str, str], expected: Rejection | None
) -> None:
    request = read_request(associate_request(**{"called": "MEDVLM"} | change))
    assert objection(request, Listener(**settings_)) == expected


def test_an_unknown_protocol_or_application_context_is_rejected() -> None:
    raw = associate_request("MEDVLM")
    assert objection(read_request(raw[:6] + b"\0\2" + raw[8:]), Listener()) == BAD_PROTOCOL_VERSION
    other = raw.replace(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.9")
    assert objection(read_request(other), Listener()) == BAD_APPLICATION_CONTEXT


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_request_is_read_or_aborted(data: st.DataObject) -> None:
    raw = bytearray(associate_request("MEDVLM"))
    for _ in range(data.draw(st.integers(0, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Abort):
        assert len(read_request(bytes(raw[: data.draw(st.integers(6, len(raw)))])).called_ae) <= 16


@given(st.text(max_size=40))
def test_a_title_in_a_log_is_one_short_line_of_ascii(title: str) -> None:
    shown = escaped(title)
    assert len(shown) <= 16
    assert shown.isascii()
    assert shown.isprintable() or not shown


@given(st.binary(min_size=1, max_size=5))
def test_half_a_header_is_waited_for_or_faulty_but_never_a_request(raw: bytes) -> None:
    half_open = HalfOpen(None, "host", 0.0, bytearray(raw))  # type: ignore[arg-type]
    assert half_open.wanted == 6 - len(raw)
    assert (half_open.fault() is None) == (raw[0] == 1)


@dataclass
class Taken:
    """A reception that only remembers."""

    written: bytearray = field(default_factory=bytearray)
    ended: int = 0

    def __enter__(self) -> Taken:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended += 1

    def write(self, fragment: memoryview) -> None:
        self.written += fragment

    def finish(self) -> Answer:
        return Answer(0x0000)


class Storage:
    """Neither disk nor index: `open` says that there is no spare file."""

    def __init__(self) -> None:
        self.store = self
        self.begun: list[Taken] = []

    def open(self) -> None:
        raise OutOfResources("no disk here")

    def begin(self, *_: object) -> Taken:
        self.begun.append(Taken())
        return self.begun[-1]


class Stream:
    """PDUs from a list; what is answered is kept."""

    def __init__(self, pdus: list[tuple[int, bytes]]) -> None:
        self.pdus = pdus
        self.sent: list[bytes] = []

    def read(self, *, between_messages: bool) -> tuple[int, memoryview]:
        if not self.pdus:
            raise PeerGone("the end of the list")
        kind, body = self.pdus.pop(0)
        return kind, memoryview(body)

    def send(self, pdu: bytes) -> None:
        self.sent.append(pdu)


CONTEXTS = {
    1: Context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2"),
    3: Context("1.2.840.10008.1.1", "1.2.840.10008.1.2"),
}
RELEASE = (5, bytes(4))


def converse(*pdus: tuple[int, bytes]) -> tuple[Stream, Storage, object]:
    stream, storage = Stream(list(pdus)), Storage()
    record = Association("a", "X", "Y", "h", 0.0)

    @dataclass
    class Admission:
        record: Association

    conversation = Conversation(stream, CONTEXTS, storage, Admission(record))  # type: ignore[arg-type]
    try:
        return stream, storage, conversation.run()
    except (Abort, PeerGone) as error:
        return stream, storage, error
    finally:
        conversation.close()


def status(response: bytes) -> int:
    at = response.find(struct.pack("<HHI", 0, 0x0900, 2)) + 8
    return int.from_bytes(response[at : at + 2], "little")


def test_command_and_data_may_come_in_any_fragments() -> None:
    request = command(0x0001, data=True)
    body = pdv(1, 1, request[:5]) + pdv(1, 1, b"") + pdv(1, 3, request[5:]) + pdv(1, 0, b"ab") + pdv(1, 0, b"")
    stream, storage, end = converse((4, body), (4, pdv(1, 2, b"cd")), RELEASE)
    assert [bytes(taken.written) for taken in storage.begun] == [b"abcd"]
    assert [status(sent) for sent in stream.sent] == [0x0000]
    assert end == (bytes((6, 0, 0, 0, 0, 4, 0, 0, 0, 0)), "released")


def test_what_is_not_served_is_said_to_be_unrecognised() -> None:
    stream, _, _ = converse((4, pdv(1, 3, command(0x0020, data=True)) + pdv(1, 2, b"query")), RELEASE)
    assert [status(sent) for sent in stream.sent] == [0x0211]


def test_a_cancel_is_not_answered() -> None:
    stream, _, end = converse((4, pdv(1, 3, command(0x0FFF, data=False))), RELEASE)
    assert not stream.sent
    assert end[1] == "released"  # type: ignore[index]


@pytest.mark.parametrize(
    "body",
    [
        pdv(5, 3, command(0x0030, data=False)),  # a context that was not accepted
        pdv(1, 2, b"data without a command"),
        pdv(1, 3, command(0x0001, data=True)) + pdv(1, 3, command(0x0001, data=True)),
        pdv(1, 3, command(0x0001, data=True)) + pdv(3, 2, b"data in another context"),
        pdv(1, 3, b"no command set"),
        pdv(1, 1, bytes(65537)),
        b"\0\0\0\x63\1\3",
    ],
)
def test_what_breaks_the_protocol_is_aborted(body: bytes) -> None:
    stream, storage, end = converse((4, body), RELEASE)
    assert isinstance(end, Abort)
    assert not stream.sent
    assert all(taken.ended == 1 for taken in storage.begun)


def test_a_release_in_the_middle_of_a_message_is_aborted() -> None:
    _, storage, end = converse((4, pdv(1, 3, command(0x0001, data=True))), RELEASE)
    assert isinstance(end, Abort)
    assert storage.begun[0].ended == 1


pieces = st.one_of(
    st.binary(max_size=20),
    st.builds(
        pdv,
        st.sampled_from([1, 3, 5]),
        st.integers(0, 3),
        st.sampled_from(
            [b"", b"x", command(0x0001, data=True), command(0x0030, data=False), command(0x0020, data=True)]
        ),
    ),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from([4, 4, 4, 5, 7]), st.lists(pieces, max_size=4).map(b"".join)), max_size=6))
def test_no_conversation_leaves_a_reception_open_or_answers_twice(pdus: list[tuple[int, bytes]]) -> None:
    stream, storage, _ = converse(*pdus)
    assert all(taken.ended == 1 for taken in storage.begun)
    assert len(stream.sent) <= sum(body.count(STORE) for _, body in pdus)


def test_the_listener_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'monai', 'transformers', 'highdicom', 'fastapi', 'dbos'}"
    script = f"import sys, dicom_node.receive.listener as _; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
