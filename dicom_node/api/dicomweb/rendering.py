"""A frame as it is displayed: modality, window, polarity, colour, size (PS3.4 Annex N.2, PS3.18 section 8.3.5).

Pure: arrays and headers in, a picture out. Runs in the child process that decodes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, ConfigDict
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi, convert_color_space

Array = npt.NDArray[Any]
Shape = Literal["linear", "linear-exact", "sigmoid"]

SHAPES: Final[Mapping[str, Shape]] = {"LINEAR": "linear", "LINEAR_EXACT": "linear-exact", "SIGMOID": "sigmoid"}
FUNCTIONAL_GROUPS: Final = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG"}


class Window(BaseModel):
    """Center and width of the values of interest (PS3.3 C.11.2.1.2)."""

    model_config = ConfigDict(frozen=True)

    center: float
    width: float
    shape: Shape = "linear"


class Look(BaseModel):
    """How a client wants a frame. `viewport` in pixels; `region` (x, y, width, height) of the source, in pixels."""

    model_config = ConfigDict(frozen=True)

    media_type: Literal["image/jpeg", "image/png"] = "image/jpeg"
    window: Window | None = None
    viewport: tuple[int, int] | None = None
    region: tuple[int, int, int, int] | None = None
    quality: int = 90


def picture(pixels: Array, header: Dataset, frame: int, look: Look) -> bytes:
    """The encoded picture of one frame: (rows, columns) stored values, or (rows, columns, 3)."""
    header = of_frame(header, frame)
    shown = _colour(pixels, header) if _is_colour(header) else _grey(pixels, header, look.window)
    image = Image.fromarray(shown)
    if look.region is not None:
        image = image.crop(_inside(look.region, image.size))
    if look.viewport is not None:
        # The whole image inside the viewport, its proportions kept, smaller ones enlarged (PS3.18 8.3.5.1.3).
        scale = min(look.viewport[0] / image.width, look.viewport[1] / image.height)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    options: dict[str, Any] = {"quality": look.quality} if look.media_type == "image/jpeg" else {}
    image.save(out, FORMATS[look.media_type], **options)
    return out.getvalue()


def _inside(region: tuple[int, int, int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of the region that the image has, as edges. Raises ValueError when there is none."""
    x, y, width, height = region
    right, bottom = min(x + width, size[0]), min(y + height, size[1])
    if right <= x or bottom <= y:
        raise ValueError("a region outside the image")
    return x, y, right, bottom


def of_frame(header: Dataset, frame: int) -> Dataset:
    """The header with the window and rescale of that frame of an enhanced multi-frame image (PS3.3 C.7.6.16)."""
    merged = Dataset()
    merged.update({tag: header.get_item(tag) for tag in header.keys()})  # noqa: SIM118
    merged.set_original_encoding(*header.original_encoding)
    for name, number in zip(FUNCTIONAL_GROUPS, (0, frame - 1), strict=True):
        groups = header.get(name)
        if not groups or number >= len(groups):
            continue
        for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in groups[number].get(macro) or ():
                merged.update(item)
    return merged


def _is_colour(header: Dataset) -> bool:
    return not str(header.get("PhotometricInterpretation", "")).startswith("MONOCHROME")


def _colour(pixels: Array, header: Dataset) -> Array:
    if header.get("PhotometricInterpretation") == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header)
    elif pixels.ndim == 3 and str(header.get("PhotometricInterpretation", "")).startswith("YBR_FULL"):
        pixels = convert_color_space(pixels, "YBR_FULL", "RGB")
    deepest = np.iinfo(pixels.dtype).max
    eight = pixels if deepest <= 255 else (pixels >> (8 * (pixels.dtype.itemsize - 1)))
    return np.ascontiguousarray(eight.astype(np.uint8))


def _grey(pixels: Array, header: Dataset, window: Window | None) -> Array:
    values = np.asarray(apply_modality_lut(pixels, header), dtype=np.float64)
    chosen = window or _own_window(header)
    if chosen is not None:
        grey = windowed(values, chosen)
    elif "VOILUTSequence" in header:
        grey = _stretched(np.asarray(apply_voi(np.asarray(values, dtype=pixels.dtype), header), dtype=np.float64))
    else:
        grey = _stretched(values)
    if header.get("PhotometricInterpretation") == "MONOCHROME1":
        grey = 1.0 - grey
    return (grey * 255.0 + 0.5).astype(np.uint8)


def windowed(values: npt.NDArray[np.float64], window: Window) -> npt.NDArray[np.float64]:
    """Values as grey from 0 to 1 (PS3.3 C.11.2.1.2.1, C.11.2.1.3)."""
    center, width = window.center, max(window.width, 1e-6)
    if window.shape == "sigmoid":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / width, -700, 700)))
    if window.shape == "linear-exact" or width <= 1:
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)
    return np.clip((values - (center - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0)


def _own_window(header: Dataset) -> Window | None:
    """The first window of the header; none where it is absent or no number."""
    try:
        center, width = (_first(header.get(name)) for name in ("WindowCenter", "WindowWidth"))
        if center is None or width is None or not float(width) > 0:
            return None
        function = str(header.get("VOILUTFunction") or "LINEAR")
        return Window(center=float(center), width=float(width), shape=SHAPES.get(function, "linear"))
    except (TypeError, ValueError):
        return None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) or hasattr(value, "append") else value


def _stretched(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    return np.zeros_like(values) if high <= low else (values - low) / (high - low)
