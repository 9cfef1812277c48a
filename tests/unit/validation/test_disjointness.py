"""Who was trained on is found out by ID and by image, however the image was treated; who was not, is left alone."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.data import shared_data
from validation.cases import Case, DataSet
from validation.disjointness import TrainingManifest, check, make_manifest, read_manifest
from validation.disjointness.fingerprint import BITS, close_framings, fingerprints, framings, packed, unpacked
from validation.disjointness.manifest import write_manifest
from validation.disjointness.search import Known
from validation.errors import BadManifest

SALT = "5a" * 32
Grey = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def film(seed: int, side: int = 300) -> Grey:
    """A chest of sorts: two lungs, a heart and a spine that every one has, and what differs from one to the next."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    image = 0.6 + 0.2 * np.exp(-(((x - 0.5) / 0.08) ** 2))
    for centre in (0.28, 0.72):
        image -= 0.4 * np.exp(-(((x - centre) / 0.15) ** 2) - ((y - 0.45) / 0.3) ** 2)
    for _ in range(60):
        cx, cy, width = *rng.random(2), rng.uniform(0.03, 0.12)
        image += rng.normal(scale=0.1) * np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / width) ** 2)
    return np.clip(image * 200, 0, 255).astype(np.float32)


def jpeg(image: Grey, quality: int = 60) -> Grey:
    buffer = io.BytesIO()
    Image.fromarray(np.round(image).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), dtype=np.float32)


def cropped(image: Grey, *shares: float) -> Grey:
    height, width = image.shape
    top, bottom, left, right = (
        round(share * side) for share, side in zip(shares, (height, height, width, width), strict=True)
    )
    return np.ascontiguousarray(image[top : height - bottom, left : width - right])


def eight_bit(image: Grey) -> Grey:
    """Twelve bits with a window that cuts off both ends."""
    return np.round(np.clip((image / 255 * 4095 - 400) / 3200, 0, 1) * 255).astype(np.float32)


TREATMENTS: Mapping[str, Callable[[Grey], Grey]] = {
    "resaved as JPEG": jpeg,
    "cropped by 3 %": lambda image: cropped(image, 0.015, 0.015, 0.015, 0.015),
    "cropped by 3 % at one edge": lambda image: cropped(image, 0.03, 0, 0, 0),
    "cropped by 3 % at a corner": lambda image: cropped(image, 0, 0.03, 0.03, 0),
    "cropped by 3 % at each edge": lambda image: cropped(image, 0.03, 0.03, 0.03, 0.03),
    "inverted": lambda image: 255 - image,
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "12 to 8 bit": eight_bit,
    "all of it": lambda image: jpeg(cropped(255 - eight_bit(image)[:, ::-1], 0.01, 0.02, 0.0, 0.03)),
}


def saved(image: Grey, path: Path) -> Path:
    Image.fromarray(np.round(image).astype(np.uint8)).save(path)
    return path


def data_set(name: str, cases: Mapping[str, tuple[str, Path]]) -> DataSet:
    """Case → patient and image."""
    return DataSet(
        name=name,
        cases=tuple(Case(case_id=id_, patient=patient, images=(path,)) for id_, (patient, path) in cases.items()),
        digest="0" * 64,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataSet, TrainingManifest]:
    folder = tmp_path_factory.mktemp("trained")
    cases = {f"t{seed}": (f"P{seed}", saved(film(seed), folder / f"{seed}.png")) for seed in range(40)}
    data = data_set("trained", cases)
    return data, make_manifest([data], "trained", "here", SALT)


Trained = tuple[DataSet, TrainingManifest]


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_a_training_image_is_found_again_however_it_was_treated(
    trained: Trained, tmp_path: Path, treatment: str
) -> None:
    path = saved(TREATMENTS[treatment](film(7)), tmp_path / "again.png")
    found = check(data_set("test", {"c": ("somebody else", path)}), trained[1])
    assert [(leak.case_id, leak.image) for leak in found.leaks] == [("c", 0)]
    assert (found.leaked_patients, found.leaked_images, found.shown) == (1, 1, False)


