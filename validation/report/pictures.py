"""Images of failed cases as small JPEGs inside the page. Nothing is written beside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE, QUALITY = 240, 72


def data_url(path: Path) -> str | None:
    """None where there is no such file, or it holds no picture that can be shown."""
    try:
        shown = _read(path).convert("L")
    except (OSError, UnidentifiedImageError, ValueError, AttributeError, NotImplementedError, RuntimeError):
        return None
    shown.thumbnail((SIDE, SIDE))
    written = io.BytesIO()
    shown.save(written, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()


def _read(path: Path) -> Image.Image:
    with path.open("rb") as file:
        is_dicom = file.read(132)[128:] == b"DICM"
    if is_dicom:
        return _dicom(path)
    with Image.open(path) as opened:
        return ImageOps.exif_transpose(opened).copy() if opened.mode != "I;16" else _scaled(np.asarray(opened))


def _dicom(path: Path) -> Image.Image:
    """The first frame between its darkest and brightest half per cent: a thumbnail, not for reading."""
    from pydicom import dcmread

    dataset = dcmread(path)
    pixels = dataset.pixel_array
    frame = pixels[0] if int(dataset.get("NumberOfFrames") or 1) > 1 else pixels
    grey = frame.mean(axis=-1) if frame.ndim == 3 else frame
    shown = _scaled(grey)
    return ImageOps.invert(shown) if dataset.get("PhotometricInterpretation") == "MONOCHROME1" else shown


def _scaled(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Image.Image:
    grey = values.astype(np.float32)
    low, high = np.percentile(grey, [0.5, 99.5])
    return Image.fromarray((np.clip((grey - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8))
