"""Slices to volumes: what is missing, doubled, tilted or uneven is stated, never averaged over."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom.dataset import Dataset

from medvlm.contract import ImageSource
from medvlm.imaging import Decoder, Volume
from medvlm.imaging.planes import TOLD_APART_BY, Place, Plane
from medvlm.imaging.volume import volumes
from tests.unit.imaging.synthetic import AXIAL, ct_slice, loaded


def series(heights: list[float], **attributes: Any) -> list[Dataset]:
    """CT slices of 6×5 pixels whose stored values are 1000 + height, numbered at random."""
    numbers = random.Random(1).sample(range(1, 1000), len(heights))
    return [
        ct_slice((10.0, 20.0, height), InstanceNumber=number, **attributes)
        for height, number in zip(heights, numbers, strict=True)
    ]


def codes(volume: Volume) -> list[str]:
    return [warning.code for warning in volume.warnings]


def shuffled(slices: list[Dataset]) -> list[Dataset]:
    return random.Random(2).sample(slices, len(slices))


def test_a_complete_series_is_one_volume_in_hounsfield_units(tmp_path: Path, decoder: Decoder) -> None:
    slices = series([float(z) for z in range(12)])
    (volume,) = loaded(shuffled(slices), tmp_path, decoder).volumes
    assert volume.warnings == ()
    np.testing.assert_array_equal(volume.pixels[:, 0, 0], np.arange(12) + 1000 - 1024)
    expected = hd.get_volume_from_series(slices).flip_spatial(0).affine  # highdicom stacks the other way round
    np.testing.assert_allclose(volume.affine, expected, atol=1e-9)


def test_sources_follow_the_slices(tmp_path: Path, decoder: Decoder) -> None:
    slices = series([3.0, 1.0, 2.0])
    (volume,) = loaded(slices, tmp_path, decoder).volumes
    assert [source.sop_instance_uid for source in volume.sources] == [slices[i].SOPInstanceUID for i in (1, 2, 0)]


def test_two_missing_slices_are_stated_with_their_place_and_split(tmp_path: Path, decoder: Decoder) -> None:
    heights = [float(z) for z in range(12) if z not in (5, 6)]
    first, second = loaded(shuffled(series(heights)), tmp_path, decoder).volumes
    assert codes(first) == codes(second) == ["missing_slices"]
    assert "4.00 and 7.00 mm" in first.warnings[0].words
    assert first.affine[2, 0] == second.affine[2, 0] == 1.0
    assert second.affine[2, 3] == 7.0


def test_positions_twice_are_stated_and_told_apart_by_acquisition(tmp_path: Path, decoder: Decoder) -> None:
    once = series([float(z) for z in range(6)], AcquisitionNumber=1)
    again = series([float(z) for z in range(6)], AcquisitionNumber=2, RescaleIntercept=0)
    found = loaded(shuffled([*once, *again]), tmp_path, decoder).volumes
    assert [codes(volume) for volume in found] == [["doubled_positions"]] * 2
    assert "AcquisitionNumber" in found[0].warnings[0].words
    for volume in found:
        np.testing.assert_array_equal(np.diff(volume.pixels[:, 0, 0]), 1.0)


def test_positions_twice_without_any_difference_are_split_by_number(tmp_path: Path, decoder: Decoder) -> None:
    slices = [ct_slice((0, 0, z), InstanceNumber=n) for z, n in ((0, 1), (1, 2), (2, 3), (0, 4), (1, 5), (2, 6))]
    found = loaded(shuffled(slices), tmp_path, decoder).volumes
    assert [volume.pixels.shape[0] for volume in found] == [3, 3]
    assert "Instance Number only" in found[0].warnings[0].words


def test_each_slice_its_own_acquisition_is_no_reason_to_split(tmp_path: Path, decoder: Decoder) -> None:
    slices = [ct_slice((0, 0, z), AcquisitionNumber=z) for z in range(4)]
    (volume,) = loaded(slices, tmp_path, decoder).volumes
    assert volume.warnings == ()


def test_gantry_tilt_is_stated_in_degrees_and_the_affine_is_sheared(tmp_path: Path, decoder: Decoder) -> None:
    angle = np.radians(15)
    tilted = [1.0, 0.0, 0.0, 0.0, float(np.cos(angle)), float(-np.sin(angle))]
    (volume,) = loaded(series([0.0, 2.0, 4.0, 6.0], ImageOrientationPatient=tilted), tmp_path, decoder).volumes
    assert codes(volume) == ["gantry_tilt"]
    assert "15.0°" in volume.warnings[0].words
    np.testing.assert_allclose(volume.affine[:3, 0], [0, 0, 2.0])


def test_uneven_distances_are_stated_and_every_part_keeps_its_own(tmp_path: Path, decoder: Decoder) -> None:
    found = loaded(series([0, 4, 8, 12, 13.08, 20.08, 27.08]), tmp_path, decoder).volumes
    assert [round(float(volume.affine[2, 0]), 2) for volume in found] == [4.0, 7.0]
    assert all("irregular_spacing" in codes(volume) for volume in found)
    assert "1.08, 4.00, 7.00" in found[0].warnings[0].words


def test_a_localiser_is_a_volume_of_its_own_and_says_so(tmp_path: Path, decoder: Decoder) -> None:
    localiser = ct_slice((0, 0, 50), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    found = loaded([localiser, *series([0.0, 1.0, 2.0])], tmp_path, decoder).volumes
    assert sorted((volume.pixels.shape[0], codes(volume)) for volume in found) == [(1, ["localiser"]), (3, [])]


def test_two_directions_in_one_series_are_two_volumes_and_said(tmp_path: Path, decoder: Decoder) -> None:
    upright = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]
    coronal = [ct_slice((0, y, 0), ImageOrientationPatient=upright) for y in (0, 1)]
    found = loaded([*series([0.0, 1.0]), *coronal], tmp_path, decoder).volumes
    assert len(found) == 2
    assert all("mixed_orientation" in codes(volume) for volume in found)


def test_series_and_frames_of_reference_are_never_mixed(tmp_path: Path, decoder: Decoder) -> None:
    other = series([2.0, 3.0], FrameOfReferenceUID="1.2.3.99")
    found = loaded([*series([0.0, 1.0]), *other], tmp_path, decoder).volumes
    assert [volume.pixels.shape[0] for volume in found] == [2, 2]


def test_rescale_may_change_from_slice_to_slice(tmp_path: Path, decoder: Decoder) -> None:
    pixels = np.full((6, 5), 10, np.uint16)
    slices = [ct_slice((0, 0, z), pixels, RescaleSlope=z + 1, RescaleIntercept=z) for z in range(3)]
    (volume,) = loaded(slices, tmp_path, decoder).volumes
    np.testing.assert_array_equal(volume.pixels[:, 0, 0], [10, 21, 32])


def test_a_lone_slice_is_a_volume_of_one(tmp_path: Path, decoder: Decoder) -> None:
    (volume,) = loaded([ct_slice((1, 2, 3))], tmp_path, decoder).volumes
    np.testing.assert_allclose(volume.affine @ [0, 0, 0, 1], [1, 2, 3, 1])
    np.testing.assert_allclose(volume.affine @ [0, 2, 1, 1], [1.8, 3.4, 3, 1])


def test_a_slice_that_cannot_be_read_leaves_a_stated_gap(tmp_path: Path, decoder: Decoder) -> None:
    slices = series([float(z) for z in range(6)])
    slices[3].PixelData = slices[3].PixelData[:-8]
    images = loaded(slices, tmp_path, decoder)
    assert "shorter than the header says" in images.unread[0].refusal.reason
    assert all(codes(volume) == ["missing_slices"] for volume in images.volumes)


@pytest.mark.parametrize("missing", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_a_slice_without_a_place_is_refused(missing: str, tmp_path: Path, decoder: Decoder) -> None:
    images = loaded([ct_slice((0, 0, 0), **{missing: None})], tmp_path, decoder)
    assert "cannot be placed" in images.unread[0].refusal.reason


def test_the_same_instance_listed_twice_is_read_once_and_said(tmp_path: Path, decoder: Decoder) -> None:
    one = ct_slice((0, 0, 0))
    images = loaded([one, one], tmp_path, decoder)
    assert images.volumes[0].pixels.shape[0] == 1
    assert [warning.code for warning in images.warnings] == ["doubled_instance"]


def plane(position: np.ndarray, orientation: np.ndarray, index: int) -> Plane:
    return Plane(
        source=ImageSource(uri=str(index)),
        pixels=np.full((2, 3), index, dtype=np.int16),
        place=Place(position, orientation, (0.5, 0.7), 1.0),
        series="1",
        frame_of_reference="2",
        stack="",
        modality="CT",
        localiser=False,
        slope=1.0,
        intercept=0.0,
        instance_number=index,
        told_apart=("",) * len(TOLD_APART_BY),
    )


def rotation(numbers: np.ndarray) -> np.ndarray:
    q, _ = np.linalg.qr(numbers + 3 * np.eye(3))
    return q


@settings(deadline=None)
@given(
    turn=arrays(np.float64, (3, 3), elements=st.floats(-1, 1)),
    origin=arrays(np.float64, 3, elements=st.floats(-500, 500)),
    gaps=st.lists(st.sampled_from([0.6, 1.0, 2.5, 5.0]), min_size=1, max_size=12),
    shear=st.floats(-0.4, 0.4),
    seed=st.integers(0, 99),
)
def test_every_slice_lies_where_its_affine_puts_it(
    turn: np.ndarray, origin: np.ndarray, gaps: list[float], shear: float, seed: int
) -> None:
    axes = rotation(turn)
    orientation = np.concatenate([axes[0], axes[1]])
    normal = np.cross(axes[0], axes[1])
    positions = [origin + height * (normal + shear * axes[1]) for height in np.cumsum([0.0, *gaps])]
    planes = [plane(position, orientation, index) for index, position in enumerate(positions)]
    found = volumes(random.Random(seed).sample(planes, len(planes)))
    placed = {
        int(pixels[0, 0]): volume.affine[:3, 3] + k * volume.affine[:3, 0]
        for volume in found
        for k, pixels in enumerate(volume.pixels)
    }
    assert sorted(placed) == list(range(len(positions)))
    for index, position in enumerate(positions):
        assert np.linalg.norm(placed[index] - position) < 0.02
    if len(set(gaps)) > 1:
        assert all(volume.warnings for volume in found)


def test_small_steps_that_add_up_are_stated() -> None:
    heights = np.cumsum([0.0, *(1.0 + 0.008 * np.arange(30))])
    found = volumes([plane(np.array([0, 0, z]), np.array(AXIAL), i) for i, z in enumerate(heights)])
    assert all("irregular_spacing" in codes(volume) for volume in found)