@pytest.mark.parametrize("treatment", ["cropped by 3 %", "cropped by 3 % at one edge"])
def test_it_is_found_as_well_where_the_training_image_was_the_one_that_was_cropped(
    tmp_path: Path, treatment: str
) -> None:
    known = data_set("trained", {"t": ("P", saved(TREATMENTS[treatment](film(7)), tmp_path / "cut.png"))})
    whole = data_set("test", {"c": ("Q", saved(film(7), tmp_path / "whole.png"))})
    assert check(whole, make_manifest([known], "trained", "", SALT)).leaked_images == 1


@pytest.mark.parametrize(
    ("treat", "way"),
    [
        (lambda image: image, "as it is"),
        (lambda image: image[:, ::-1], "mirrored"),
        (lambda image: 255 - image, "inverted"),
        (lambda image: 255 - image[:, ::-1], "inverted and mirrored"),
    ],
)
def test_how_the_image_was_turned_is_told(
    trained: Trained, tmp_path: Path, treat: Callable[[Grey], Grey], way: str
) -> None:
    path = saved(treat(film(3)), tmp_path / "turned.png")
    assert [leak.way for leak in check(data_set("test", {"c": ("Q", path)}), trained[1]).leaks] == [way]


def test_distinct_images_are_left_alone(trained: Trained, tmp_path: Path) -> None:
    strangers = {f"c{seed}": (f"Q{seed}", saved(film(seed), tmp_path / f"{seed}.png")) for seed in range(100, 120)}
    found = check(data_set("test", strangers), trained[1])
    assert (found.leaks, found.shown) == ((), True)
    assert found.words.startswith("no leak: 20 images were compared with 40 patients and 40 images")


def test_a_patient_of_the_training_is_found_by_id_and_all_of_the_patients_cases_are_named(
    trained: Trained, tmp_path: Path
) -> None:
    image = saved(film(300), tmp_path / "new.png")
    cases = {"a": ("P7", image), "b": (" p7 ", image), "c": ("Q", image)}
    found = check(data_set("test", cases), trained[1], source="here")
    assert found.cases == ("a", "b")
    assert found.leaked_images == 0


def test_all_cases_of_a_patient_go_where_one_image_leaked(trained: Trained, tmp_path: Path) -> None:
    leaked, other = saved(film(7), tmp_path / "a.png"), saved(film(300), tmp_path / "b.png")
    found = check(data_set("test", {"a": ("Q", leaked), "b": ("Q", other), "c": ("R", other)}), trained[1])
    assert (found.cases, found.leaked_patients) == (("a", "b"), 1)


def test_a_prior_that_was_trained_on_is_a_leak_too(trained: Trained, tmp_path: Path) -> None:
    now, prior = saved(film(300), tmp_path / "now.png"), saved(film(7), tmp_path / "prior.png")
    case = Case(case_id="c", patient="Q", images=(now,), prior=(prior,))
    found = check(DataSet(name="test", cases=(case,), digest="0" * 64), trained[1])
    assert [leak.image for leak in found.leaks] == [1]


def test_ids_of_another_source_are_not_compared_and_nothing_is_called_shown(trained: Trained, tmp_path: Path) -> None:
    found = check(data_set("test", {"a": ("P7", saved(film(300), tmp_path / "a.png"))}), trained[1], source="elsewhere")
    assert (found.leaks, found.patients_compared, found.shown) == ((), None, False)
    assert "patient IDs were not: they are of another source" in found.words


@pytest.mark.parametrize(("given", "filled"), [("42", "00000042"), ("AB 1", "ab 1"), ("7", " 7 ")])
def test_an_id_is_known_however_it_is_filled_up(tmp_path: Path, given: str, filled: str) -> None:
    one, two = saved(film(1), tmp_path / "1.png"), saved(film(2), tmp_path / "2.png")
    manifest = make_manifest([data_set("trained", {"t": (given, one)})], "trained", "", SALT)
    assert check(data_set("test", {"c": (filled, two)}), manifest).cases == ("c",)


