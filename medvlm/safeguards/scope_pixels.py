"""What a look at the grey values rules out without a network: nothing there, or noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medvlm.contract import Refusal

BLANK_SPREAD = 0.04
"""Standard deviation of 0–1 pixels under which a picture shows nothing."""

NOISE_CORRELATION = 0.6
"""Correlation of neighbours in the model's frame; real films are above 0.9 (the least of the test films is 0.93)."""

SMALLEST_SIDE = 64
"""Pixels: the films that the model was trained on had 64 at least."""


def refused_by_pixels(pixels: npt.NDArray[np.float32], stored: tuple[int, int]) -> Refusal | None:
    """pixels (size, size) of the model's frame; stored (rows, columns) of the source image."""
    if min(stored) < SMALLEST_SIDE:
        return Refusal(
            code="incomplete", reason=f"The image has {stored[0]} × {stored[1]} pixels, too few to be a radiograph"
        )
    if float(pixels.std()) < BLANK_SPREAD:
        return Refusal(code="incomplete", reason="The image is blank or nearly so")
    if neighbour_correlation(pixels) < NOISE_CORRELATION:
        return Refusal(code="not_frontal_chest_radiograph", reason="The image is noise")
    return None


def neighbour_correlation(pixels: npt.NDArray[np.float32]) -> float:
    """Correlation of each pixel with the next in its row; the picture must not be constant."""
    return float(np.corrcoef(pixels[:, :-1].ravel(), pixels[:, 1:].ravel())[0, 1])
