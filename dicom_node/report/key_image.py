"""The key image: an image as displayed, with numbered boxes, a banner above and a legend below. Needs Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from dicom_node.report.document import EVALUATION_ONLY
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.presentation_state import label
from dicom_node.report.regions import Region, regions
from dicom_node.report.version import Version

Picture = npt.NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

YELLOW, BLACK, WHITE, RED = (255, 214, 10), (0, 0, 0), (255, 255, 255), (176, 0, 32)
GREEN = (0, 98, 57)
SMALLEST_TEXT = 12


@dataclass(frozen=True)
class Mark:
    """A box on the image and its number. `firm` for what is there; what is undecided has a thin line."""

    number: int
    legend: str
    corners: tuple[float, float, float, float]
    firm: bool


@dataclass(frozen=True)
class Shown:
    """One frame of one image. `frame` counts from 1."""

    image: SourceImage
    frame: int


def key_images(version: Version) -> tuple[Shown, ...]:
    """The frames that carry a region; the first of all where none does."""
    images = source_images(version.draft)
    marked = dict.fromkeys(Shown(region.image, region.box.frame) for region in regions(version, images))
    return tuple(marked) or (Shown(images[0], 1),)


def marks(version: Version, shown: Shown) -> tuple[Mark, ...]:
    """The boxes on one frame, numbered as everywhere in the version; corners in the image's own pixels."""
    placed = regions(version, source_images(version.draft))
    return tuple(
        _mark(version, number, it) for number, it in enumerate(placed, 1) if Shown(it.image, it.box.frame) == shown
    )


def banner(version: Version) -> str:
    """What is burned into the pixels. The built-in font writes Latin letters only: other names are not drawn."""
    words = version.flags.description
    words = words if words.isascii() else "Verified. The signed report names the person."
    return f"{words}\n{EVALUATION_ONLY}"


def key_image(pixels: Picture, extent: tuple[int, int], marked: Sequence[Mark], words: str = "") -> Picture:
    """uint8 (rows, columns, 3) RGB: `pixels` with its marks, and with a banner and a legend where there are `words`
    (one or two lines).

    `pixels` is uint8 (rows, columns), ready for display and of any size; `extent` the (rows, columns) in which the
    corners of the marks count.
    """
    rows, columns = pixels.shape
    scale = (columns / extent[1], rows / extent[0]) if all(extent) else (1.0, 1.0)
    picture = Image.fromarray(pixels).convert("RGB")
    size = max(SMALLEST_TEXT, round(max(rows, columns) / 60))
    for mark in marked:
        _draw(ImageDraw.Draw(picture), mark, scale, size)
    if not words:
        return np.asarray(picture)
    return np.asarray(_framed(picture, words, [mark.legend for mark in marked], size))


def png(picture: Picture) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def grey(image: bytes) -> Picture:
    """A PNG as uint8 (rows, columns)."""
    with Image.open(BytesIO(image)) as picture:
        return np.asarray(picture.convert("L"))


def _mark(version: Version, number: int, region: Region) -> Mark:
    box = region.box
    legend = label(version, number, region)
    return Mark(number, legend, (box.x0, box.y0, box.x1, box.y1), region.finding.presence == "present")


def _draw(pen: ImageDraw.ImageDraw, mark: Mark, scale: tuple[float, float], size: int) -> None:
    """A bright line on a dark one: seen on bone and on air."""
    x0, y0, x1, y1 = (corner * scale[index % 2] for index, corner in enumerate(mark.corners))
    x1, y1 = max(x0, x1 - 1), max(y0, y1 - 1)  # half-open box, inclusive line
    width = max(2, size // 5) if mark.firm else max(1, size // 12)
    pen.rectangle((x0, y0, x1, y1), outline=BLACK, width=width + 2)
    pen.rectangle((x0, y0, x1, y1), outline=YELLOW, width=width)
    font = _font(size)
    at = (x0 + width + 2, y0 + width + 2)
    left, top, right, bottom = pen.textbbox(at, str(mark.number), font=font)
    pen.rectangle((left - 3, top - 3, right + 3, bottom + 3), fill=BLACK)
    pen.text(at, str(mark.number), fill=YELLOW, font=font)


def _framed(picture: Image.Image, words: str, legend: list[str], size: int) -> Image.Image:
    """Bands above and below: no anatomy is covered."""
    line = round(size * 1.5)
    foot = line * len(legend)
    whole = Image.new("RGB", (picture.width, line * 2 + picture.height + foot), BLACK)
    pen = ImageDraw.Draw(whole)
    pen.rectangle((0, 0, picture.width, line * 2 - 1), fill=GREEN if words.startswith("Verified") else RED)
    lines = words.splitlines()
    for number, text in enumerate(lines):
        font = _fitting(pen, text, picture.width - size, size)
        at = (picture.width / 2, line * (2 * number + 1) / len(lines))
        pen.text(at, text, fill=WHITE, font=font, anchor="mm")
    whole.paste(picture, (0, line * 2))
    for number, text in enumerate(legend):
        font = _fitting(pen, text, picture.width - size, size)
        top = line * 2 + picture.height + line * number
        pen.text((size / 2, top + line / 2), text, fill=YELLOW, font=font, anchor="lm")
    return whole


def _fitting(pen: ImageDraw.ImageDraw, words: str, width: float, size: int) -> Font:
    """The largest size in which the words fit."""
    return next(
        (font for it in range(size, 6, -1) if pen.textlength(words, font=(font := _font(it))) <= width), _font(6)
    )


def _font(size: int) -> Font:
    return ImageFont.load_default(size)
