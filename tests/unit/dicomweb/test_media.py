"""What a client accepts: the headers that real viewers send, and whatever else a socket may bring."""

from __future__ import annotations

import pytest
from fastapi import HTTPException, Request
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from dicom_node.api.dicomweb.media import (
    MediaRange,
    accepted,
    choose_frame,
    choose_instance,
    parse_content_type,
    require_json,
)

OHIF = "multipart/related; type=application/octet-stream; transfer-syntax=*"
CLIENT = 'multipart/related; type="*/*"'


def asking(accept: str | None, query: str = "") -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode("latin-1", "replace"))]
    return Request({"type": "http", "headers": headers, "query_string": query.encode(), "method": "GET", "path": "/"})


def frame(accept: str, stored: str) -> tuple[str, str] | None:
    chosen = choose_frame(accepted(asking(accept)), stored)
    return (chosen.type, chosen.transfer_syntax) if chosen else None


@pytest.mark.parametrize(
    ("accept", "stored", "sent"),
    [
        (OHIF, JPEG2000Lossless, ("image/jp2", JPEG2000Lossless)),
        (OHIF, ExplicitVRBigEndian, ("application/octet-stream", ExplicitVRLittleEndian)),
        (CLIENT, RLELossless, ("image/dicom-rle", RLELossless)),
        ("*/*", JPEGBaseline8Bit, ("image/jpeg", JPEGBaseline8Bit)),
        ('multipart/related; type="image/jpeg"', JPEGBaseline8Bit, ("image/jpeg", JPEGBaseline8Bit)),
        ("multipart/related; type=image/*", JPEG2000Lossless, ("image/jp2", JPEG2000Lossless)),
        ('multipart/related; type="image/jp2"', JPEGBaseline8Bit, None),
        ('multipart/related; type="application/octet-stream"', JPEGBaseline8Bit,
         ("application/octet-stream", ExplicitVRLittleEndian)),
        (f"multipart/related; type=image/jpeg; transfer-syntax={JPEG2000Lossless}", JPEGBaseline8Bit, None),
        (f"image/jp2;q=0.2, {OHIF};q=0.9", JPEG2000Lossless, ("image/jp2", JPEG2000Lossless)),
        ("image/jls;q=1, application/octet-stream;q=0.5", ExplicitVRLittleEndian,
         ("application/octet-stream", ExplicitVRLittleEndian)),
        ("text/plain", ExplicitVRLittleEndian, None),
    ],
)  # fmt: skip
def test_a_frame_leaves_as_stored_or_plain_or_not_at_all(
    accept: str, stored: str, sent: tuple[str, str] | None
) -> None:
    assert frame(accept, stored) == sent


def test_an_instance_is_converted_to_explicit_little_endian_alone() -> None:
    def chosen(syntax: str) -> MediaRange | None:
        accept = f'multipart/related; type="application/dicom"; transfer-syntax={syntax}'
        return choose_instance(accepted(asking(accept)), JPEGBaseline8Bit)

    for syntax, sent in (("*", JPEGBaseline8Bit), (ExplicitVRLittleEndian, ExplicitVRLittleEndian)):
        found = chosen(syntax)
        assert found is not None
        assert found.transfer_syntax == sent
    assert chosen(JPEG2000Lossless) is None


def test_what_has_no_quality_is_not_accepted() -> None:
    with pytest.raises(HTTPException) as refused:
        require_json(asking("application/dicom+json;q=0"))
    assert refused.value.status_code == 406


def test_the_query_parameter_goes_before_the_header() -> None:
    assert require_json(asking("text/html", "accept=application/dicom%2Bjson")) == "application/dicom+json"


def test_a_header_without_end_is_refused() -> None:
    with pytest.raises(HTTPException) as refused:
        accepted(asking("a/b," * 5000))
    assert refused.value.status_code == 400


def test_no_header_accepts_anything() -> None:
    assert require_json(asking(None)) == "application/dicom+json"


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_any_header_is_understood(header: str) -> None:
    ranges = accepted(asking(header))
    assert all(0 < one.quality <= 1 for one in ranges)
    choose_frame(ranges, JPEGBaseline8Bit)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', "abc"),
        ('Multipart/Related;TYPE="application/dicom";Boundary="a;b,c"', "a;b,c"),
        ("multipart/related", ""),
    ],
)
def test_a_content_type_is_taken_apart(header: str, boundary: str) -> None:
    media_type, parameters = parse_content_type(header)
    assert media_type == "multipart/related"
    assert parameters.get("boundary", "") == boundary
