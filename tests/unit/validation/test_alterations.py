"""Altered files: a DICOM stays a DICOM, a picture a PNG; pixels change as said and by no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from validation.robustness.alterations import CHANGES, INSTRUCTION, Alteration, change_pixels
from validation.robustness.files import applies, write_altered
from validation.robustness.tags import TAGS


def slope(rows: int = 40, columns: int = 60) -> np.ndarray:
    return np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)


def changed(name: str, level: float, pixels: np.ndarray | None = None) -> np.ndarray:
    source = slope() if pixels is None else pixels
    return change_pixels(source, Alteration(name, level), np.random.default_rng(0))


@given(st.sampled_from(sorted(CHANGES)), st.integers(16, 50), st.integers(16, 50))
def test_every_alteration_gives_pixels_between_0_and_1(name: str, rows: int, columns: int) -> None:
    made = changed(name, 2, slope(rows, columns))
    assert made.min() >= 0
    assert made.max() <= 1
    assert made.ndim == 2
    assert made.dtype == np.float32


def test_mirror_polarity_and_upside_down_undo_themselves() -> None:
    for name in ("mirror", "polarity", "upside_down"):
        assert not np.allclose(changed(name, 1), slope())
        assert np.allclose(changed(name, 1, changed(name, 1)), slope(), atol=1e-6)


def test_four_quarter_turns_are_none() -> None:
    turned = slope()
    for _ in range(4):
        turned = changed("rotation", 90, turned)
    assert np.array_equal(turned, slope())


def test_a_crop_takes_its_share_off_each_edge() -> None:
    assert changed("crop", 10, slope(100, 200)).shape == (80, 160)


@pytest.mark.parametrize(
    ("name", "mild", "strong"),
    [("noise", 0.01, 0.1), ("blur", 0.5, 3), ("jpeg", 95, 5), ("counting", 500, 10), ("window", 0.1, 0.6)],
)
def test_a_stronger_level_changes_more(name: str, mild: float, strong: float) -> None:
    texture = np.random.default_rng(1).random((64, 64)).astype(np.float32)
    differences = [float(np.abs(changed(name, level, texture) - texture).mean()) for level in (mild, strong)]
    assert differences[0] < differences[1]


def test_markers_are_covered_in_the_upper_corners_only() -> None:
    made = changed("cover_markers", 20, np.ones((100, 100), np.float32))
    assert made[:20, :20].max() == made[:20, -20:].max() == 0
    assert made[20:].min() == made[:, 20:80].min() == 1


def test_faint_text_is_fainter_than_large_text() -> None:
    grey = np.full((200, 400), 0.3, np.float32)
    loud, faint = (np.abs(changed("written", level, grey) - grey).max() for level in (1.0, 0.02))
    assert loud > 0.6
    assert 0 < faint < 0.03


def picture(folder: Path, deep: bool = False) -> Path:
    path = folder / "film.png"
    pixels = slope() * (65535 if deep else 255)
    Image.fromarray(pixels.astype(np.uint16 if deep else np.uint8)).save(path)
    return path


@pytest.mark.parametrize("deep", [False, True])
def test_a_picture_keeps_its_depth(tmp_path: Path, deep: bool) -> None:
    source = picture(tmp_path, deep)
    made = write_altered(source, Alteration("mirror", 1), tmp_path, 1)
    assert made.suffix == ".png"
    assert np.array_equal(np.asarray(Image.open(made)), np.asarray(Image.open(source))[:, ::-1])


def test_the_same_seed_gives_the_same_noise_and_another_seed_another(tmp_path: Path) -> None:
    source = picture(tmp_path)
    one, same, other = (
        write_altered(source, Alteration("noise", 0.1), tmp_path, seed).read_bytes() for seed in (1, 1, 2)
    )
    assert one == same != other


def radiograph(folder: Path) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(folder / "film.dcm"), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.ViewPosition, dataset.BodyPartExamined = "Test^Case", "PA", "CHEST"
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "MONOCHROME1", 1
    dataset.Rows, dataset.Columns = 40, 60
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.PixelData = (slope() * 4095).astype(np.uint16).tobytes()
    dataset.save_as(folder / "film.dcm", enforce_file_format=True)
    return folder / "film.dcm"


def test_a_dicom_stays_one_with_its_header_and_gets_a_uid_of_its_own(tmp_path: Path) -> None:
    source = radiograph(tmp_path)
    before, after = dcmread(source), dcmread(write_altered(source, Alteration("crop", 10), tmp_path, 1))
    assert after.pixel_array.shape == (32, 48)
    assert after.pixel_array.dtype == np.uint16
    assert after.PhotometricInterpretation == "MONOCHROME1"
    assert after.SOPInstanceUID != before.SOPInstanceUID
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    inside = before.pixel_array[4:36, 6:54]
    assert np.abs(after.pixel_array.astype(int) - inside.astype(int)).max() <= 1


@pytest.mark.parametrize("name", sorted(TAGS))
def test_a_tag_is_altered_without_touching_a_pixel(tmp_path: Path, name: str) -> None:
    source = radiograph(tmp_path)
    made = write_altered(source, Alteration(name, 1), tmp_path, 1)
    before, after = dcmread(source), dcmread(made)
    assert np.array_equal(before.pixel_array, after.pixel_array)
    different = {each.tag for each in before} ^ {each.tag for each in after}
    altered = {each.tag for each in before if each.tag in after and after[each.tag].value != each.value}
    assert (different | altered) - {before.data_element("SOPInstanceUID").tag}, "something is altered"
    if name.endswith("_injected"):
        assert INSTRUCTION.encode() in made.read_bytes()


def test_a_picture_has_no_tags_to_alter(tmp_path: Path) -> None:
    assert not applies(picture(tmp_path), Alteration("tag_view_wrong", 1))
    assert applies(picture(tmp_path), Alteration("mirror", 1))
    assert applies(radiograph(tmp_path), Alteration("tag_view_wrong", 1))
