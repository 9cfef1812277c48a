"""PDUs over a socket pair: whatever the fragments, whatever the bytes."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.pdu import P_DATA_TF

from dicom_node.receive.pdu import Abort, AbortReason, Deadlines, PduStream, PeerGone, Stopped, p_data, pdvs

MAX_PDU = 4096


@contextmanager
def streams(idle: float = 5, pdu: float = 5) -> Iterator[tuple[socket.socket, PduStream, int]]:
    """The peer's end, our stream, and the descriptor that wakes it."""
    ours, peer = socket.socketpair()
    wake, tell = os.pipe()
    try:
        yield peer, PduStream(ours, MAX_PDU, Deadlines(idle, pdu), wake), tell
    finally:
        ours.close()
        peer.close()
        os.close(wake)
        os.close(tell)


def p_data_tf(body: bytes) -> bytes:
    return struct.pack(">BBI", 4, 0, len(body)) + body


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(max_size=MAX_PDU), min_size=1, max_size=8), st.data())
def test_pdus_come_out_whole_however_they_were_cut(bodies: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(map(p_data_tf, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    with streams() as (peer, stream, _):
        sender = threading.Thread(target=_send_in_pieces, args=(peer, raw, cuts))
        sender.start()
        got = [bytes(stream.read(between_messages=True)[1]) for _ in bodies]
        sender.join()
    assert got == bodies


def _send_in_pieces(peer: socket.socket, raw: bytes, cuts: list[int]) -> None:
    for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        peer.sendall(raw[begin:end])


@settings(deadline=None, max_examples=100)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_end_in_a_pdu_an_abort_or_a_closed_connection(raw: bytes) -> None:
    with streams(idle=1, pdu=1) as (peer, stream, _):
        peer.sendall(raw)
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises((Abort, PeerGone)):
            _read_all(stream)


def _read_all(stream: PduStream) -> None:
    while True:
        assert all(len(pdv.data) <= MAX_PDU for pdv in pdvs(stream.read(between_messages=True)[1]))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (struct.pack(">BBI", 4, 0, MAX_PDU + 1), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BBI", 4, 0, 1 << 30), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BBI", 5, 0, 5), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BBI", 1, 0, 100), AbortReason.UNEXPECTED_PDU),
        (struct.pack(">BBI", 9, 0, 4), AbortReason.UNRECOGNISED_PDU),
    ],
)
def test_a_pdu_is_judged_by_its_header_alone(header: bytes, reason: AbortReason) -> None:
    with streams() as (peer, stream, _):
        peer.sendall(header)
        with pytest.raises(Abort) as caught:
            stream.read(between_messages=True)
    assert caught.value.reason == reason


def test_silence_between_messages_has_an_end() -> None:
    with streams(idle=0.1) as (_, stream, _), pytest.raises(PeerGone, match="silent"):
        stream.read(between_messages=True)


def test_a_pdu_that_drips_has_an_end() -> None:
    with streams(pdu=0.3) as (peer, stream, _):
        done = threading.Event()

        def drip() -> None:
            for byte in p_data_tf(bytes(100)):
                if done.wait(0.05):
                    return
                peer.sendall(bytes((byte,)))

        dripping = threading.Thread(target=drip)
        dripping.start()
        begin = time.monotonic()
        with pytest.raises(PeerGone, match="in time"):
            stream.read(between_messages=True)
        assert time.monotonic() - begin < 1
        done.set()
        dripping.join()


def test_a_stop_is_heard_between_messages_only() -> None:
    with streams(idle=0.2) as (peer, stream, tell):
        os.write(tell, b"\0")
        with pytest.raises(Stopped):
            stream.read(between_messages=True)
        peer.sendall(p_data_tf(b"x"))
        assert bytes(stream.read(between_messages=False)[1]) == b"x"


def test_pdvs_are_what_pynetdicom_reads() -> None:
    raw = p_data(3, b"command")
    oracle = P_DATA_TF()
    oracle.decode(raw)
    ((context_id, value),) = oracle.to_primitive().presentation_data_value_list
    (pdv,) = pdvs(memoryview(raw)[6:])
    assert (pdv.context_id, pdv.is_command, pdv.is_last, bytes(pdv.data)) == (context_id, True, True, value[1:])


def test_several_and_empty_pdvs_share_a_pdu() -> None:
    body = struct.pack(">IBB", 2, 1, 1) + struct.pack(">IBB", 4, 1, 3) + b"ab" + struct.pack(">IBB", 2, 1, 2)
    assert [(p.is_command, p.is_last, bytes(p.data)) for p in pdvs(memoryview(body))] == [
        (True, False, b""),
        (True, True, b"ab"),
        (False, True, b""),
    ]


@given(st.binary(max_size=64))
def test_pdvs_never_reach_beyond_their_pdu(body: bytes) -> None:
    with contextlib.suppress(Abort):
        assert sum(len(pdv.data) + 6 for pdv in pdvs(memoryview(body))) == len(body)
