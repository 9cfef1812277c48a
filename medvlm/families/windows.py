"""Volumes as MedGemma 1.5 was trained on them: slices in three windows of Hounsfield units, or a min–max of an MR.

Source: arXiv:2604.05081, 2.3.1 and 3.2.1, and the notebook `high_dimensional_ct_hugging_face.ipynb`. Google's serving
code windows green to +135…215, against paper and notebook: −135 is used here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medvlm.contract import Refusal
from medvlm.families.pictures import Rgb
from medvlm.imaging.images import FloatArray, Volume

CT_WINDOWS = ((-1024.0, 1024.0), (-135.0, 215.0), (0.0, 80.0))
"""Lowest and highest Hounsfield unit of red, green and blue."""
MOST_SLICES = 85
LEAST_SLICES = 5
_UPRIGHT = 0.8
"""Cosine between the line of the slices and the body's axis from which a volume counts as axial."""


@dataclass(frozen=True)
class VolumePictures:
    """Slices to show, and which of the volume's slices (from 0) they are."""

    pixels: tuple[Rgb, ...]
    slices: tuple[int, ...]


def volume_pictures(volume: Volume, most: int = MOST_SLICES) -> VolumePictures | Refusal:
    """At most `most` slices, evenly along the volume; a refusal where the volume is not of the kind trained on."""
    if (refusal := refused_volume(volume)) is not None:
        return refusal
    chosen = evenly(len(volume.pixels), most)
    if volume.modality == "CT":
        return VolumePictures(tuple(ct_picture(volume.pixels[index]) for index in chosen), chosen)
    low, high = float(volume.pixels.min()), float(volume.pixels.max())
    return VolumePictures(tuple(mr_picture(volume.pixels[index], low, high) for index in chosen), chosen)


def refused_volume(volume: Volume) -> Refusal | None:
    """Why the volume may not be shown; None when it may."""
    if volume.modality not in ("CT", "MR"):
        return _refused(f"{volume.modality[:16] or 'This'} is no CT or MR")
    codes = {warning.code for warning in volume.warnings}
    if volume.modality == "CT" and "no_rescale" in codes:
        return _refused("Rescale Slope or Intercept is missing, so the values are no Hounsfield units")
    if "localiser" in codes:
        return _refused("This is a localiser, not the examination")
    if len(volume.pixels) < LEAST_SLICES:
        return _refused(f"The volume has {len(volume.pixels)} slices; {LEAST_SLICES} are the least")
    step = volume.affine[:3, 0]
    if volume.modality == "CT" and abs(float(step[2])) < _UPRIGHT * float(np.linalg.norm(step)):
        return _refused("The slices are not axial")
    return None


def evenly(slices: int, most: int) -> tuple[int, ...]:
    """`most` numbers from 0 to slices − 1, both ends among them; every slice where there are no more."""
    if slices <= most:
        return tuple(range(slices))
    return tuple(int(index) for index in np.linspace(0, slices - 1, most).round())


def ct_picture(hounsfield: FloatArray) -> Rgb:
    """(rows, columns) Hounsfield units to (rows, columns, 3): clipped, scaled to 0–255, rounded."""
    channels = [np.clip((hounsfield - low) / (high - low), 0.0, 1.0) for low, high in CT_WINDOWS]
    return np.round(np.stack(channels, axis=-1) * 255.0).astype(np.uint8)


def mr_picture(values: FloatArray, low: float, high: float) -> Rgb:
    """(rows, columns) to three equal channels; `low` and `high` are those of the whole volume, not of the slice."""
    spread = high - low
    unit = (values - low) / spread if spread > 0 else np.zeros_like(values)
    return np.repeat(np.round(np.clip(unit, 0.0, 1.0) * 255.0).astype(np.uint8)[..., None], 3, axis=2)


def _refused(reason: str) -> Refusal:
    return Refusal(code="unsupported_modality", reason=reason)
