"""The pixels of one image file as grey values, whatever kind of file it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from pydicom import dcmread

Pixels = npt.NDArray[np.float32]

SMALLEST = 256
"""A JPEG is decoded at the least of its scales that has this many pixels a side: an eighth of the time."""


class NoImage(Exception):
    """The file has no single image that could be looked at: damaged, several frames, or no image at all."""


def grey_values(path: Path) -> Pixels:
    """Rows × columns in whatever scale the file has; colours are averaged. Raises `NoImage`."""
    try:
        try:
            values = _picture(path)
        except UnidentifiedImageError:
            values = _dicom(path)
    # Decoders raise whatever they like, and one damaged file must not end the check of all others.
    except Exception as error:
        raise NoImage(type(error).__name__) from error
    if values.ndim != 2 or min(values.shape) < 2:
        raise NoImage("several frames, or no image")
    return values


def _picture(path: Path) -> Pixels:
    with Image.open(path) as image:
        if image.mode[0] in "IF":
            return np.asarray(image, dtype=np.float32)
        image.draft("L", (SMALLEST, SMALLEST))
        return np.asarray(image.convert("L"), dtype=np.float32)


def _dicom(path: Path) -> Pixels:
    dataset = dcmread(path, force=True)
    values = np.asarray(dataset.pixel_array, dtype=np.float32)
    return values.mean(axis=-1) if int(dataset.get("SamplesPerPixel", 1)) > 1 else values
