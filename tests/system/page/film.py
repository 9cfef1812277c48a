"""What is on the screen, against what pydicom decodes: pixel by pixel, where the viewer says each source pixel lies."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut

Array = np.ndarray[Any, Any]
PANE = ".viewer-pane.is-{}"
# Grey levels of 255: rounding in the renderer, and its interpolation in eight bits.
MEAN_TOLERANCE, WORST_TOLERANCE = 0.6, 2.0


@dataclass(frozen=True)
class Shown:
    """A pane's canvas (height, width, 3), and the matrix a b c d e f from source pixels to it."""

    pixels: Array
    matrix: tuple[float, ...]

    def source(self) -> tuple[Array, Array]:
        """x and y in the source of each canvas pixel's middle; whole numbers are the middles of source pixels."""
        a, b, c, d, e, f = self.matrix
        assert b == c == 0
        height, width = self.pixels.shape[:2]
        y, x = np.mgrid[0:height, 0:width] + 0.5
        return (x - e) / a - 0.5, (y - f) / d - 0.5

    def pane(self, x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = self.matrix
        return a * x + c * y + e, b * x + d * y + f


def canvas(page: Page, pane: str = "main") -> Array:
    """The canvas's pixels, hidden or not."""
    url = page.evaluate("at => document.querySelector(at).toDataURL('image/png')", f"{PANE.format(pane)} canvas")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"), float)


def is_covered(page: Page, pane: str = "main") -> bool:
    """Nothing of any image can be seen: the canvas is hidden, and black."""
    hidden = page.evaluate(
        "at => getComputedStyle(document.querySelector(at)).visibility", f"{PANE.format(pane)} canvas"
    )
    return bool(hidden == "hidden" and canvas(page, pane).max() == 0)


def shown(page: Page, pane: str = "main") -> Shown:
    page.wait_for_timeout(100)  # a frame or two: what was asked for last is drawn
    said = page.locator(f"{PANE.format(pane)} .viewer-overlay").get_attribute("data-source-to-pane")
    assert said is not None
    return Shown(canvas(page, pane), tuple(float(part) for part in said.split()))


def difference(film: Shown, dataset: Dataset, frame: int = 0) -> tuple[float, float]:
    """Mean and 99th percentile of the grey levels by which the screen differs from the data set, windowed as sent."""
    values, limits = _values(dataset, frame)
    x, y = film.source()
    rows, columns = values.shape[:2]
    inside = (x >= 0) & (y >= 0) & (x <= columns - 1) & (y <= rows - 1)
    assert inside.mean() > 0.1, "hardly any of the image is in view"
    levels = _windowed(_between(values, x, y), limits)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        levels = 255 - levels
    apart = np.abs(levels - film.pixels)[inside]
    return float(apart.mean()), float(np.percentile(apart, 99))


def _values(dataset: Dataset, frame: int) -> tuple[Array, tuple[float, float]]:
    pixels = dataset.pixel_array
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        pixels = pixels[frame]
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        coloured = apply_color_lut(pixels, dataset)
        return (coloured >> (8 * (coloured.itemsize - 1))).astype(float), (0, 255)
    if pixels.ndim == 3:
        return pixels.astype(float), (0, 255)
    rescaled = np.repeat(apply_modality_lut(pixels, dataset).astype(float)[..., None], 3, axis=2)
    return rescaled, _window(dataset) or (rescaled.min(), rescaled.max())


def _window(dataset: Dataset) -> tuple[float, float] | None:
    """PS3.3 C.11.2.1.2.1: the values that become black and white."""
    centre, width = (dataset.get(keyword) for keyword in ("WindowCenter", "WindowWidth"))
    if centre in (None, "") or width in (None, ""):
        return None
    first, wide = (float(value if isinstance(value, str | float) else value[0]) for value in (centre, width))
    return first - 0.5 - (wide - 1) / 2, first - 0.5 + (wide - 1) / 2


def _windowed(values: Array, limits: tuple[float, float]) -> Array:
    low, high = limits
    return np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255


def _between(values: Array, x: Array, y: Array) -> Array:
    """Bilinear, as a texture is sampled."""
    rows, columns = values.shape[:2]
    left, top = (np.clip(np.floor(at).astype(int), 0, most - 1) for at, most in ((x, columns), (y, rows)))
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    along, down = (np.clip(at - first, 0, 1)[..., None] for at, first in ((x, left), (y, top)))
    upper = values[top, left] * (1 - along) + values[top, right] * along
    lower = values[bottom, left] * (1 - along) + values[bottom, right] * along
    return np.asarray(upper * (1 - down) + lower * down)
