"""Volumes as MedGemma 1.5 saw them: windows of Hounsfield units, even slices, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from medvlm.contract import ImageSource, Refusal, Warning
from medvlm.families.windows import CT_WINDOWS, VolumePictures, ct_picture, evenly, volume_pictures
from medvlm.imaging.images import Volume


def volume(slices: int = 10, modality: str = "CT", *codes: str, axial: bool = True) -> Volume:
    pixels = np.zeros((slices, 4, 4), dtype=np.float32)
    affine = np.eye(4)
    affine[:3, 0] = (0, 0, 5) if axial else (5, 0, 0)
    warnings = tuple(Warning(code=code, words=code) for code in codes)
    return Volume(tuple(ImageSource(uri=str(n)) for n in range(slices)), pixels, affine, modality, warnings)


@pytest.mark.parametrize(
    ("hounsfield", "rgb"),
    [
        (-2000.0, (0, 0, 0)),
        (-1024.0, (0, 0, 0)),
        (-135.0, (111, 0, 0)),  # (1024 − 135) / 2048 × 255 = 110.7
        (0.0, (128, 98, 0)),  # 127.5 rounds to even; 135 / 350 × 255 = 98.4
        (40.0, (132, 128, 128)),  # 132.5, 127.5 and 127.5, to even
        (80.0, (137, 157, 255)),
        (215.0, (154, 255, 255)),
        (3000.0, (255, 255, 255)),
    ],
)
def test_a_ct_value_becomes_three_rounded_channels(hounsfield: float, rgb: tuple[int, int, int]) -> None:
    assert tuple(ct_picture(np.array([[hounsfield]], dtype=np.float32))[0, 0]) == rgb


def test_green_begins_at_minus_135_as_the_paper_says_and_not_as_the_server_does() -> None:
    assert CT_WINDOWS[1] == (-135.0, 215.0)


def test_at_most_85_slices_are_taken_evenly_with_both_ends() -> None:
    chosen = evenly(400, 85)
    steps = np.diff(chosen)
    assert (len(chosen), chosen[0], chosen[-1]) == (85, 0, 399)
    assert set(steps) <= {4, 5}
    assert evenly(30, 85) == tuple(range(30))


def test_an_mr_is_stretched_over_the_whole_volume_and_not_by_slice() -> None:
    mr = volume(6, "MR", axial=False)
    mr.pixels[0] += 100.0
    mr.pixels[1] += 50.0
    pictures = volume_pictures(mr)
    assert isinstance(pictures, VolumePictures)
    assert [int(picture[0, 0, 0]) for picture in pictures.pixels[:3]] == [255, 128, 0]
    assert all((picture == picture[..., :1]).all() for picture in pictures.pixels)


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (volume(10, "CT", "no_rescale"), "Rescale"),
        (volume(4), "4 slices"),
        (volume(10, "PT"), "no CT or MR"),
        (volume(10, "CT", "localiser"), "localiser"),
        (volume(10, axial=False), "not axial"),
    ],
)
def test_a_volume_of_another_kind_is_refused_in_words(refused: Volume, words: str) -> None:
    refusal = volume_pictures(refused)
    assert isinstance(refusal, Refusal)
    assert words in refusal.reason


def test_an_mr_needs_no_rescale() -> None:
    assert isinstance(volume_pictures(volume(5, "MR", "no_rescale")), VolumePictures)
