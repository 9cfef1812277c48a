"""Files that lie about themselves: a stated reason, bounded memory, never a traceback."""

from __future__ import annotations

import io
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from medvlm.contract import ImageSource, StudyInput
from medvlm.errors import UnreadableImage
from medvlm.imaging import DecodeLimits, Decoder, StudyImages, load_study, preview_png
from medvlm.imaging.codestream import frame_size
from tests.unit.imaging.synthetic import ct_slice, film, loaded, written

FILM = np.arange(64, dtype=np.uint16).reshape(8, 8)


def read(path: Path, decoder: Decoder) -> StudyImages:
    return load_study(StudyInput(study_uid="1", images=(ImageSource(uri=str(path)),)), path.parent, decoder)


def reason(images: StudyImages) -> str:
    assert not images.radiographs
    assert not images.volumes
    (unread,) = images.unread
    return unread.refusal.reason


def saved(instance: Dataset, folder: Path) -> bytes:
    return Path(written(instance, folder).uri).read_bytes()


def test_pixel_data_shorter_than_the_header_says(tmp_path: Path, decoder: Decoder) -> None:
    short = film(FILM)
    short.PixelData = short.PixelData[:-6]
    assert "6 bytes shorter than the header says" in reason(loaded([short], tmp_path, decoder))


def test_a_file_that_ends_inside_its_pixel_data(tmp_path: Path, decoder: Decoder) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(saved(film(FILM), tmp_path)[:-10])
    assert "ends 10 bytes before" in reason(read(path, decoder))


def test_dimensions_whose_product_is_huge_are_refused_before_anything_is_allocated(
    tmp_path: Path, decoder: Decoder
) -> None:
    huge = film(FILM, BitsAllocated=32, BitsStored=32, HighBit=31)
    huge.Rows = huge.Columns = 65535
    assert "more memory than allowed" in reason(loaded([huge], tmp_path, decoder))


def test_rows_stored_in_a_wider_representation_are_refused(tmp_path: Path, decoder: Decoder) -> None:
    wide = film(FILM)
    del wide.Rows
    wide.add_new("Rows", "UL", 0x10008)
    assert "Rows is no whole number" in reason(loaded([wide], tmp_path, decoder))


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("BitsAllocated", 12, "Bits Allocated"),
        ("BitsStored", 20, "Bits Stored"),
        ("HighBit", 3, "High Bit"),
        ("SamplesPerPixel", 2, "Samples per Pixel"),
        ("NumberOfFrames", 10**9, "Number of Frames"),
        ("Columns", 0, "Columns"),
        ("Rows", None, "Rows is missing"),
    ],
)
def test_attributes_that_make_no_sense_are_named(
    keyword: str, value: int | None, words: str, tmp_path: Path, decoder: Decoder
) -> None:
    assert words in reason(loaded([film(FILM, **{keyword: value})], tmp_path, decoder))


def test_a_compressed_frame_of_another_size_is_refused_before_decoding(tmp_path: Path, decoder: Decoder) -> None:
    out = io.BytesIO()
    Image.fromarray(np.zeros((400, 300), np.uint8)).save(out, format="JPEG")
    lying = film(np.zeros((8, 8), np.uint8))
    lying.PixelData = encapsulate([out.getvalue()])
    lying.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    lying["PixelData"].VR = "OB"
    assert "another size than Rows and Columns" in reason(loaded([lying], tmp_path, decoder))


def test_a_truncated_jpeg_is_refused_in_words(tmp_path: Path, decoder: Decoder) -> None:
    out = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(out, format="JPEG")
    cut = film(noise)
    cut.PixelData = encapsulate([out.getvalue()[:-900]])
    cut.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    cut["PixelData"].VR = "OB"
    assert "could not be decoded" in reason(loaded([cut], tmp_path, decoder))


def test_a_transfer_syntax_without_a_plug_in_is_named(tmp_path: Path, decoder: Decoder) -> None:
    video = film(np.zeros((8, 8), np.uint8))
    video.PixelData = encapsulate([b"\0" * 64])
    video.file_meta.TransferSyntaxUID = uid.MPEG2MPML
    video["PixelData"].VR = "OB"
    assert "MPEG2 Main Profile" in reason(loaded([video], tmp_path, decoder))


def test_a_deflated_film_is_read(tmp_path: Path, decoder: Decoder) -> None:
    deflated = film(FILM)
    deflated.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    plain = loaded([film(FILM)], tmp_path, decoder).radiographs[0].pixels
    np.testing.assert_array_equal(loaded([deflated], tmp_path, decoder).radiographs[0].pixels, plain)


def test_a_deflate_bomb_is_refused(tmp_path: Path, decoder: Decoder) -> None:
    bomb = film(FILM)
    bomb.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    head = saved(bomb, tmp_path)
    meta_end = 132 + 12 + struct.unpack_from("<L", head, 140)[0]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(b"\0" * (64 << 20)) + deflate.flush()
    path = tmp_path / "bomb.dcm"
    path.write_bytes(head[:meta_end] + body)
    assert "inflates to more than allowed" in reason(read(path, decoder))


