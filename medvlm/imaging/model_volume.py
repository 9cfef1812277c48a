"""A volume on an upright grid of even spacing, for models that read volumes, and the way back to its voxels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from medvlm.imaging.images import FloatArray, Matrix, Volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class ModelVolume:
    """`pixels` are float32 (x, y, z), 0–1, axes from the patient's left to right, back to front, feet to head (RAS).

    `to_source` is 4×4 and takes the indices (x, y, z, 1) of a voxel's centre to (slice, row, column, 1) of the volume.
    """

    pixels: FloatArray
    to_source: Matrix


def to_model_volume(
    volume: Volume, spacing_mm: tuple[float, float, float], intensity: tuple[float, float]
) -> ModelVolume:
    """Resamples to `spacing_mm` along x, y, z and takes `intensity` (low, high; HU for CT) to 0–1, clipped.

    The grid is upright in the patient and covers every slice: gantry tilt and oblique slices are resampled away in
    one linear interpolation through the true affine.
    """
    import torch
    from monai.data import MetaTensor
    from monai.transforms import ScaleIntensityRange, SpatialResample

    ras = _LPS_TO_RAS @ volume.affine
    grid, shape = _upright_grid(ras, volume.pixels.shape, spacing_mm)
    image = MetaTensor(torch.from_numpy(volume.pixels)[None], affine=torch.from_numpy(ras))
    resampled = SpatialResample(mode="bilinear", padding_mode="border", align_corners=True)(
        image, dst_affine=torch.from_numpy(grid), spatial_size=shape
    )
    low, high = intensity
    scaled = ScaleIntensityRange(a_min=low, a_max=high, b_min=0.0, b_max=1.0, clip=True)(resampled)
    to_source = np.linalg.inv(ras) @ resampled.affine.numpy().astype(np.float64)
    return ModelVolume(np.asarray(scaled.numpy()[0], dtype=np.float32), to_source)


def _upright_grid(
    ras: Matrix, shape: tuple[int, ...], spacing_mm: tuple[float, float, float]
) -> tuple[Matrix, tuple[int, int, int]]:
    """The affine and the size of the upright grid that covers the centres of all voxels."""
    corners = np.array([ras @ [*corner, 1.0] for corner in product(*[(0, extent - 1) for extent in shape])])
    low, high = corners[:, :3].min(axis=0), corners[:, :3].max(axis=0)
    grid = np.diag([*spacing_mm, 1.0])
    grid[:3, 3] = low
    x, y, z = (int(n) + 1 for n in np.floor((high - low) / np.array(spacing_mm) + 1e-6))
    return grid, (x, y, z)
