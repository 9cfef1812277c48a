"""A changed copy of one source file: a DICOM stays a DICOM, a picture becomes a PNG."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from validation.robustness.alterations import CHANGES, Alteration, Pixels, change_pixels
from validation.robustness.tags import TAGS

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})


def applies(path: Path, alteration: Alteration) -> bool:
    """A picture has no tags to alter."""
    return alteration.name in CHANGES or path.suffix.lower() not in PICTURES


def write_altered(source: Path, alteration: Alteration, folder: Path, seed: int) -> Path:
    """The same source, alteration and seed give the same pixels. Raises what the decoder raises."""
    name = hashlib.sha256(f"{source}|{alteration}|{seed}".encode()).hexdigest()[:32]
    rng = np.random.default_rng(np.random.SeedSequence([seed, *str(alteration).encode(), *source.name.encode()]))
    if source.suffix.lower() in PICTURES:
        target = folder / f"{name}.png"
        _write_picture(source, alteration, target, rng)
    else:
        target = folder / f"{name}.dcm"
        _write_dicom(source, alteration, target, rng)
    return target


def _write_picture(source: Path, alteration: Alteration, target: Path, rng: np.random.Generator) -> None:
    with Image.open(source) as image:
        deep = image.mode.startswith("I")
        stored = np.asarray(image if deep else image.convert("L"))
    top = 65535 if deep else 255
    changed = change_pixels((stored / top).astype(np.float32), alteration, rng)
    Image.fromarray(np.round(changed * top).astype(np.uint16 if deep else np.uint8)).save(target, compress_level=1)


def _write_dicom(source: Path, alteration: Alteration, target: Path, rng: np.random.Generator) -> None:
    dataset = dcmread(source, force=True)
    if alteration.name in TAGS:
        TAGS[alteration.name](dataset)
    else:
        _put_pixels(dataset, alteration, rng)
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[target.name])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(target, enforce_file_format=True)


def _put_pixels(dataset: Dataset, alteration: Alteration, rng: np.random.Generator) -> None:
    stored: npt.NDArray[Any] = dataset.pixel_array
    low, high = float(stored.min()), float(stored.max())
    unit: Pixels = ((stored.astype(np.float32) - low) / max(high - low, 1)).astype(np.float32)
    changed = change_pixels(unit, alteration, rng)
    pixels = np.round(changed * (high - low) + low).astype(stored.dtype)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if stored.dtype.itemsize == 1 else "OW"
