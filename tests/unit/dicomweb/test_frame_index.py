"""Where frames lie: by length, by fragments, by either offset table, by end markers; never beyond the file."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit

from dicom_node.archive.frame_index import FrameIndex, find_frames

FRAMES = [b"\xff\xd8" + str(number).encode() * 30 + b"\xff\xd9" for number in (1, 22, 333)]
FRAMES = [frame + b"\0" * (len(frame) % 2) for frame in FRAMES]


def header(count: int = 3, **more: object) -> Dataset:
    dataset = Dataset()
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.SamplesPerPixel = 2, 4, 8, 1
    dataset.NumberOfFrames = count
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    return dataset


def element(value: bytes, length: int, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH2sHI", 0x7FE0, 0x0010, b"OB", 0, length) + value


def frames_of(content: bytes, index: FrameIndex | None) -> list[bytes]:
    assert index is not None
    return [b"".join(content[at : at + size] for at, size in index.pieces(n)) for n in range(1, index.count + 1)]


def find(content: bytes, dataset: Dataset, syntax: str = JPEGBaseline8Bit) -> FrameIndex | None:
    return find_frames(io.BytesIO(content), dataset, syntax)


@pytest.mark.parametrize("fragments_each", [1, 2])
@pytest.mark.parametrize("has_table", [True, False])
def test_encapsulated_frames_are_told_apart(fragments_each: int, has_table: bool) -> None:
    content = element(encapsulate(FRAMES, fragments_per_frame=fragments_each, has_bot=has_table), 0xFFFFFFFF)
    assert frames_of(content, find(content, header())) == FRAMES


def test_an_extended_offset_table_tells_frames_apart() -> None:
    value, table, lengths = encapsulate_extended(FRAMES)
    content = element(value, 0xFFFFFFFF)
    dataset = header(ExtendedOffsetTable=table, ExtendedOffsetTableLengths=lengths)
    assert frames_of(content, find(content, dataset)) == FRAMES


def test_all_fragments_of_a_single_frame_are_that_frame() -> None:
    content = element(encapsulate([b"".join(FRAMES)], fragments_per_frame=4), 0xFFFFFFFF)
    assert frames_of(content, find(content, header(1))) == [b"".join(FRAMES)]


def test_frames_that_nothing_tells_apart_are_not_guessed() -> None:
    content = element(encapsulate([b"abcdefgh"], fragments_per_frame=2, has_bot=False), 0xFFFFFFFF)
    index = find(content, header(3))
    assert index is not None
    assert index.pieces(1) == ()


@pytest.mark.parametrize(("syntax", "order"), [(ExplicitVRLittleEndian, "<"), (ExplicitVRBigEndian, ">")])
def test_native_frames_are_cut_by_their_length(syntax: str, order: str) -> None:
    content = element(bytes(range(24)), 24, order)
    assert frames_of(content, find(content, header(), syntax)) == [bytes(range(n, n + 8)) for n in (0, 8, 16)]


def test_a_frame_beyond_the_pixel_data_is_not_there() -> None:
    index = find(element(bytes(20), 20), header(), ExplicitVRLittleEndian)
    assert index is not None
    assert [bool(index.pieces(n)) for n in (0, 1, 2, 3, 4)] == [False, True, True, False, False]


@given(st.binary(max_size=200), st.integers(0, 5), st.sampled_from([JPEGBaseline8Bit, ExplicitVRLittleEndian]))
def test_no_bytes_lead_to_a_frame_outside_its_element(value: bytes, count: int, syntax: str) -> None:
    content = element(value, 0xFFFFFFFF if syntax == JPEGBaseline8Bit else len(value))
    try:
        index = find(content, header(count), syntax)
    except (ValueError, struct.error):
        return
    assert index is not None
    for number in range(1, index.count + 1):
        assert all(at >= 12 and size >= 0 for at, size in index.pieces(number))
