"""Command sets by hand, with pynetdicom's codec as the oracle."""

from __future__ import annotations

import contextlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, C_STORE_RSP
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.dsutils import decode

from dicom_node.receive.command_set import Answer, BadCommandSet, Command, parse, response

CT = "1.2.840.10008.5.1.4.1.1.2"
uids = st.from_regex(r"[1-9](\.[1-9][0-9]{0,5}){1,9}", fullmatch=True)


def encoded(message: object) -> bytes:
    """The command set of a pynetdicom message."""
    return b"".join(p.presentation_data_value_list[0][1][1:] for p in message.encode_msg(1, 0))  # type: ignore[attr-defined]


def request(sop_instance_uid: str, message_id: int) -> bytes:
    primitive = C_STORE()
    primitive.MessageID = message_id
    primitive.AffectedSOPClassUID = CT
    primitive.AffectedSOPInstanceUID = sop_instance_uid
    primitive.Priority = 2
    primitive.DataSet = BytesIO(b"\0\0")
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    message.data_set = BytesIO()
    return encoded(message)


@given(uids, st.integers(0, 0xFFFF))
def test_a_store_request_is_read_as_pynetdicom_wrote_it(sop_instance_uid: str, message_id: int) -> None:
    command = parse(request(sop_instance_uid, message_id))
    assert (command.field, command.message_id) == (0x0001, message_id)
    assert (command.sop_class_uid, command.sop_instance_uid) == (CT, sop_instance_uid)


def test_an_echo_request_has_no_data_set() -> None:
    primitive = C_ECHO()
    primitive.MessageID = 7
    primitive.AffectedSOPClassUID = "1.2.840.10008.1.1"
    message = C_ECHO_RQ()
    message.primitive_to_message(primitive)
    assert parse(encoded(message)) == Command(0x0030, 7, "1.2.840.10008.1.1", "", has_data_set=False)


@given(uids, st.integers(0, 0xFFFF))
def test_a_success_is_byte_for_byte_what_pynetdicom_would_answer(sop_instance_uid: str, message_id: int) -> None:
    primitive = C_STORE()
    primitive.MessageIDBeingRespondedTo = message_id
    primitive.AffectedSOPClassUID = CT
    primitive.AffectedSOPInstanceUID = sop_instance_uid
    primitive.Status = 0x0000
    message = C_STORE_RSP()
    message.primitive_to_message(primitive)
    command = Command(0x0001, message_id, CT, sop_instance_uid, has_data_set=True)
    assert response(command, Answer(0x0000)) == encoded(message)


@given(st.integers(0, 0xFFFF), st.text(max_size=200))
def test_a_failure_is_read_back_by_pynetdicom(status: int, comment: str) -> None:
    raw = response(Command(0x0001, 1, CT, "1.2.3", has_data_set=True), Answer(status, comment))
    elements = decode(BytesIO(raw), True, True)
    assert elements.Status == status
    assert len(elements.get("ErrorComment", "")) <= 64
    assert elements.CommandGroupLength == len(raw) - 12


@given(st.binary(max_size=300))
def test_any_bytes_are_a_command_or_refused(raw: bytes) -> None:
    with contextlib.suppress(BadCommandSet):
        assert 0 <= parse(raw).message_id <= 0xFFFF


@given(st.data())
def test_a_damaged_command_is_a_command_or_refused(data: st.DataObject) -> None:
    raw = bytearray(request("1.2.3", 1))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadCommandSet):
        assert 0 <= parse(raw[: data.draw(st.integers(0, len(raw)))]).message_id <= 0xFFFF


def test_group_length_may_be_absent_and_wrong() -> None:
    raw = request("1.2.3", 5)
    assert parse(raw[12:]) == parse(b"\0\0\0\0\x04\0\0\0\xff\xff\xff\xff" + raw[12:])


@pytest.mark.parametrize("padding", ["\0", " ", ""])
def test_padding_of_uids_is_no_part_of_them(padding: str) -> None:
    raw = request("1.2.34", 1)
    assert raw.count(b"1.2.34") == 1
    sent = raw.replace(b"1.2.34", f"1.2.3{padding or '4'}".encode())
    assert parse(sent).sop_instance_uid == ("1.2.3" if padding else "1.2.34")
