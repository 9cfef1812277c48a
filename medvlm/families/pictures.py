"""A radiograph or a slice as a family is shown it, and what is needed to map its boxes back.

Three equal channels of eight bits. Every family gets an image that its own processor does not distort: padded where it
works on squares, of sides that it keeps where it resizes.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from medvlm.families.boxes import Shown
from medvlm.families.profile import Family
from medvlm.imaging.images import FloatArray

Rgb = npt.NDArray[np.uint8]
_PIXELS = 1280 * 28 * 28
"""Pixels of one image at most where the family takes it as it is: 1,280 tokens of Qwen2.5-VL."""
_FACTOR = {"qwen2_5_vl": 28, "qwen2_vl": 28, "qwen3_vl": 32}
BLANK_GREY = 128
_BLANK_SIDE = 448
"""Whole steps of 28 and of 32."""


@dataclass(frozen=True)
class Prepared:
    """`pixels` (rows, columns, 3) uint8, and the size of the source that they show."""

    pixels: Rgb
    shown: Shown

    @property
    def png(self) -> bytes:
        """The same bytes for the same pixels: a server recognises an image that it has seen by them."""
        out = io.BytesIO()
        Image.fromarray(self.pixels).save(out, format="PNG", optimize=False)
        return out.getvalue()


def prepared(pixels: FloatArray | Rgb, family: Family) -> Prepared:
    """Pixels (rows, columns) float 0–1 or (rows, columns, 3) uint8 as the family takes them."""
    rgb = _rgb(pixels)
    rows, columns = rgb.shape[:2]
    factor = next((_FACTOR[kind] for kind in family.model_types if kind in _FACTOR), 0)
    if factor:
        width, height = whole_steps(columns, rows, factor, _PIXELS)
        return Prepared(_resized(rgb, width, height), Shown(columns, rows, width, height))
    if family.boxes is not None and family.boxes.frame == "padded_square":
        rgb = zero_padded(rgb)
    return Prepared(_no_larger(rgb, family.images.side), Shown(columns, rows))


def blank_picture(family: Family) -> Prepared:
    """Mid-grey, one size a family: what an answer is compared with to see whether the image was used."""
    side = family.images.side or _BLANK_SIDE
    return Prepared(np.full((side, side, 3), BLANK_GREY, dtype=np.uint8), Shown(side, side, side, side))


def zero_padded(rgb: Rgb) -> Rgb:
    """A square, zeros evenly on both sides, an odd row below or to the right (Google's `_zero_pad_image_to_square`)."""
    rows, columns = rgb.shape[:2]
    side = max(rows, columns)
    above, left = (side - rows) // 2, (side - columns) // 2
    return np.pad(rgb, ((above, side - rows - above), (left, side - columns - left), (0, 0)))


def whole_steps(width: int, height: int, factor: int, most_pixels: int) -> tuple[int, int]:
    """Sides in whole steps of `factor` near the image's own, within `most_pixels` (Qwen-VL's `smart_resize`)."""
    across, down = max(factor, _nearest(width, factor)), max(factor, _nearest(height, factor))
    if across * down > most_pixels:
        shrink = math.sqrt(width * height / most_pixels)
        across = max(factor, math.floor(width / shrink / factor) * factor)
        down = max(factor, math.floor(height / shrink / factor) * factor)
    return across, down


def _nearest(length: int, factor: int) -> int:
    return round(length / factor) * factor


def _no_larger(rgb: Rgb, side: int) -> Rgb:
    """Reduced so that the shorter side is `side` at least: what the family's own processor then does changes little."""
    rows, columns = rgb.shape[:2]
    shrink = min(rows, columns) / side if side else math.sqrt(rows * columns / _PIXELS)
    if shrink <= 1:
        return rgb
    return _resized(rgb, max(1, round(columns / shrink)), max(1, round(rows / shrink)))


def _resized(rgb: Rgb, width: int, height: int) -> Rgb:
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC), dtype=np.uint8)


def _rgb(pixels: FloatArray | Rgb) -> Rgb:
    if pixels.ndim == 3:
        return np.asarray(pixels, dtype=np.uint8)
    grey = (np.clip(pixels.astype(np.float32), 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
