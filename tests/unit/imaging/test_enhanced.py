"""Enhanced multi-frame objects: geometry sits in the functional groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medvlm.contract import StudyInput
from medvlm.imaging import Decoder, load_study
from tests.unit.imaging.synthetic import AXIAL, image, loaded, written


def holding(**attributes: object) -> Sequence:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return Sequence([item])


def enhanced_ct(heights: list[float]) -> Dataset:
    """One frame a height, in the order given; stored value 1000 + height; rescale in the shared groups."""
    pixels = np.stack([np.full((4, 6), 1000 + int(z), np.uint16) for z in heights])
    per_frame = []
    for z in heights:
        groups = Dataset()
        groups.PlanePositionSequence = holding(ImagePositionPatient=[1.0, 2.0, z])
        groups.FrameContentSequence = holding(StackID="1")
        per_frame.append(groups)
    shared = Dataset()
    shared.PixelMeasuresSequence = holding(PixelSpacing=[0.5, 0.6], SliceThickness=2.0)
    shared.PlaneOrientationSequence = holding(ImageOrientationPatient=list(AXIAL))
    shared.PixelValueTransformationSequence = holding(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")
    instance = image(pixels[0], uid.EnhancedCTImageStorage, Modality="CT", NumberOfFrames=len(heights))
    instance.SeriesInstanceUID, instance.FrameOfReferenceUID = "1.2.3", "1.2.4"
    instance.PerFrameFunctionalGroupsSequence = Sequence(per_frame)
    instance.SharedFunctionalGroupsSequence = Sequence([shared])
    instance.PixelData = pixels.tobytes()
    return instance


def test_frames_are_placed_by_their_functional_groups_not_by_their_order(tmp_path: Path, decoder: Decoder) -> None:
    (volume,) = loaded([enhanced_ct([6.0, 2.0, 4.0])], tmp_path, decoder).volumes
    assert [source.frame for source in volume.sources] == [2, 3, 1]
    np.testing.assert_array_equal(volume.pixels[:, 0, 0], [-22, -20, -18])
    np.testing.assert_allclose(volume.affine @ [1, 1, 1, 1], [1.6, 2.5, 4.0, 1])


def test_a_gap_between_frames_is_stated(tmp_path: Path, decoder: Decoder) -> None:
    found = loaded([enhanced_ct([0.0, 2.0, 4.0, 10.0, 12.0])], tmp_path, decoder).volumes
    assert [[warning.code for warning in volume.warnings] for volume in found] == [["missing_slices"]] * 2


def test_a_concatenation_is_one_volume(tmp_path: Path, decoder: Decoder) -> None:
    (volume,) = loaded([enhanced_ct([0.0, 2.0]), enhanced_ct([4.0, 6.0])], tmp_path, decoder).volumes
    assert volume.pixels.shape[0] == 4
    assert volume.warnings == ()


def test_a_named_frame_is_read_alone(tmp_path: Path, decoder: Decoder) -> None:
    source = written(enhanced_ct([0.0, 2.0, 4.0]), tmp_path).model_copy(update={"frame": 2})
    (volume,) = load_study(StudyInput(study_uid="1", images=(source,)), tmp_path, decoder).volumes
    assert volume.affine[2, 3] == 2.0


def test_functional_groups_that_end_early_are_refused(tmp_path: Path, decoder: Decoder) -> None:
    short = enhanced_ct([0.0, 2.0, 4.0])
    short.PerFrameFunctionalGroupsSequence = short.PerFrameFunctionalGroupsSequence[:2]
    assert "do not reach" in loaded([short], tmp_path, decoder).unread[0].refusal.reason


def test_compressed_frames_are_decoded_one_by_one(tmp_path: Path, decoder: Decoder) -> None:
    packed = enhanced_ct([0.0, 2.0, 4.0])
    packed.compress(uid.RLELossless)
    (volume,) = loaded([packed], tmp_path, decoder).volumes
    np.testing.assert_array_equal(volume.pixels[:, 0, 0], [-24, -22, -20])


def test_a_loop_of_films_is_refused_unless_a_frame_is_named(tmp_path: Path, decoder: Decoder) -> None:
    pixels = np.zeros((2, 8, 8), np.uint8)
    pixels[1] = 200
    loop = image(pixels[0], uid.UltrasoundMultiFrameImageStorage, Modality="US", NumberOfFrames=2)
    loop.PixelData = pixels.tobytes()
    source = written(loop, tmp_path)
    whole = load_study(StudyInput(study_uid="1", images=(source,)), tmp_path, decoder)
    assert whole.unread[0].refusal.code == "unsupported_modality"
    second = source.model_copy(update={"frame": 2})
    (frame,) = load_study(StudyInput(study_uid="1", images=(second,)), tmp_path, decoder).radiographs
    np.testing.assert_allclose(frame.pixels, 200 / 255, atol=1e-6)
