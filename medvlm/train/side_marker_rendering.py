"""Side markers as they stand on films, drawn on pieces of real films: lead letters, printed and boxed ones.

Letters come from free fonts and from strokes of random proportions; initials, plates, circles, cuts, faint and dark
letters follow what was seen on films. What is no marker is drawn too: other letters, digits, bars, rings, arrows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from medvlm.safeguards.burned_in.film_copy import Grey

PATCH = 160
"""Rows and columns of the pieces of film, in pixels of the working copy."""

OTHERS = "ABCDEFGHIJKMNOPQSTUVWXYZ0123456789"

_GLYPH = 64
_SHEET = 320
Mask = npt.NDArray[np.float32]
Glyphs = dict[str, list[Mask]]


@dataclass(frozen=True)
class Drawn:
    """A piece of film with a mark on it; `box` (x0, y0, x1, y1) of the mark, `dark` where it is darker than around."""

    grey: Grey
    box: tuple[int, int, int, int]
    dark: bool


def training_glyphs() -> Glyphs:
    fonts = _package_fonts("font_source_sans_pro", "ttf") + _package_fonts("font_source_serif_pro", "ttf")
    return _glyphs([*fonts, ImageFont.load_default(_GLYPH * 1.4)])


def held_out_glyphs() -> Glyphs:
    """Another type family, never trained on."""
    return _glyphs(_package_fonts("font_hanken_grotesk", "otf"))


def _package_fonts(package: str, kind: str) -> list[ImageFont.FreeTypeFont]:
    found = sorted((one for one in (files(package) / "files").iterdir() if one.name.endswith(kind)), key=str)
    return [ImageFont.truetype(str(one), round(_GLYPH * 1.4)) for one in found]


def _glyphs(fonts: Sequence[ImageFont.FreeTypeFont | ImageFont.ImageFont]) -> Glyphs:
    return {letter: [_glyph(letter, font) for font in fonts] for letter in "LR" + OTHERS}


def _glyph(letter: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Mask:
    picture = Image.new("L", (3 * _GLYPH, 3 * _GLYPH))
    ImageDraw.Draw(picture).text((_GLYPH, _GLYPH // 2), letter, fill=255, font=font)
    return _tight(np.asarray(picture, dtype=np.float32) / 255.0)


def _tight(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.max(1) > 0.3), np.flatnonzero(mask.max(0) > 0.3)
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def stroke_letter(letter: str, random: Generator) -> Mask:
    """L or R from strokes of random width and proportions, as cut or cast lead letters are."""
    height, width = 96, int(random.uniform(44, 76))
    pen = int(random.integers(8, 26))
    x0, x1, y0, y1 = 40, 40 + width, 40, 40 + height
    sheet = np.zeros((176, 176), dtype=np.uint8)
    cv2.line(sheet, (x0, y0), (x0, y1), 255, pen)
    if letter == "L":
        cv2.line(sheet, (x0, y1), (x1, y1), 255, pen)
    else:
        middle = round(y0 + height * random.uniform(0.45, 0.58))
        bowl = (middle - y0) // 2
        cv2.line(sheet, (x0, y0), (x1 - bowl, y0), 255, pen)
        cv2.line(sheet, (x0, middle), (x1 - bowl, middle), 255, pen)
        cv2.ellipse(sheet, (x1 - bowl, (y0 + middle) // 2), (bowl, bowl), 0, -90, 90, 255, pen)
        cv2.line(sheet, (round((x0 + x1) / 2), middle), (x1, y1), 255, pen)
    return _tight(sheet.astype(np.float32) / 255.0)


def shape(random: Generator) -> Mask:
    """A bar, a ring, a disc, an arrow, a cross or a bent wire."""
    sheet = np.zeros((128, 128), dtype=np.uint8)
    pen, kind = int(random.integers(5, 20)), int(random.integers(6))
    ends = random.integers(20, 108, (4, 2))
    if kind == 0:
        cv2.line(sheet, (24, 64), (104, 64), 255, pen)
    elif kind == 1:
        cv2.circle(sheet, (64, 64), int(random.integers(20, 50)), 255, pen)
    elif kind == 2:
        cv2.circle(sheet, (64, 64), int(random.integers(12, 50)), 255, -1)
    elif kind == 3:
        cv2.arrowedLine(sheet, (64, 110), (64, 20), 255, pen, tipLength=0.45)
    elif kind == 4:
        cv2.line(sheet, ends[0].tolist(), ends[1].tolist(), 255, pen)
        cv2.line(sheet, ends[2].tolist(), ends[3].tolist(), 255, pen)
    else:
        cv2.polylines(sheet, [ends.reshape(-1, 1, 2).astype(np.int32)], bool(random.integers(2)), 255, pen)
    return _tight(sheet.astype(np.float32) / 255.0)


def draw(piece: Grey, mark: Mask, glyphs: Glyphs, mirrored: bool, random: Generator) -> Drawn:
    """`mark` on `piece` (PATCH, PATCH) with what may stand beside and behind it, turned, cut, faint or blurred."""
    main, beside = _sheets(mark, glyphs, random)
    backing, backing_level, dark = _backing(main, beside, random)
    turn = _placement(main, mirrored, random)
    warped = [cv2.warpAffine(sheet, turn, (PATCH, PATCH), flags=cv2.INTER_AREA) for sheet in (main, beside, *backing)]
    film = piece.astype(np.float32)
    for behind, level in zip(warped[2:], backing_level, strict=True):
        film = film * (1 - behind) + np.clip(film + level, 0, 255) * behind
    film = _inked(film, np.maximum(warped[0], warped[1]), dark, random)
    film = cv2.GaussianBlur(film, (0, 0), random.uniform(0.3, 1.3))
    film += random.normal(0, random.uniform(0.3, 3.0), film.shape)
    ys, xs = np.nonzero(warped[0] > 0.4)
    box = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1) if len(xs) else (0, 0, 0, 0)
    return Drawn(np.clip(film, 0, 255).astype(np.uint8), box, dark)


def _sheets(mark: Mask, glyphs: Glyphs, random: Generator) -> tuple[Mask, Mask]:
    """The mark in the middle of a sheet, and up to three initials beside or below it on another."""
    width = max(6, round(_GLYPH * mark.shape[1] / mark.shape[0] * random.uniform(0.8, 1.25)))
    height = _GLYPH if mark.shape[1] < 2 * mark.shape[0] else _GLYPH // 2
    glyph = cv2.resize(mark, (min(width, 2 * _GLYPH), height), interpolation=cv2.INTER_AREA)
    main, beside = np.zeros((2, _SHEET, _SHEET), dtype=np.float32)
    top, left = (_SHEET - glyph.shape[0]) // 2, (_SHEET - glyph.shape[1]) // 2
    main[top : top + glyph.shape[0], left : left + glyph.shape[1]] = glyph
    if random.random() < 0.6:
        _initials(beside, (top, left, *glyph.shape), glyphs, random)
    return main, beside


def _initials(beside: Mask, place: tuple[int, ...], glyphs: Glyphs, random: Generator) -> None:
    top, left, height, width = place
    size = random.uniform(0.45, 0.95)
    gap, down = random.uniform(0.06, 0.35) * _GLYPH, bool(random.integers(2))
    before, along = bool(random.random() < 0.3), bool(random.integers(2))
    x, y = (left, top + height + gap) if down else (left + width + gap, top)
    fonts = len(glyphs["A"])
    font = int(random.integers(fonts))
    for letter in random.choice(list(OTHERS), int(random.integers(1, 4))):
        glyph = glyphs[str(letter)][font]
        glyph = cv2.resize(glyph, None, fx=size * _GLYPH / glyph.shape[0], fy=size * _GLYPH / glyph.shape[0])
        rows, columns = glyph.shape
        y0, x0 = round(y), round(x)
        if before:
            y0, x0 = (2 * top + height - y0 - rows, x0) if down else (y0, 2 * left + width - x0 - columns)
        if y0 >= 0 and x0 >= 0 and y0 + rows <= _SHEET and x0 + columns <= _SHEET:
            beside[y0 : y0 + rows, x0 : x0 + columns] = np.maximum(
                beside[y0 : y0 + rows, x0 : x0 + columns], np.clip(glyph, 0, 1)
            )
        x, y = (x + columns + 0.15 * _GLYPH, y) if along else (x, y + rows + 0.15 * _GLYPH)


def _backing(main: Mask, beside: Mask, random: Generator) -> tuple[list[Mask], list[float], bool]:
    """Plates, discs and rings behind the mark, how much each adds to the film's grey, and whether the mark is dark."""
    kind = random.random()
    middle, reach = (_SHEET // 2, _SHEET // 2), int(_GLYPH * random.uniform(0.75, 1.1))
    disc, ring = np.zeros((2, _SHEET, _SHEET), dtype=np.float32)
    if kind < 0.55:
        return [], [], random.random() < 0.04
    if kind < 0.75:  # a plastic plate
        return [_plate(np.maximum(main, beside), random)], [random.uniform(8, 45)], False
    if kind < 0.85:  # a printed label: a black disc with a white ring, or the ring alone
        cv2.circle(disc, middle, reach, 1.0, -1)
        cv2.circle(ring, middle, reach, 1.0, int(random.integers(2, 6)))
        return ([disc, ring], [-255.0, 255.0], False) if random.random() < 0.6 else ([ring], [255.0], False)
    if kind < 0.93:  # dark letters on a white label
        return [_plate(np.maximum(main, beside), random)], [255.0], True
    return [_plate(np.maximum(main, beside), random)], [-255.0], False


def _plate(marks: Mask, random: Generator) -> Mask:
    ys, xs = np.nonzero(marks > 0.4)
    margin = random.integers(4, 30, 4)
    plate = np.zeros_like(marks)
    top, left = max(0, ys.min() - margin[0]), max(0, xs.min() - margin[1])
    plate[top : ys.max() + margin[2], left : xs.max() + margin[3]] = 1.0
    return plate


def _placement(main: Mask, mirrored: bool, random: Generator) -> npt.NDArray[np.float64]:
    """The 2×3 matrix from the sheet to the patch: mirrored, turned (mostly within ±90°), scaled, cut now and then."""
    angle = np.deg2rad(random.uniform(-90, 90) if random.random() < 0.75 else random.uniform(-180, 180))
    if random.random() < 0.3:
        angle = np.deg2rad(random.normal(0, 6))
    scale = random.uniform(17, 62) / _GLYPH
    flip = np.diag([-1.0 if mirrored else 1.0, 1.0])
    shear = np.array([[1.0, random.uniform(-0.2, 0.2)], [0.0, 1.0]])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ flip @ shear
    middle = random.uniform(0.35, 0.65, 2) * PATCH
    if random.random() < 0.15:
        edge, inside = int(random.integers(2)), random.uniform(0.2, 0.55) * _GLYPH * scale
        middle[edge] = inside if random.integers(2) else PATCH - inside
    shift = middle - turn @ np.array([_SHEET / 2, _SHEET / 2])
    return np.column_stack([turn, shift])


def _inked(film: Mask, ink: Mask, dark: bool, random: Generator) -> Mask:
    """Lead is bright on any ground; thin lead and printed letters may be faint."""
    opaque = random.random() < 0.7
    ground = float(np.median(film[ink > 0.4])) if (ink > 0.4).any() else 0.0
    if dark:
        level = ground - (random.uniform(0.5, 1.0) * ground if opaque else random.uniform(30, 120))
    else:
        level = ground + (random.uniform(0.5, 1.0) * (255 - ground) if opaque else random.uniform(22, 120))
    return np.asarray(film * (1 - ink) + np.clip(level, 0, 255) * ink, dtype=np.float32)