def test_what_cannot_be_looked_at_is_counted_and_nothing_is_called_shown(trained: Trained, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")
    whole = saved(film(300), tmp_path / "whole.png")
    found = check(data_set("test", {"a": ("Q", damaged), "b": ("R", whole)}), trained[1])
    assert (found.images_compared, found.images_not_comparable, found.shown) == (1, 1, False)
    assert "1 images could not be compared" in found.words


def test_a_dicom_of_twelve_bits_is_the_image_that_it_was_made_into(trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    dicom(np.round(4095 - film(7) / 255 * 4095).astype(np.uint16)).save_as(path, enforce_file_format=True)
    found = check(data_set("test", {"c": ("Q", path)}), trained[1])
    assert [leak.way for leak in found.leaks] == ["inverted"]


def dicom(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = ComputedRadiographyImageStorage, generate_uid(entropy_srcs=["film"])
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME1"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.tobytes()
    return dataset


def test_the_manifest_is_read_back_as_it_was_written_and_names_nobody(trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    digest = write_manifest(trained[1], path)
    assert read_manifest(path, digest) == trained[1]
    said = path.read_text()
    assert not any(f'"{case.patient}"' in said or case.case_id + '"' in said for case in trained[0].cases)
    assert list(trained[1].patients) == sorted(trained[1].patients)
    assert list(trained[1].images) == sorted(trained[1].images)


def test_another_salt_gives_hashes_that_cannot_be_joined(trained: Trained) -> None:
    other = make_manifest([trained[0]], "trained", "here", "a5" * 32)
    assert not set(other.patients) & set(trained[1].patients)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda known: {**known, "method": "average-hash"}, "method"),
        (lambda known: {**known, "patients": ["P1"]}, "patients.0"),
        (lambda known: {**known, "images": ["AAAA"]}, "images.0"),
        (lambda known: {**known, "names": []}, "names"),
    ],
)
def test_a_damaged_manifest_is_an_error_that_names_the_key(
    trained: Trained, tmp_path: Path, change: Callable[[dict[str, object]], object], words: str
) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(trained[1], path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(BadManifest, match=words):
        read_manifest(path)


def test_a_manifest_that_is_not_the_one_named_is_an_error(trained: Trained, tmp_path: Path) -> None:
    write_manifest(trained[1], tmp_path / "manifest.json")
    with pytest.raises(BadManifest, match="not the manifest that the protocol names"):
        read_manifest(tmp_path / "manifest.json", "0" * 64)


def test_fingerprints_survive_packing() -> None:
    signs = fingerprints(film(1), framings())
    assert signs.shape == (23, BITS)
    assert (unpacked(packed(signs)) == signs).all()


@pytest.fixture(scope="module")
def real() -> Mapping[str, list[tuple[str, Grey]]]:
    """Films of known patients by split: patient and pixels."""
    folder = shared_data()
    if folder is None:
        pytest.skip("the real films are not at hand")
    with (folder / "cxr" / "labels.csv").open() as file:
        patients = {Path(row["image"]).stem: row["patient"] for row in csv.DictReader(file)}
    found = {}
    for split, every in (("train", 3), ("test", 6)):
        with zipfile.ZipFile(folder / "cxr" / f"nih128-{split}.zip") as archive:
            names = [name for name in sorted(archive.namelist()) if name.endswith(".webp")][::every]
            found[split] = [(patients[Path(name).stem], opened(archive.read(name))) for name in names]
    return found


def opened(content: bytes) -> Grey:
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"), dtype=np.float32)


@pytest.fixture(scope="module")
def known_films(real: Mapping[str, list[tuple[str, Grey]]]) -> Known:
    return Known(np.concatenate([fingerprints(image) for _, image in real["train"]]))


def found_in(known: Known, images: list[Grey]) -> list[bool]:
    firsts = known.nearest(np.stack([fingerprints(image, framings()) for image in images]))
    closely = [partial(fingerprints, image, close_framings()) for image in images]
    return [known.confirmed(*each) is not None for each in zip(firsts, closely, strict=True)]


def test_of_real_films_of_other_patients_at_most_one_in_a_hundred_is_taken_for_a_training_film(
    real: Mapping[str, list[tuple[str, Grey]]], known_films: Known
) -> None:
    assert not {patient for patient, _ in real["train"]} & {patient for patient, _ in real["test"]}
    taken = found_in(known_films, [image for _, image in real["test"]])
    assert sum(taken) <= 0.01 * len(taken)


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_every_real_film_is_found_again_however_it_was_treated(
    real: Mapping[str, list[tuple[str, Grey]]], known_films: Known, treatment: str
) -> None:
    treated = [TREATMENTS[treatment](image) for _, image in real["train"][::90]]
    assert all(found_in(known_films, treated))
