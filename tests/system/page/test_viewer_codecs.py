"""U3: what the node accepts is shown, and shown as pydicom decodes it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from tests.builders import uid
from tests.system.page.film import MEAN_TOLERANCE, WORST_TOLERANCE, difference, shown
from tests.system.page.reading_room import Room, Seat

# pydicom's own files: one a transfer syntax, and a colour image where colour takes another way.
FILES = {
    "implicit": "MR_small_implicit.dcm",
    "explicit": "CT_small.dcm",
    "big endian": "MR_small_bigendian.dcm",
    "deflated": "image_dfl.dcm",
    "RLE": "MR_small_RLE.dcm",
    "RLE in colour": "SC_rgb_rle.dcm",
    "JPEG baseline": "SC_rgb_small_odd_jpeg.dcm",
    "JPEG lossless": "SC_rgb_jpeg_gdcm.dcm",
    "JPEG-LS": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG-LS near-lossless": "JPEGLSNearLossless_16.dcm",
    "JPEG 2000": "MR_small_jp2klossless.dcm",
    "JPEG 2000 lossy": "JPEG2000.dcm",
    "palette": "examples_palette.dcm",
    "colour": "examples_rgb_color.dcm",
}
LOSSY = {"JPEG baseline", "JPEG 2000 lossy", "JPEG-LS near-lossless"}  # decoders may differ by a level or two
LOSSY_TOLERANCE = 2.0


@pytest.fixture(scope="module")
def seat(room: Room) -> Iterator[Seat]:
    with room.seat() as taken:
        yield taken


@pytest.mark.parametrize("kind", FILES)
def test_an_image_is_shown_as_pydicom_decodes_it(kind: str, room: Room, seat: Seat) -> None:
    image = _own_study(kind)
    room.node.send(image)
    room.node.wait_for(str(image.StudyInstanceUID), "delivered", "refused", "drafted", "failed")
    seat.page.goto(f"{room.node.api_url}/read/{image.StudyInstanceUID}")
    seat.image_is_shown()
    mean, worst = difference(shown(seat.page), image)
    assert mean <= (LOSSY_TOLERANCE if kind in LOSSY else MEAN_TOLERANCE)
    assert worst <= (4 * LOSSY_TOLERANCE if kind in LOSSY else WORST_TOLERANCE)


def _own_study(kind: str) -> Dataset:
    path = get_testdata_file(FILES[kind])
    assert path is not None
    image = deepcopy(dcmread(path))
    image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID = (uid(kind, level) for level in "123")
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image
