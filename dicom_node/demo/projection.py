"""The frontal radiograph that a chest CT would have given: rays from a point source behind the patient.

Coordinates are the patient's (PS3.3 C.7.6.2.1.1): x to the left, y to the back, z to the head, in mm. Arrays of
a volume are [z, y, x] with every index growing along its axis; arrays of a film are [row, column], rows from head
to foot, columns from the patient's right to the left, so that the patient's left is on the viewer's right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

AIR_AROUND_HU = -300  # above: body, table top; below: air, lung, the mat of the table
LUNG_HU = -500
DENSEST_HU = 450  # capped here: contrast medium and metal would otherwise outshine bone
LUNG_DEPTH_MM = 30.0  # a ray through so much air-filled lung belongs to the lung fields
OUTLINE_MM = 3.0  # how finely the body's outline is found


@dataclass(frozen=True)
class Volume:
    """`hu`: [z, y, x] in Hounsfield units; `origin`: centre of voxel [0, 0, 0]; `spacing`: (x, y, z), mm."""

    hu: NDArray[np.int16]
    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]


@dataclass(frozen=True)
class Field:
    """The part of the coronal plane that the beam is collimated to, in mm of the patient at the middle depth."""

    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Tube:
    """The usual chest stand: the tube behind the patient, the detector against the chest (postero-anterior)."""

    source_to_detector: float = 1800.0
    chest_to_detector: float = 20.0


@dataclass(frozen=True)
class Film:
    """`pixels`: [row, column], 0 to `peak`, white is dense; `pixel_mm`: spacing at the detector."""

    pixels: NDArray[np.uint16]
    pixel_mm: float
    peak: int = 4095


def frontal_film(volume: Volume, tube: Tube = Tube(), pixel_mm: float = 0.35) -> Film:
    """The postero-anterior film of a chest, cropped to the lungs with a margin, without the table."""
    body = body_mask(volume)
    field = lung_field(volume, body)
    depth = line_integrals(volume, body, field, tube, 2 * pixel_mm)
    finer = Image.fromarray(depth).resize((depth.shape[1] * 2, depth.shape[0] * 2), Image.Resampling.BICUBIC)
    return Film(developed(np.asarray(finer, dtype=np.float32), peak=4095), pixel_mm)


def body_mask(volume: Volume) -> Mask:
    """[z, y, x]: what lies between the front and the back of the body that fills the middle; no table, no clothes."""
    coarse = max(1, int(OUTLINE_MM / volume.spacing[0]))
    solid = volume.hu[:, ::coarse, ::coarse] > AIR_AROUND_HU
    body = _grown(_middle(solid), solid)
    filled = np.maximum.accumulate(body, axis=1) & np.maximum.accumulate(body[:, ::-1], axis=1)[:, ::-1]
    fine = filled.repeat(coarse, axis=1).repeat(coarse, axis=2)
    return fine[:, : volume.hu.shape[1], : volume.hu.shape[2]]


def _middle(solid: Mask) -> Mask:
    seeds = np.zeros_like(solid)
    rows, columns = (slice(2 * size // 5, 3 * size // 5) for size in solid.shape[1:])
    seeds[:, rows, columns] = solid[:, rows, columns]
    return seeds


def _grown(seeds: Mask, within: Mask) -> Mask:
    """All of `within` that is joined to a seed through edges in its own slice."""
    grown, size = seeds, -1
    while (reached := int(grown.sum())) != size:
        size, wider = reached, grown.copy()
        wider[:, 1:] |= grown[:, :-1]
        wider[:, :-1] |= grown[:, 1:]
        wider[:, :, 1:] |= grown[:, :, :-1]
        wider[:, :, :-1] |= grown[:, :, 1:]
        grown = wider & within
    return grown


def lung_field(volume: Volume, body: Mask) -> Field:
    """The box round the lungs with the margin that a technologist leaves, kept inside the volume."""
    thickness = ((volume.hu < LUNG_HU) & body).sum(axis=1) * volume.spacing[1]
    lungs = thickness > LUNG_DEPTH_MM
    bottom, top = _extent(lungs.sum(axis=1) > 0.04 * lungs.shape[1], volume.origin[2], volume.spacing[2])
    right, left = _extent(lungs.sum(axis=0) > 0.08 * lungs.shape[0], volume.origin[0], volume.spacing[0])
    width, height = left - right, top - bottom
    ends = [start + step * (size - 1) for start, step, size in _axes(volume)]
    return Field(
        left=min(left + 0.14 * width, ends[0]),
        right=max(right - 0.14 * width, volume.origin[0]),
        bottom=max(bottom - 0.16 * height, volume.origin[2]),
        top=min(top + 0.08 * height, ends[2]),
    )


def _axes(volume: Volume) -> list[tuple[float, float, int]]:
    return list(zip(volume.origin, volume.spacing, volume.hu.shape[::-1], strict=True))


def _extent(present: Mask, start: float, step: float) -> tuple[float, float]:
    places = np.flatnonzero(present)
    if places.size == 0:
        raise ValueError("no lungs in this volume")
    return start + step * float(places[0]), start + step * float(places[-1])


def line_integrals(volume: Volume, body: Mask, field: Field, tube: Tube, pixel_mm: float) -> Array:
    """[row, column]: millimetres of water that attenuate like what each ray passes.

    Plane by coronal plane: each is seen from the source at its own magnification. The slant of a ray (below
    1 % of its length on a film of this size) is left out.
    """
    (x0, dx, _), (y0, dy, depth), (z0, dz, _) = _axes(volume)
    source = y0 + tube.source_to_detector - tube.chest_to_detector
    middle = tube.source_to_detector / (source - (y0 + dy * depth / 2))
    columns = _places(field.right, field.left, middle, pixel_mm)
    rows = _places(field.bottom, field.top, middle, pixel_mm)[::-1]
    centre_x, centre_z = (field.left + field.right) / 2, (field.top + field.bottom) / 2
    total: Array = np.zeros((rows.size, columns.size), dtype=np.float32)
    for index in np.flatnonzero(body.any(axis=(0, 2))):
        magnification = tube.source_to_detector / (source - (y0 + dy * index))
        plane = _water(volume.hu[:, index], body[:, index])
        across = _sampled(plane, (columns / magnification + centre_x - x0) / dx, axis=1)
        total += _sampled(across, (rows / magnification + centre_z - z0) / dz, axis=0) * np.float32(dy)
    return total


def _places(low: float, high: float, magnification: float, pixel_mm: float) -> NDArray[np.float64]:
    """Pixel centres at the detector, in mm from the central ray."""
    count = int((high - low) * magnification / pixel_mm)
    return np.linspace(-0.5, 0.5, count) * ((count - 1) * pixel_mm)


def _water(hu: NDArray[np.int16], body: Mask) -> Array:
    """Attenuation relative to water (PS3.3 C.11.1.1.2: water 0, air -1000), smoothed along x against moiré."""
    relative: Array = np.minimum(hu, DENSEST_HU).astype(np.float32) / np.float32(1000) + np.float32(1)
    relative = np.where(body & (relative > 0), relative, np.float32(0))
    smooth = relative.copy()
    smooth[:, 1:-1] = relative[:, 1:-1] / 2 + (relative[:, :-2] + relative[:, 2:]) / 4
    return smooth


def _sampled(plane: Array, at: NDArray[np.float64], axis: int) -> Array:
    """Linear interpolation along one axis at fractional indices; nothing beyond the edge."""
    low = np.clip(np.floor(at).astype(np.intp), 0, plane.shape[axis] - 2)
    share = np.clip(at - low, 0, 1).astype(np.float32)
    inside = ((at >= 0) & (at <= plane.shape[axis] - 1)).astype(np.float32)
    shape = (-1, 1) if axis == 0 else (1, -1)
    first, second = ((1 - share) * inside).reshape(shape), (share * inside).reshape(shape)
    return np.take(plane, low, axis=axis) * first + np.take(plane, low + 1, axis=axis) * second


def developed(depth: Array, peak: int) -> NDArray[np.uint16]:
    """Grey values as a digital chest stand shows them: wide range drawn together, edges lifted, S-shaped curve."""
    even = depth - 0.3 * (_blurred(depth, depth.shape[0] // 8) - float(depth.mean()))
    sharp = even + 0.7 * (even - _blurred(even, max(2, depth.shape[0] // 64)))
    low, high = np.percentile(sharp[depth > 0.15 * depth.max()], [0.5, 99.7])
    straight = np.clip((sharp - low) / max(float(high - low), 1e-6), 0, 1)
    curve = np.tanh(2.2 * (straight - 0.5)) / np.tanh(1.1)
    return np.rint((curve + 1) / 2 * peak).astype(np.uint16)


def _blurred(picture: Array, size: int) -> Array:
    image = Image.fromarray(picture)
    small = image.resize((max(1, image.width // size), max(1, image.height // size)), Image.Resampling.BOX)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32)