def test_big_endian_and_implicit_files_give_the_same_pixels(tmp_path: Path, decoder: Decoder) -> None:
    plain = loaded([film(FILM)], tmp_path, decoder).radiographs[0].pixels
    implicit = film(FILM)
    implicit.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    big = film(FILM.byteswap())
    big.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    for instance in (implicit, big):
        np.testing.assert_array_equal(loaded([instance], tmp_path, decoder).radiographs[0].pixels, plain)


def test_a_file_without_meta_information_is_read(tmp_path: Path, decoder: Decoder) -> None:
    bare = tmp_path / "bare.dcm"
    raw = saved(film(FILM), tmp_path)
    bare.write_bytes(raw[132 + 12 + struct.unpack_from("<L", raw, 140)[0] :])
    assert "TransferSyntaxUID" not in dcmread(bare, force=True).file_meta
    assert len(read(bare, decoder).radiographs) == 1


@pytest.mark.parametrize("pixels", [None, "float"])
def test_objects_without_integer_pixel_data_are_no_image(pixels: str | None, tmp_path: Path, decoder: Decoder) -> None:
    empty = film(FILM)
    del empty.PixelData
    if pixels:
        empty.FloatPixelData = np.zeros(64, "<f4").tobytes()
    (unread,) = loaded([empty], tmp_path, decoder).unread
    assert unread.refusal.code == "no_image"


def test_one_study_may_not_hold_more_pixels_than_allowed(tmp_path: Path) -> None:
    slices = [ct_slice((0, 0, z)) for z in range(5)]
    with Decoder(DecodeLimits(study_bytes=3 * 60)) as small:
        images = loaded(slices, tmp_path, small)
    assert [len(images.volumes[0].sources), len(images.unread)] == [3, 2]


def test_a_million_frames_without_a_place_are_refused_at_once(tmp_path: Path, decoder: Decoder) -> None:
    many = ct_slice((0, 0, 0), NumberOfFrames=1_000_000)
    start = time.monotonic()
    assert "no functional groups" in reason(loaded([many], tmp_path, decoder))
    assert time.monotonic() - start < 2


def test_a_damaged_copy_does_not_hide_the_good_one(tmp_path: Path, decoder: Decoder) -> None:
    good, damaged = tmp_path / "good.dcm", tmp_path / "damaged.dcm"
    whole = saved(film(FILM), tmp_path)
    good.write_bytes(whole)
    damaged.write_bytes(whole[:-10])
    images = tuple(ImageSource(uri=str(path)) for path in (damaged, good))
    found = load_study(StudyInput(study_uid="1", images=images), tmp_path, decoder)
    assert (len(found.radiographs), len(found.unread)) == (1, 1)


def test_a_missing_file_and_a_folder_are_stated(tmp_path: Path, decoder: Decoder) -> None:
    assert "could not be opened" in reason(read(tmp_path / "absent.dcm", decoder))
    assert "could not be opened" in reason(read(tmp_path, decoder))


def test_no_patient_data_reaches_a_reason(tmp_path: Path, decoder: Decoder) -> None:
    odd = film(FILM, PatientName="Secret^Name", PatientID="SECRET-1", WindowCenter=None)
    odd.add_new("NumberOfFrames", "IS", "1")
    odd["NumberOfFrames"]._value = "SECRET-1"
    odd.PixelData = odd.PixelData[:-4]
    assert "ecret" not in reason(loaded([odd], tmp_path, decoder)).lower()


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_anywhere_give_a_result_or_a_reason(
    tmp_path: Path, decoder: Decoder, data: st.DataObject
) -> None:
    kinds = [film(FILM, SOPInstanceUID="1.2.3.4"), ct_slice((0, 0, 0), SOPInstanceUID="1.2.3.4")]
    whole = bytearray(saved(data.draw(st.sampled_from(kinds)), tmp_path))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(128, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.dcm"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    images = read(path, decoder)
    assert len(images.radiographs) + len(images.volumes) + len(images.unread) == 1
    with suppress(UnreadableImage):  # and nothing else
        preview_png(ImageSource(uri=str(path)), tmp_path, decoder)


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xd8", b"\xff\x4f\xff\x51", b""]))
def test_the_size_in_a_codestream_is_read_from_any_bytes(tail: bytes, head: bytes) -> None:
    size = frame_size(head + tail)
    assert size is None or (size[0] > 0 and size[1] > 0)


@given(rows=st.integers(1, 300), columns=st.integers(1, 300), kind=st.sampled_from(["JPEG", "JPEG2000"]))
def test_the_size_in_a_codestream_is_the_pictures(rows: int, columns: int, kind: str) -> None:
    out = io.BytesIO()
    Image.new("L", (columns, rows)).save(out, format=kind)
    assert frame_size(out.getvalue()) == (rows, columns)
