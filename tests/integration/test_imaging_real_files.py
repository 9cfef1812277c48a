"""Every real file at hand becomes an image or a stated refusal, never a traceback; films of any size look alike."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from medvlm.contract import ImageSource, StudyInput
from medvlm.errors import UnreadableImage
from medvlm.imaging import Decoder, Radiograph, StudyImages, load_study, preview_png, to_model_frame
from tests.data import shared_data

DATA = shared_data()
pytestmark = pytest.mark.skipif(DATA is None, reason="the shared films are not at hand")
ROOT = DATA or Path()

FILMS = {
    *("cr_chest_pa_j2k", "cr_chest_pa_mono1_10bit", "sc_chest_pa_jpeg", "sc_chest_pa_mono1_jpeg", "dx_thorax_small"),
    *("cr_hip_j2k", "cr_lower_leg_jpeg_extended", "cr_lower_leg_j2k", "cr_lower_leg_jpegls_near"),
    *("mg_cc_overlay_out_of_bounds", "sc_ct_ankle", "xa_jpeg_extended", "nm_wholebody_j2k"),
    *("nm_wholebody_jpeg_lossless", "pt_breast"),
}
COLOUR = {"us_j2k", "us_rle_palette", "sc_rgb", "sc_htj2k", "sc_colour_photo_j2k"}
SLICES = {
    **{"ct_small": 1, "ct_abdomen_j2k": 1, "ct_abdomen_j2k_lossless": 1, "enhanced_ct_2frames": 2},
    **{"mr_small": 1, "mr_small_big_endian": 1, "mr_overlay": 1},
}
NO_IMAGE = {
    *("ecg_waveform", "sr_comprehensive", "sr_basic_text", "sr_comprehensive3d_tid1500", "seg_binary", "seg_rle"),
    *("rtdose", "rtplan", "ko_of_interest", "pr_grayscale_softcopy"),
}
REFUSED = {
    "mr_truncated": ("unreadable", "ends 62 bytes before"),
    "us_multiframe_jpeg": ("unsupported_modality", "30 frames"),
    "enhanced_mr_rle": ("unreadable", "cannot be placed"),  # its functional groups were taken out
    "enhanced_mr_jpegls": ("unreadable", "cannot be placed"),
    "no_file_meta": ("unreadable", "neither a DICOM file"),  # begins one byte too early
}

# A slice without a place and a loop without a frame's number can still be looked at.
NO_PREVIEW = NO_IMAGE | {"mr_truncated", "no_file_meta"}


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as running:
        yield running


def files() -> list[str]:
    return sorted(path.stem for path in (ROOT / "dicom").glob("*.dcm")) if DATA else []


def load(paths: list[Path], decoder: Decoder) -> StudyImages:
    images = tuple(ImageSource(uri=path.as_uri()) for path in paths)
    return load_study(StudyInput(study_uid="1.2.3", images=images), ROOT, decoder)


def film(path: Path, decoder: Decoder) -> Radiograph:
    (radiograph,) = load([path], decoder).radiographs
    return radiograph


@pytest.mark.parametrize("name", files())
def test_every_file_becomes_what_it_is(name: str, decoder: Decoder) -> None:
    images = load([ROOT / "dicom" / f"{name}.dcm"], decoder)
    if name in FILMS | COLOUR:
        (radiograph,) = images.radiographs
        assert radiograph.colour == (name in COLOUR)
        assert radiograph.pixels.std() > 0.02
        assert 0.0 <= radiograph.pixels.min() < radiograph.pixels.max() <= 1.0
    elif name in SLICES:
        (volume,) = images.volumes
        assert len(volume.sources) == len(volume.pixels) == SLICES[name]
    else:
        (unread,) = images.unread
        code, words = ("no_image", "") if name in NO_IMAGE else REFUSED[name]
        assert unread.refusal.code == code
        assert words in unread.refusal.reason


@pytest.mark.parametrize("name", files())
def test_every_file_has_a_preview_or_a_reason(name: str, decoder: Decoder) -> None:
    source = ImageSource(uri=str(ROOT / "dicom" / f"{name}.dcm"))
    try:
        png = preview_png(source, ROOT, decoder, longest_side=64)
    except UnreadableImage as error:
        reason = error.sentence
        png = b""
    else:
        reason = ""
    assert bool(reason) == (name in NO_PREVIEW), reason
    assert not png or max(Image.open(io.BytesIO(png)).size) <= 64


def test_all_files_as_one_study_are_all_accounted_for(decoder: Decoder) -> None:
    paths = sorted((ROOT / "dicom").glob("*.dcm"))
    images = load(paths, decoder)
    sources = [item.source for item in (*images.radiographs, *images.unread)]
    sources += [source for volume in images.volumes for source in volume.sources]
    left = {path.as_uri() for path in paths} - {source.uri for source in sources}
    # Some files are one instance in two encodings: the second is not read again, and that is said.
    read = {source.sop_instance_uid for source in sources}
    assert {
        str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in paths if path.as_uri() in left
    } <= read
    assert bool(left) == ("doubled_instance" in [warning.code for warning in images.warnings])


def test_the_polarity_tag_turns_the_film_over(decoder: Decoder) -> None:
    plain = film(ROOT / "dicom" / "sc_chest_pa_jpeg.dcm", decoder)
    turned = film(ROOT / "dicom" / "sc_chest_pa_mono1_jpeg.dcm", decoder)
    np.testing.assert_allclose(turned.pixels, 1 - plain.pixels, atol=1e-6)


def test_three_codecs_show_the_same_lower_leg(decoder: Decoder) -> None:
    legs = [
        film(ROOT / "dicom" / f"cr_lower_leg_{kind}.dcm", decoder).pixels
        for kind in ("j2k", "jpegls_near", "jpeg_extended")
    ]
    for other in legs[1:]:
        assert np.abs(legs[0] - other).mean() < 0.01


def test_tilt_and_uneven_distances_of_the_head_ct_are_stated(decoder: Decoder) -> None:
    images = load(sorted((ROOT / "volumes" / "ct_head_gantry_tilt").glob("*.dcm")), decoder)
    lower, upper = images.volumes
    assert [round(float(np.linalg.norm(volume.affine[:3, 0])), 2) for volume in (lower, upper)] == [4.22, 7.38]
    for volume in (lower, upper):
        assert len(volume.sources) == 14
        words = {warning.code: warning.words for warning in volume.warnings}
        assert "1.08, 4.00, 7.00 mm" in words["irregular_spacing"]
        assert "18.5°" in words["gantry_tilt"]


def test_the_head_mr_is_one_regular_volume(decoder: Decoder) -> None:
    images = load(sorted((ROOT / "volumes" / "mr_head_t1").glob("*.dcm")), decoder)
    (volume,) = images.volumes
    assert volume.pixels.shape == (24, 384, 274)
    assert volume.warnings == ()


def alike(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Correlation and mean absolute difference."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]), float(np.abs(one - other).mean())


def both_sizes() -> list[str]:
    if DATA is None:
        return []
    with zipfile.ZipFile(ROOT / "cxr" / "nih64-train.zip") as archive:
        small = {Path(name).stem for name in archive.namelist()}
    with (ROOT / "cxr_large" / "labels.csv").open() as labels:
        return sorted(Path(row["image"]).stem for row in csv.DictReader(labels) if Path(row["image"]).stem in small)


@pytest.mark.parametrize("name", both_sizes())
def test_a_film_looks_like_its_64_pixel_copy(name: str, decoder: Decoder, tmp_path: Path) -> None:
    with zipfile.ZipFile(ROOT / "cxr" / "nih64-train.zip") as archive:
        (tmp_path / "copy.webp").write_bytes(archive.read(f"{name}.webp"))
    images = load_study(
        StudyInput(study_uid="1", images=(ImageSource(uri=str(tmp_path / "copy.webp")),)), tmp_path, decoder
    )
    small = to_model_frame(images.radiographs[0], 64).pixels
    large = to_model_frame(film(next((ROOT / "cxr_large").glob(f"{name}.*")), decoder), 64).pixels
    # These copies were sampled without anti-aliasing (plain bilinear gives 0.9999), hence not nearer than this.
    correlation, difference = alike(large, small)
    assert correlation > 0.985
    assert difference < 0.016


def test_a_film_and_its_128_pixel_copy_look_alike_to_the_model(decoder: Decoder, tmp_path: Path) -> None:
    paths = [path for path in sorted((ROOT / "cxr_large").glob("*.jpg")) if Image.open(path).size == (1024, 1024)]
    for path in paths[::4]:
        copy = tmp_path / f"{path.stem}.png"
        Image.open(path).convert("L").resize((128, 128), Image.Resampling.LANCZOS).save(copy)
        study = StudyInput(study_uid="1", images=(ImageSource(uri=str(copy)),))
        small = load_study(study, tmp_path, decoder).radiographs[0]
        for size in (128, 224):
            correlation, difference = alike(
                to_model_frame(film(path, decoder), size).pixels, to_model_frame(small, size).pixels
            )
            assert correlation > (0.999 if size == 128 else 0.99), path.name
            assert difference < (0.006 if size == 128 else 0.015), path.name
