"""One image as a PNG for a page, without torch."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import uid

from medvlm.errors import OutsideArchive, UnreadableImage
from medvlm.imaging import Decoder, preview_png
from tests.unit.imaging.synthetic import ct_slice, film, image, written


def opened(png: bytes) -> Image.Image:
    assert png.startswith(b"\x89PNG")
    return Image.open(io.BytesIO(png))


def test_a_film_is_shown_with_its_sides_in_proportion(tmp_path: Path, decoder: Decoder) -> None:
    source = written(film(np.zeros((600, 300), np.uint8), PhotometricInterpretation="MONOCHROME1"), tmp_path)
    preview = opened(preview_png(source, tmp_path, decoder, longest_side=200))
    assert preview.size == (100, 200)
    assert preview.getextrema() == (255, 255)


def test_the_middle_frame_of_a_loop_is_shown(tmp_path: Path, decoder: Decoder) -> None:
    pixels = np.stack([np.full((8, 8), value, np.uint8) for value in (10, 20, 30)])
    loop = image(pixels[0], uid.UltrasoundMultiFrameImageStorage, NumberOfFrames=3)
    loop.PixelData = pixels.tobytes()
    assert opened(preview_png(written(loop, tmp_path), tmp_path, decoder)).getextrema() == (20, 20)


def test_a_slice_is_shown_through_its_window(tmp_path: Path, decoder: Decoder) -> None:
    values = np.array([[1024 - 160, 1024 + 240]], np.uint16)
    source = written(ct_slice((0, 0, 0), values, WindowCenter=40, WindowWidth=400), tmp_path)
    assert opened(preview_png(source, tmp_path, decoder)).getextrema() == (0, 255)


def test_a_picture_is_shown_as_it_is(tmp_path: Path, decoder: Decoder) -> None:
    path = tmp_path / "film.webp"
    pixels = np.arange(100, dtype=np.uint8).reshape(10, 10)
    Image.fromarray(pixels).save(path, lossless=True)
    source = written(film(pixels), tmp_path).model_copy(update={"uri": str(path)})
    np.testing.assert_array_equal(np.asarray(opened(preview_png(source, tmp_path, decoder))), pixels)


def test_objects_without_an_image_and_references_outside_are_errors(tmp_path: Path, decoder: Decoder) -> None:
    report = film(np.zeros((4, 4), np.uint8), Modality="SR")
    report.SOPClassUID = uid.ComprehensiveSRStorage
    with pytest.raises(UnreadableImage, match="report"):
        preview_png(written(report, tmp_path), tmp_path, decoder)
    source = written(film(np.zeros((4, 4), np.uint8)), tmp_path)
    with pytest.raises(OutsideArchive):
        preview_png(source, tmp_path / "elsewhere", decoder)


def test_neither_previews_nor_studies_load_torch(tmp_path: Path) -> None:
    source = written(film(np.zeros((4, 4), np.uint8)), tmp_path)
    script = (
        "import sys; from medvlm.contract import ImageSource, StudyInput; from medvlm.imaging import *\n"
        "source = ImageSource(uri=sys.argv[1])\n"
        "preview_png(source, None); assert load_study(StudyInput(study_uid='1', images=(source,)), None).radiographs\n"
        "assert not {'torch', 'monai', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, source.uri], check=True)
