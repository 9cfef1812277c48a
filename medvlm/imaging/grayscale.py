"""The grayscale pipeline, once: stored values to what a display shows (PS3.3 C.11, PS3.4 N.2).

Modality LUT or rescale, then VOI LUT or the first window, then polarity. Pure functions on arrays and a header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from medvlm.contract import Warning
from medvlm.imaging.attributes import items, number, text
from medvlm.imaging.dicom_file import PixelLayout
from medvlm.imaging.images import FloatArray
from medvlm.imaging.lookup_table import look_up

_SAMPLE = 1 << 20
_LOW, _HIGH = 0.1, 99.9  # percent; a few hot or dead pixels must not decide the window
_BLANK = 0.995


@dataclass(frozen=True)
class Display:
    """float32 (rows, columns), 0–1, dense tissue bright where the header tells the truth."""

    pixels: FloatArray
    warnings: tuple[Warning, ...]


def stored_values(decoded: npt.NDArray[Any], layout: PixelLayout) -> npt.NDArray[Any]:
    """The stored values without overlay or other foreign bits, sign extended (PS3.5 8.1.1).

    Old CR images keep an overlay in the bits above High Bit or below the lowest stored bit.
    """
    width = decoded.dtype.itemsize * 8
    if layout.bits_stored >= width or layout.high_bit >= width:
        return decoded
    kind = f"i{width // 8}" if layout.signed else f"u{width // 8}"
    aligned = np.left_shift(decoded.view(kind), width - 1 - layout.high_bit)
    return np.right_shift(aligned, width - layout.bits_stored)


def to_grey(rgb: npt.NDArray[Any]) -> FloatArray:
    """Luminance 0–1 of (rows, columns, 3) (ITU-R BT.601, as in PS3.3 C.7.6.3.1.2)."""
    full = np.iinfo(rgb.dtype).max
    return (rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32) / full).astype(np.float32)


def display(stored: npt.NDArray[Any], dataset: Dataset, layout: PixelLayout) -> Display:
    """Stored values of one frame to 0–1 as its own header wants it shown."""
    warnings: list[Warning] = []
    padding = padding_mask(stored, dataset)
    values = modality_values(stored, dataset)
    shown = _voi(values, padding, dataset, layout, warnings)
    if _inverted(dataset, layout, warnings):
        shown = 1.0 - shown
    shown[padding] = 0.0
    return Display(np.ascontiguousarray(shown, dtype=np.float32), tuple(warnings))


def padding_mask(stored: npt.NDArray[Any], dataset: Dataset) -> npt.NDArray[np.bool_]:
    """True where a pixel is padding and no image (PS3.3 C.7.5.1.1.2)."""
    one = number(dataset, "PixelPaddingValue")
    if one is None:
        return np.zeros(stored.shape, dtype=bool)
    if one < 0 <= np.iinfo(stored.dtype).min:
        one += 2 ** (8 * stored.dtype.itemsize)  # written as SS on unsigned pixels, or the reverse
    if one > np.iinfo(stored.dtype).max:
        one -= 2 ** (8 * stored.dtype.itemsize)
    limit = number(dataset, "PixelPaddingRangeLimit")
    low, high = sorted((one, one if limit is None else limit))
    mask = (stored >= low) & (stored <= high)
    # A value that covers nearly everything, or the brightest of a film, was not meant as padding.
    return np.zeros(stored.shape, dtype=bool) if mask.mean() > _BLANK else mask


def modality_values(stored: npt.NDArray[Any], dataset: Dataset) -> npt.NDArray[Any]:
    """Modality LUT, or rescale slope and intercept (PS3.3 C.11.1)."""
    if tables := items(dataset, "ModalityLUTSequence"):
        return look_up(stored, tables[0])[0]
    slope, intercept = rescale(dataset)
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def rescale(dataset: Dataset) -> tuple[float, float]:
    """(slope, intercept); a slope of 0 would erase the image and is taken as 1."""
    return number(dataset, "RescaleSlope") or 1.0, number(dataset, "RescaleIntercept") or 0.0


def _voi(
    values: npt.NDArray[Any],
    padding: npt.NDArray[np.bool_],
    dataset: Dataset,
    layout: PixelLayout,
    warnings: list[Warning],
) -> FloatArray:
    if tables := items(dataset, "VOILUTSequence"):
        table, bits = look_up(values, tables[0])
        return np.clip(table / np.float32(2**bits - 1), 0.0, 1.0)
    window = _first_window(dataset)
    if window is not None:
        shown = apply_window(values, *window)
        if not _blank(shown[~padding]):
            return shown
        warnings.append(Warning(code="window_unusable", words="The window in the header shows nothing; not used."))
    elif layout.bits_stored <= 8 and layout.bits_allocated == 8 and not _rescaled(dataset):
        return values.astype(np.float32) / 255.0  # eight bits without a window are meant as they are
    return robust_range(values, padding)


def _rescaled(dataset: Dataset) -> bool:
    return rescale(dataset) != (1.0, 0.0) or bool(items(dataset, "ModalityLUTSequence"))


def _first_window(dataset: Dataset) -> tuple[float, float, str] | None:
    """The first of the windows, with its function; the others are alternatives (PS3.3 C.11.2.1.2)."""
    centre, width = number(dataset, "WindowCenter"), number(dataset, "WindowWidth")
    function = text(dataset, "VOILUTFunction") or "LINEAR"
    if centre is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    return centre, width, function


def apply_window(values: npt.NDArray[Any], centre: float, width: float, function: str) -> FloatArray:
    """Values to 0–1 by LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2)."""
    x = values.astype(np.float32)
    if function == "SIGMOID":
        return (1.0 / (1.0 + np.exp(np.clip(-4.0 * (x - centre) / width, -80.0, 80.0)))).astype(np.float32)
    if function == "LINEAR_EXACT":
        return np.clip((x - centre) / width + 0.5, 0.0, 1.0).astype(np.float32)
    if width == 1:
        return (x > centre - 0.5).astype(np.float32)
    return np.clip((x - (centre - 0.5)) / (width - 1) + 0.5, 0.0, 1.0).astype(np.float32)


def robust_range(values: npt.NDArray[Any], padding: npt.NDArray[np.bool_]) -> FloatArray:
    """Stretches the range of the pixels that are no padding to 0–1."""
    counted = values[~padding]
    counted = counted[:: max(1, counted.size // _SAMPLE)]
    low, high = np.percentile(counted, (_LOW, _HIGH)) if counted.size else (0.0, 1.0)
    if high <= low:
        low, high = float(counted.min(initial=low)), float(counted.max(initial=high))
    spread = float(high - low) or 1.0
    return np.clip((values.astype(np.float32) - np.float32(low)) / np.float32(spread), 0.0, 1.0)


def _blank(shown: FloatArray) -> bool:
    sample = shown[:: max(1, shown.size // _SAMPLE)]
    return bool(sample.size) and bool(max(np.mean(sample <= 0.0), np.mean(sample >= 1.0)) > _BLANK)


def _inverted(dataset: Dataset, layout: PixelLayout, warnings: list[Warning]) -> bool:
    """MONOCHROME1 shows its lowest value white; Presentation LUT Shape INVERSE says the same (PS3.3 C.8.11.3.1.2)."""
    mono1, shape = layout.photometric == "MONOCHROME1", text(dataset, "PresentationLUTShape")
    if shape and (shape == "INVERSE") != mono1:
        words = f"{layout.photometric} and Presentation LUT Shape {shape} contradict each other."
        warnings.append(Warning(code="polarity_contradiction", words=words))
    return mono1 or shape == "INVERSE"
