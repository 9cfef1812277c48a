"""Boxes in an answer's text to pixels of the source image, and back, in the convention of each family.

Five conventions are in use and each is wrong for the others: y first or x first; thousandths, hundredths, bins or
pixels; of the image, its zero-padded square, its central square or its resized copy. What does not fit the frame is
dropped with a warning, never moved into it. All boxes here are (x0, y0, x1, y1) in pixels from the top-left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medvlm.contract import Box, ImageSource, Warning
from medvlm.families.box_text import Written, read_boxes
from medvlm.families.profile import BoxConvention

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Shown:
    """Size of a source image in pixels, and of its copy as the family's processor resized it (0: not resized)."""

    width: int
    height: int
    resized_width: int = 0
    resized_height: int = 0


@dataclass(frozen=True)
class Located:
    """A phrase and one place that the answer gave for it, in pixels of the source image."""

    label: str
    corners: Corners


@dataclass(frozen=True)
class LocatedText:
    """An answer read: its words without the boxes, the boxes that hold, and what was wrong with the others."""

    words: str
    located: tuple[Located, ...]
    warnings: tuple[Warning, ...]


def read_located(text: str, convention: BoxConvention, shown: Shown) -> LocatedText:
    """Every box of an answer. Never raises: an answer is untrusted text of any shape."""
    read = read_boxes(text, convention)
    placed = [_placed(written, convention, shown) for written in read.boxes]
    found = tuple(one for one in placed if isinstance(one, Located))
    wrong = [one for one in placed if isinstance(one, Warning)]
    if read.unreadable:
        wrong.append(
            Warning(code="box_not_readable", words="A place in the answer could not be read and was left out.")
        )
    if (found or wrong) and convention.frame == "centre_crop" and shown.width != shown.height:
        wrong.append(
            Warning(code="frame_cropped", words="The model saw the central square only: no box can lie beside it.")
        )
    return LocatedText(read.words, found, tuple(dict.fromkeys(wrong)))


def to_source(values: Sequence[float], convention: BoxConvention, shown: Shown) -> Corners:
    """Four numbers in the family's order and scale to pixels of the source image; not checked, not moved."""
    x0, y0, x1, y1 = _ordered(values, convention)
    scale_x, scale_y, left, top = _frame(convention, shown)
    half = 0.5 if convention.bins else 0.0
    return (
        (x0 + half) * scale_x - left,
        (y0 + half) * scale_y - top,
        (x1 + half) * scale_x - left,
        (y1 + half) * scale_y - top,
    )


def from_source(corners: Corners, convention: BoxConvention, shown: Shown) -> Corners:
    """Pixels of the source image to four numbers in the family's order and scale, before rounding."""
    scale_x, scale_y, left, top = _frame(convention, shown)
    half = 0.5 if convention.bins else 0.0
    x0, y0, x1, y1 = corners
    values = (
        (x0 + left) / scale_x - half,
        (y0 + top) / scale_y - half,
        (x1 + left) / scale_x - half,
        (y1 + top) / scale_y - half,
    )
    return _ordered(values, convention)  # swapping x and y is its own inverse


def contract_box(located: Located, source: ImageSource) -> Box:
    """The place as the contract states it."""
    x0, y0, x1, y1 = located.corners
    return Box(sop_instance_uid=source.sop_instance_uid, frame=source.frame or 1, x0=x0, y0=y0, x1=x1, y1=y1)


def _placed(written: Written, convention: BoxConvention, shown: Shown) -> Located | Warning:
    values = written.values
    if convention.syntax == "json_box_2d" and max(values) <= 1.0:
        # The paper (arXiv:2604.05081, 3.2.4) says unit scale, its notebook thousandths: both are taken.
        values = tuple(value * convention.scale for value in values)
    highest = _highest(convention, shown)
    if any(value < 0 or value > top for value, top in zip(_ordered(values, convention), highest, strict=True)):
        return Warning(code="box_outside_frame", words="A place outside the model's frame was left out.")
    x0, y0, x1, y1 = to_source(values, convention, shown)
    if x1 <= x0 or y1 <= y0:
        return Warning(code="box_without_area", words="A place without an area was left out.")
    return _on_image(written.label, (x0, y0, x1, y1), convention, shown)


def _on_image(label: str, corners: Corners, convention: BoxConvention, shown: Shown) -> Located | Warning:
    """Padding is part of a padded frame and not of the image; less than one step of the scale is rounding."""
    step_x, step_y, *_ = _frame(convention, shown)
    x0, y0, x1, y1 = corners
    beyond = max((-x0) / step_x, (-y0) / step_y, (x1 - shown.width) / step_x, (y1 - shown.height) / step_y)
    if beyond > 1.0:
        return Warning(code="box_outside_image", words="A place that reaches beyond the image was left out.")
    cut = (max(x0, 0.0), max(y0, 0.0), min(x1, float(shown.width)), min(y1, float(shown.height)))
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        return Warning(code="box_outside_image", words="A place that reaches beyond the image was left out.")
    return Located(label, cut)


def _frame(convention: BoxConvention, shown: Shown) -> tuple[float, float, float, float]:
    """(source pixels for 1 of x, of y; the frame's left and top margin in source pixels, negative where it is cut)."""
    width, height = shown.width, shown.height
    match convention.frame:
        case "resized":
            return width / (shown.resized_width or width), height / (shown.resized_height or height), 0.0, 0.0
        case "whole":
            return width / convention.scale, height / convention.scale, 0.0, 0.0
        case "padded_square":
            side = max(width, height)
            # As Google's server pads: an odd row goes below or to the right.
            return side / convention.scale, side / convention.scale, (side - width) // 2, (side - height) // 2
        case "centre_crop":
            side = min(width, height)
            return side / convention.scale, side / convention.scale, (side - width) / 2, (side - height) / 2


def _highest(convention: BoxConvention, shown: Shown) -> Corners:
    if convention.frame == "resized":
        across, down = shown.resized_width or shown.width, shown.resized_height or shown.height
        return across, down, across, down
    top = convention.scale - 1 if convention.bins else convention.scale
    return top, top, top, top


def _ordered(values: Sequence[float], convention: BoxConvention) -> Corners:
    """Family's order to x first, or back."""
    a, b, c, d = values
    return (b, a, d, c) if convention.order == "yxyx" else (a, b, c, d)
