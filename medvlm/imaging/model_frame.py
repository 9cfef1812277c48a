"""A film to the square that the network sees, and places in that square back to the film's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from medvlm.contract import Box
from medvlm.imaging.images import Matrix, ModelFrame, Radiograph

if TYPE_CHECKING:
    from monai.data import MetaTensor


def to_model_frame(radiograph: Radiograph, size: int) -> ModelFrame:
    """Squeezes the film to (size, size) without padding, as the training films were.

    Every source pixel counts where an axis shrinks (mean over areas, so that a full-size film looks like its small
    copy); an axis that grows is interpolated linearly.
    """
    import torch
    from monai.data import MetaTensor

    rows, columns = radiograph.pixels.shape
    image = MetaTensor(torch.from_numpy(radiograph.pixels)[None], affine=torch.eye(4, dtype=torch.float64))
    shrunk = _resized(image, (min(rows, size), min(columns, size)), "area")
    square = _resized(shrunk, (size, size), "bilinear")
    pixels = np.clip(square.numpy()[0], 0.0, 1.0).astype(np.float32)
    return ModelFrame(pixels, _corner_matrix(square.affine.numpy().astype(np.float64)))


def _resized(image: MetaTensor, shape: tuple[int, int], mode: Literal["area", "bilinear"]) -> MetaTensor:
    from monai.transforms import Resize

    return image if image.shape[1:] == shape else Resize(shape, mode=mode)(image)


def _corner_matrix(affine: Matrix) -> Matrix:
    """MONAI's (row, column) of pixel centres as (x, y) from the corner of the first pixel (PS3.3 C.18.6)."""
    centres = np.eye(3)
    centres[:2, :2] = affine[:2, :2][::-1, ::-1]
    centres[:2, 2] = affine[:2, 3][::-1]
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    return np.asarray(half @ centres @ np.linalg.inv(half))


def box_to_source(frame: ModelFrame, box: tuple[float, float, float, float], radiograph: Radiograph) -> Box:
    """A box (x0, y0, x1, y1) of the model frame in source pixels, cut at the film's border.

    Raises `ValueError` when nothing of it lies on the film.
    """
    x0, y0, x1, y1 = box
    corners = frame.to_source @ np.array([[x0, x1], [y0, y1], [1.0, 1.0]])
    rows, columns = radiograph.pixels.shape
    across, down = np.clip(corners[0], 0, columns), np.clip(corners[1], 0, rows)
    return Box(
        sop_instance_uid=radiograph.source.sop_instance_uid,
        frame=radiograph.source.frame or 1,
        x0=float(across.min()),
        y0=float(down.min()),
        x1=float(across.max()),
        y1=float(down.max()),
    )
