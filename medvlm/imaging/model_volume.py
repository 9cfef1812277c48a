"""A volume on an upright grid of even spacing, for models that read volumes, and the way back to its voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medvlm.imaging.images import FloatArray, Matrix, Volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class ModelVolume:
    """`pixels` are float32 (x, y, z), 0–1, axes to the patient's right → left, back → front, feet → head (RAS+).

    `to_source` is 4×4 and takes the indices (x, y, z, 1) of a voxel's centre to (slice, row, column, 1) of the volume.
    """

    pixels: FloatArray
    to_source: Matrix


def to_model_volume(
    volume: Volume, spacing_mm: tuple[float, float, float], intensity: tuple[float, float]
) -> ModelVolume:
    """Resamples to `spacing_mm` along x, y, z and takes `intensity` (low, high; HU for CT) to 0–1, clipped.

    The grid is upright in the patient: gantry tilt and oblique slices are resampled away, through the true affine.
    """
    import torch
    from monai.data import MetaTensor
    from monai.transforms import Compose, Orientation, ScaleIntensityRange, Spacing

    ras = _LPS_TO_RAS @ volume.affine
    image = MetaTensor(torch.from_numpy(volume.pixels)[None], affine=torch.from_numpy(ras))
    low, high = intensity
    steps = Compose(
        [
            Orientation(axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
            Spacing(pixdim=spacing_mm, diagonal=True, mode="bilinear", padding_mode="border"),
            ScaleIntensityRange(a_min=low, a_max=high, b_min=0.0, b_max=1.0, clip=True),
        ]
    )
    out = steps(image)
    to_source = np.linalg.inv(ras) @ out.affine.numpy().astype(np.float64)
    return ModelVolume(np.asarray(out.numpy()[0], dtype=np.float32), to_source)
