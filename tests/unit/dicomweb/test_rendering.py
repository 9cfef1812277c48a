"""Grey values by the standard's own formulas, and what a frame of an enhanced image brings of its own."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset

from dicom_node.api.dicomweb.rendering import Look, Window, of_frame, picture, windowed


@pytest.mark.parametrize(
    ("window", "value", "grey"),
    [
        # PS3.3 C.11.2.1.2.1: at c - 0.5 - (w - 1) / 2 black, at c - 0.5 + (w - 1) / 2 white.
        (Window(center=2048, width=4096), 0, 0.0),
        (Window(center=2048, width=4096), 4095, 1.0),
        (Window(center=0, width=100), -50, 0.0),
        (Window(center=0, width=100), 49, 1.0),
        (Window(center=0, width=1), -1, 0.0),
        (Window(center=0, width=1), 1, 1.0),
        (Window(center=100, width=200, shape="linear-exact"), 100, 0.5),
        (Window(center=100, width=200, shape="sigmoid"), 100, 0.5),
        (Window(center=100, width=0.001, shape="sigmoid"), -30000, 0.0),
    ],
)
def test_windows_are_as_the_standard_has_them(window: Window, value: float, grey: float) -> None:
    assert windowed(np.array([[value]], dtype=np.float64), window)[0, 0] == pytest.approx(grey, abs=1e-9)


def enhanced() -> Dataset:
    """Two frames: the rescale is shared, the window is each frame's."""
    shared, header = Dataset(), Dataset()
    shared.PixelValueTransformationSequence = [Dataset()]
    shared.PixelValueTransformationSequence[0].RescaleSlope = 2
    shared.PixelValueTransformationSequence[0].RescaleIntercept = 10
    header.SharedFunctionalGroupsSequence = [shared]
    header.PerFrameFunctionalGroupsSequence = []
    for center in (50, 500):
        frame, voi = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = center, 100
        frame.FrameVOILUTSequence = [voi]
        header.PerFrameFunctionalGroupsSequence.append(frame)
    header.PhotometricInterpretation = "MONOCHROME2"
    return header


def test_a_frame_has_the_shared_rescale_and_its_own_window() -> None:
    assert [int(of_frame(enhanced(), number).WindowCenter) for number in (1, 2)] == [50, 500]
    assert of_frame(enhanced(), 2).RescaleSlope == 2
    assert "WindowCenter" not in enhanced()


def test_a_picture_of_one_value_is_no_division_by_zero() -> None:
    header = Dataset()
    header.PhotometricInterpretation = "MONOCHROME2"
    made = picture(np.full((4, 4), 7, np.uint16), header, 1, Look(media_type="image/png"))
    assert np.asarray(Image.open(io.BytesIO(made))).max() == 0


def test_a_region_far_larger_than_the_image_is_cut_to_it() -> None:
    header = Dataset()
    header.PhotometricInterpretation = "MONOCHROME2"
    look = Look(media_type="image/png", region=(2, 1, 99999, 99999))
    made = picture(np.zeros((4, 4), np.uint16), header, 1, look)
    assert Image.open(io.BytesIO(made)).size == (2, 3)
