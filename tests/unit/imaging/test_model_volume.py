"""A volume on an upright even grid: an impulse comes back to half a voxel, tilt is resampled away."""

from __future__ import annotations

import numpy as np
import pytest

from medvlm.contract import ImageSource
from medvlm.imaging import Volume, to_model_volume


def volume(affine: np.ndarray, peak: tuple[float, float, float], shape: tuple[int, int, int] = (24, 40, 36)) -> Volume:
    k, row, column = np.indices(shape)
    spread = ((k - peak[0]) / 2.5) ** 2 + ((row - peak[1]) / 4) ** 2 + ((column - peak[2]) / 4) ** 2
    pixels = (1000 * np.exp(-spread)).astype(np.float32)
    sources = tuple(ImageSource(uri=str(i)) for i in range(shape[0]))
    return Volume(sources, pixels, affine, "CT", ())


def affine(
    step: tuple[float, float, float], row: tuple[float, float, float], column: tuple[float, float, float]
) -> np.ndarray:
    out = np.eye(4)
    out[:3, 0], out[:3, 1], out[:3, 2], out[:3, 3] = step, row, column, (-20.0, 30.0, 100.0)
    return out


TILT = np.radians(18.5)
GEOMETRIES = {
    "axial": affine((0, 0, 2.0), (0, 0.8, 0), (0.7, 0, 0)),
    "coronal": affine((0, 2.0, 0), (0, 0, -0.8), (0.7, 0, 0)),
    "tilted": affine((0, 0, 2.0), (0, 0.8 * np.cos(TILT), -0.8 * np.sin(TILT)), (0.7, 0, 0)),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_peak_comes_back_to_half_a_voxel(name: str) -> None:
    peak = (11.0, 22.0, 15.0)
    out = to_model_volume(volume(GEOMETRIES[name], peak), (1.0, 1.0, 1.0), (0.0, 1000.0))
    weights = np.where(out.pixels > 0.05, out.pixels, 0.0)
    centre = [float((index * weights).sum() / weights.sum()) for index in np.indices(weights.shape)]
    np.testing.assert_allclose((out.to_source @ [*centre, 1.0])[:3], peak, atol=0.5)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_grid_is_upright_with_the_spacing_asked_for(name: str) -> None:
    out = to_model_volume(volume(GEOMETRIES[name], (11, 22, 15)), (1.0, 1.5, 2.0), (0.0, 1000.0))
    to_lps = GEOMETRIES[name] @ out.to_source
    np.testing.assert_allclose(to_lps[:3, :3], np.diag([-1.0, -1.5, 2.0]), atol=1e-5)


def test_intensities_are_taken_to_zero_and_one() -> None:
    out = to_model_volume(volume(GEOMETRIES["axial"], (11, 22, 15)), (1.0, 1.0, 1.0), (100.0, 600.0))
    assert (out.pixels.min(), out.pixels.max()) == (0.0, 1.0)
