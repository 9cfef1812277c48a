"""Placed slices to regular volumes. What is missing, doubled, tilted or uneven is stated and split, never averaged.

Rules: sorted by the projection of Image Position (Patient) on row × column direction, not by instance number or
Slice Location; Slice Thickness is no spacing (PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from medvlm.contract import Warning
from medvlm.imaging.images import FloatArray, Matrix, Volume
from medvlm.imaging.planes import TOLD_APART_BY, Plane

_SAME_PLACE_MM = 0.01
_SAME_DIRECTION = 1e-3  # of a direction cosine
_SAME_SPACING = 1e-3  # of the spacing
_UNEVEN = 0.01  # of the distance between slices
_GAP = 1.5  # times the median distance
_OFF_GRID = 0.1  # of the distance between slices
_TILT_DEGREES = 0.5


def volumes(planes: Iterable[Plane]) -> tuple[Volume, ...]:
    """Groups slices that belong together and stacks each group; a lone slice is a volume of one."""
    groups = _groups(planes)
    mixed = _series_of_many_directions(groups)
    built: list[Volume] = []
    for group in groups:
        stated = (_mixed_warning(),) if group[0].series in mixed and not group[0].localiser else ()
        for stack, doubled in _without_doubles(sorted(group, key=lambda plane: plane.place.along_normal)):
            built.extend(_regular_volumes(stack, (*stated, *doubled)))
    return tuple(built)


def _groups(planes: Iterable[Plane]) -> list[list[Plane]]:
    """Slices of one series, frame of reference, stack, size, spacing, direction and kind."""
    keyed: dict[tuple[object, ...], list[list[Plane]]] = defaultdict(list)
    for plane in planes:
        key = (plane.series, plane.frame_of_reference, plane.stack, plane.modality, plane.localiser, plane.pixels.shape)
        for group in keyed[key]:
            if _alike(group[0], plane):
                group.append(plane)
                break
        else:
            keyed[key].append([plane])
    return [group for groups in keyed.values() for group in groups]


def _alike(one: Plane, other: Plane) -> bool:
    turned = np.abs(one.place.orientation - other.place.orientation).max()
    scaled = max(abs(a - b) / a for a, b in zip(one.place.spacing, other.place.spacing, strict=True))
    return bool(turned <= _SAME_DIRECTION and scaled <= _SAME_SPACING)


def _series_of_many_directions(groups: list[list[Plane]]) -> frozenset[str]:
    seen: dict[str, list[Matrix]] = defaultdict(list)
    for group in groups:
        if not group[0].localiser:
            seen[group[0].series].append(group[0].place.orientation)
    return frozenset(
        series
        for series, directions in seen.items()
        if any(not np.allclose(directions[0], other, rtol=0, atol=_SAME_DIRECTION) for other in directions[1:])
    )


def _mixed_warning() -> Warning:
    return Warning(code="mixed_orientation", words="The series holds slices of several directions; each is a volume.")


def _without_doubles(ordered: list[Plane]) -> list[tuple[list[Plane], tuple[Warning, ...]]]:
    """Stacks in which no position comes twice, each with the statement that it was told apart from another."""
    doubled = _doubled_positions(ordered)
    if not doubled:
        return [(ordered, ())]
    stacks, by = _told_apart(ordered)
    words = f"{len(doubled)} positions hold more than one slice ({_listed(doubled)}); told apart by {by}."
    return [(stack, (Warning(code="doubled_positions", words=words),)) for stack in stacks]


def _doubled_positions(ordered: Sequence[Plane]) -> list[float]:
    pairs = pairwise(plane.place.along_normal for plane in ordered)
    return sorted({round(one, 2) for one, other in pairs if other - one < _SAME_PLACE_MM})


def _told_apart(ordered: list[Plane]) -> tuple[list[list[Plane]], str]:
    """Splits by the first attribute, or the first attributes together, that leave every position once."""
    used: list[int] = []
    for column in range(len(TOLD_APART_BY)):
        if len({plane.told_apart[column] for plane in ordered}) == 1:
            continue
        for columns in ([column], [*used, column]):
            parts: dict[tuple[str, ...], list[Plane]] = defaultdict(list)
            for plane in ordered:
                parts[tuple(plane.told_apart[c] for c in columns)].append(plane)
            if not any(_doubled_positions(part) for part in parts.values()):
                return list(parts.values()), " and ".join(TOLD_APART_BY[c] for c in columns)
        used.append(column)
    return _by_rank(ordered), "Instance Number only"


def _by_rank(ordered: list[Plane]) -> list[list[Plane]]:
    """The n-th slice of each position, by instance number, goes to the n-th stack."""
    stacks: list[list[Plane]] = []
    place: list[Plane] = []
    for plane in [*ordered, None]:
        if plane is None or (place and plane.place.along_normal - place[-1].place.along_normal >= _SAME_PLACE_MM):
            for rank, held in enumerate(sorted(place, key=lambda one: one.instance_number)):
                stacks.extend([[]] * (rank >= len(stacks)))
                stacks[rank] = [*stacks[rank], held]
            place = []
        if plane is not None:
            place.append(plane)
    return stacks


def _regular_volumes(stack: list[Plane], stated: tuple[Warning, ...]) -> list[Volume]:
    runs = _regular_runs(stack)
    spacing = _spacing_warnings(stack, runs)
    return [_volume(run, (*stated, *spacing)) for run in runs]


def _regular_runs(stack: list[Plane]) -> list[list[Plane]]:
    """Cuts where the step from slice to slice changes by more than 1 %: each run has one true affine."""
    steps = np.diff([plane.place.position for plane in stack], axis=0)
    change = np.linalg.norm(np.diff(steps, axis=0), axis=1)
    uneven = change > _UNEVEN * np.linalg.norm(steps[:-1], axis=1) + _SAME_PLACE_MM
    starts = [0]
    for index in np.flatnonzero(uneven) + 2:  # the slice at the far end of the step that differs
        if index - starts[-1] > 1:  # a run of one takes any step
            starts.append(int(index))
    return [stack[start:end] for start, end in pairwise([*starts, len(stack)])]


def _spacing_warnings(stack: list[Plane], runs: list[list[Plane]]) -> tuple[Warning, ...]:
    """States gaps and uneven distances of one stack, with positions in mm along the slice normal."""
    places = [plane.place.along_normal for plane in stack]
    steps = np.diff(places)
    if len(steps) < 2:
        return ()
    median = float(np.median(steps))
    breaks = [int(end) - 1 for end in np.cumsum([len(run) for run in runs])[:-1]]
    gaps = [i for i in breaks if steps[i] > _GAP * median]
    uneven = [step for i, step in enumerate(steps) if i not in gaps]
    found = []
    if gaps:
        between = "; ".join(f"{places[i]:.2f} and {places[i + 1]:.2f} mm" for i in gaps[:8])
        words = f"Slices are missing between {between}; nothing is assessed there."
        found.append(Warning(code="missing_slices", words=words))
    if uneven and max(uneven) - min(uneven) > _UNEVEN * median + 2 * _SAME_PLACE_MM:
        words = f"Slices are {_listed(sorted({round(float(step), 2) for step in uneven}))} mm apart"
        at = _listed([places[i + 1] for i in breaks])
        found.append(Warning(code="irregular_spacing", words=f"{words}; split into regular parts at {at} mm."))
    return tuple(found)


def _volume(run: list[Plane], stated: tuple[Warning, ...]) -> Volume:
    affine, own = _affine(run)
    if run[0].localiser:
        own = (*own, Warning(code="localiser", words="This is a localiser, not the examination itself."))
    if run[0].modality == "CT" and not all(plane.rescale_stated for plane in run):
        words = "Rescale Slope or Intercept is missing: the values may be no Hounsfield units."
        own = (*own, Warning(code="no_rescale", words=words))
    return Volume(
        sources=tuple(plane.source for plane in run),
        pixels=_stacked(run),
        affine=affine,
        modality=run[0].modality,
        warnings=(*stated, *own),
    )


def _stacked(run: list[Plane]) -> FloatArray:
    out = np.empty((len(run), *run[0].pixels.shape), dtype=np.float32)
    for row, plane in zip(out, run, strict=True):
        row[:] = plane.pixels
        if (plane.slope, plane.intercept) != (1.0, 0.0):
            row *= np.float32(plane.slope)
            row += np.float32(plane.intercept)
    return out


def _affine(run: list[Plane]) -> tuple[Matrix, tuple[Warning, ...]]:
    """(slice, row, column, 1) to LPS mm, by highdicom, with the true step from slice to slice as first column."""
    from highdicom.spatial import create_affine_matrix_from_attributes

    first, last = run[0].place, run[-1].place
    affine = create_affine_matrix_from_attributes(
        image_position=first.position.tolist(),
        image_orientation=first.orientation.tolist(),
        pixel_spacing=first.spacing,
        spacing_between_slices=first.thickness,  # of a lone slice nothing else is known
        index_convention="DR",
        slices_first=True,
    )
    affine[:3, 0] = first.normal * first.thickness
    if len(run) == 1:
        return affine, ()
    affine[:3, 0] = (last.position - first.position) / (len(run) - 1)
    return affine, (*_tilt(affine[:3, 0], first.normal), *_off_grid(run, affine))


def _tilt(step: Matrix, normal: Matrix) -> tuple[Warning, ...]:
    cosine = float(np.clip(step @ normal / np.linalg.norm(step), -1.0, 1.0))
    degrees = float(np.degrees(np.arccos(cosine)))
    if degrees <= _TILT_DEGREES:
        return ()
    words = f"The slices are tilted by {degrees:.1f}° against the line of their positions; the affine is sheared."
    return (Warning(code="gantry_tilt", words=words),)


def _off_grid(run: list[Plane], affine: Matrix) -> tuple[Warning, ...]:
    """Small steps may add up: the farthest that a slice lies from where the affine puts it."""
    true = np.array([plane.place.position for plane in run])
    grid = affine[:3, 3] + np.arange(len(run))[:, None] * affine[:3, 0]
    worst = float(np.linalg.norm(true - grid, axis=1).max())
    if worst <= _OFF_GRID * float(np.linalg.norm(affine[:3, 0])):
        return ()
    return (Warning(code="irregular_spacing", words=f"Slices lie up to {worst:.2f} mm off a regular grid."),)


def _listed(numbers: Sequence[float], most: int = 8) -> str:
    shown = ", ".join(f"{number:.2f}" for number in numbers[:most])
    return shown + (", …" if len(numbers) > most else "")
