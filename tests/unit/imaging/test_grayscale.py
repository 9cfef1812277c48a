"""The grayscale pipeline of a film: each step once, in the order of the standard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing
from pydicom.sequence import Sequence

from medvlm.imaging import Decoder, Radiograph
from medvlm.imaging.grayscale import apply_window
from tests.unit.imaging.synthetic import film, image, loaded

RAMP = np.arange(0, 4096, 16, dtype=np.uint16).reshape(16, 16)
FULL: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2048, "WindowWidth": 4096}


def shown(instance: Dataset, folder: Path, decoder: Decoder) -> Radiograph:
    images = loaded([instance], folder, decoder)
    assert not images.unread, images.unread
    return images.radiographs[0]


def test_monochrome1_is_inverted_once(tmp_path: Path, decoder: Decoder) -> None:
    plain = shown(film(RAMP, **FULL), tmp_path, decoder)
    inverted = shown(film(RAMP, PhotometricInterpretation="MONOCHROME1", **FULL), tmp_path, decoder)
    np.testing.assert_allclose(inverted.pixels, 1 - plain.pixels, atol=1e-6)


def test_monochrome1_with_the_inverse_shape_is_still_inverted_once(tmp_path: Path, decoder: Decoder) -> None:
    both = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    result = shown(film(RAMP, **both, **FULL), tmp_path, decoder)
    assert result.pixels[0, 0] == 1.0
    assert result.warnings == ()


def test_polarity_that_contradicts_itself_is_said(tmp_path: Path, decoder: Decoder) -> None:
    odd = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"}
    assert [w.code for w in shown(film(RAMP, **odd, **FULL), tmp_path, decoder).warnings] == ["polarity_contradiction"]


def test_rescale_is_applied_before_the_window_and_only_once(tmp_path: Path, decoder: Decoder) -> None:
    windowed = {**FULL, "WindowCenter": 3096.5, "WindowWidth": 4097}
    result = shown(film(RAMP, RescaleSlope=2, RescaleIntercept=-1000, **windowed), tmp_path, decoder)
    expected = np.clip((RAMP * 2.0 - 1000 - 3096) / 4096 + 0.5, 0, 1)
    np.testing.assert_allclose(result.pixels, expected, atol=1e-5)


def test_the_first_of_several_windows_is_used(tmp_path: Path, decoder: Decoder) -> None:
    several = shown(film(RAMP, **{**FULL, "WindowCenter": [500, 2048], "WindowWidth": [300, 4096]}), tmp_path, decoder)
    one = shown(film(RAMP, **{**FULL, "WindowCenter": 500, "WindowWidth": 300}), tmp_path, decoder)
    np.testing.assert_array_equal(several.pixels, one.pixels)


def test_a_voi_lut_wins_over_the_window(tmp_path: Path, decoder: Decoder) -> None:
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 8]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = (np.arange(4096) // 32).astype("<u2").tobytes()
    item["LUTData"].VR = "OW"
    result = shown(film(RAMP, VOILUTSequence=Sequence([item]), **FULL), tmp_path, decoder)
    np.testing.assert_allclose(result.pixels, (RAMP // 32) / 255, atol=1e-6)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@given(centre=st.floats(-500, 3000), width=st.floats(2, 4000))
def test_window_functions_agree_with_pydicom(function: str, centre: float, width: float) -> None:
    header = film(RAMP, WindowCenter=centre, WindowWidth=width, VOILUTFunction=function, BitsStored=12, HighBit=11)
    centre, width = float(header.WindowCenter), float(header.WindowWidth)
    expected = apply_windowing(RAMP.copy(), header) / 4095
    np.testing.assert_allclose(apply_window(RAMP, centre, width, function), expected, atol=2e-4)


def test_without_a_window_the_range_of_what_is_no_padding_is_shown(tmp_path: Path, decoder: Decoder) -> None:
    values = np.tile(np.linspace(1000, 1400, 64).astype(np.int16), (64, 1))
    values[:, :8] = -2000
    result = shown(film(values, PixelPaddingValue=-2000), tmp_path, decoder)
    assert (result.pixels[:, :8] == 0).all()
    assert result.pixels[:, 8:].min() < 0.01
    assert result.pixels.max() > 0.99


def test_padding_stays_black_when_the_film_is_inverted(tmp_path: Path, decoder: Decoder) -> None:
    values = np.tile(np.linspace(1000, 1400, 64).astype(np.uint16), (64, 1))
    values[:, :8] = 0
    inverted = film(values, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1")
    assert (shown(inverted, tmp_path, decoder).pixels[:, :8] == 0).all()


def test_a_window_that_shows_nothing_is_not_used_and_said(tmp_path: Path, decoder: Decoder) -> None:
    result = shown(film(RAMP, **{**FULL, "WindowCenter": 60000, "WindowWidth": 10}), tmp_path, decoder)
    assert [w.code for w in result.warnings] == ["window_unusable"]
    assert result.pixels.std() > 0.2


@pytest.mark.parametrize(("high_bit", "shift"), [(11, 0), (15, 4)])
def test_overlay_bits_beside_the_stored_bits_are_masked(
    high_bit: int, shift: int, tmp_path: Path, decoder: Decoder
) -> None:
    overlay = np.where(np.eye(16, dtype=bool), 0xF000 if shift == 0 else 0x000F, 0).astype(np.uint16)
    mixed = (RAMP << shift) | overlay
    result = shown(film(mixed, **{**FULL, "HighBit": high_bit}), tmp_path, decoder)
    np.testing.assert_array_equal(result.pixels, shown(film(RAMP, **FULL), tmp_path, decoder).pixels)


def test_eight_bits_without_a_window_are_shown_as_they_are(tmp_path: Path, decoder: Decoder) -> None:
    values = np.arange(40, 104, dtype=np.uint8).reshape(8, 8)
    np.testing.assert_allclose(shown(film(values), tmp_path, decoder).pixels, values / 255, atol=1e-6)


def test_colour_is_flagged_and_kept_as_luminance(tmp_path: Path, decoder: Decoder) -> None:
    rgb = np.zeros((4, 6, 3), dtype=np.uint8)
    rgb[..., 1] = 255
    result = shown(image(rgb, uid.SecondaryCaptureImageStorage, Modality="OT"), tmp_path, decoder)
    assert result.colour
    np.testing.assert_allclose(result.pixels, 0.587, atol=1e-3)


def test_what_the_header_says_of_the_patient_and_the_view_is_kept(tmp_path: Path, decoder: Decoder) -> None:
    said = {"PatientSex": "F", "PatientAge": "006M", "ViewPosition": "AP", "BodyPartExamined": "CHEST"}
    result = shown(film(RAMP, BurnedInAnnotation="YES", **said, **FULL), tmp_path, decoder)
    assert (result.tags.sex, result.tags.age_years, result.tags.view_position) == ("F", 0.5, "AP")
    assert [w.code for w in result.warnings] == ["burned_in_annotation"]


def test_a_film_for_processing_is_refused_in_words(tmp_path: Path, decoder: Decoder) -> None:
    raw = film(RAMP, PresentationIntentType="FOR PROCESSING", **FULL)
    images = loaded([raw], tmp_path, decoder)
    assert images.unread[0].refusal.code == "unsupported_modality"
    assert "FOR PRESENTATION" in images.unread[0].refusal.reason
