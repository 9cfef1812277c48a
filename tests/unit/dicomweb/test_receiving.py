"""The head of a stored part: its file meta is found, waited for, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_node.api.dicomweb.receiving import NotAPart10File, parse_meta
from tests.builders import bytes_of, data_set_of, dx_film

FILM = dx_film(shape=(4, 4))
FILE = bytes_of(FILM)


def test_the_meta_ends_where_the_data_set_begins() -> None:
    meta = parse_meta(bytearray(FILE))
    assert meta is not None
    assert FILE[meta.length :] == data_set_of(FILE)
    assert (meta.sop_class_uid, meta.sop_instance_uid) == (FILM.SOPClassUID, FILM.SOPInstanceUID)


@given(st.integers(0, len(FILE)))
def test_a_head_cut_anywhere_is_waited_for_or_whole(length: int) -> None:
    meta = parse_meta(bytearray(FILE[:length]))
    assert meta is None or meta == parse_meta(bytearray(FILE))


def test_a_file_without_preamble_is_taken() -> None:
    bare = bytearray(FILE[132:])
    meta = parse_meta(bare)
    assert meta is not None
    assert bare[meta.length :] == data_set_of(FILE)


@given(st.binary(min_size=132, max_size=400))
def test_any_other_bytes_are_refused(head: bytes) -> None:
    try:
        found = parse_meta(bytearray(head))
    except NotAPart10File:
        return
    assert found is None


def test_a_meta_that_never_ends_is_not_gathered_for_ever() -> None:
    endless = bytearray(FILE[:132] + b"\x02\0\x02\x01OB\0\0\xff\xff\xff\x7f" + bytes(200))
    with pytest.raises(NotAPart10File):
        parse_meta(endless)
