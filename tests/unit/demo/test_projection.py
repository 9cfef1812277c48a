from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom_node.demo.projection import Field, Tube, Volume, body_mask, frontal_film, line_integrals, lung_field

SPACING = (4.0, 4.0, 4.0)
ORIGIN = (-160.0, -120.0, -300.0)
WHOLE = Field(left=150.0, right=-150.0, bottom=-290.0, top=-10.0)


def coordinates() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patient coordinates (z, y, x) of an 80 x 80 x 72 grid, in mm, each broadcastable to the volume."""
    x = ORIGIN[0] + SPACING[0] * np.arange(80)
    y = ORIGIN[1] + SPACING[1] * np.arange(80)
    z = ORIGIN[2] + SPACING[2] * np.arange(72)
    return z[:, None, None], y[None, :, None], x[None, None, :]


def empty() -> np.ndarray:
    return np.full((72, 80, 80), -1000, np.int16)


def ball(at: tuple[float, float, float], radius: float = 24.0) -> np.ndarray:
    z, y, x = coordinates()
    return (x - at[0]) ** 2 + (y - at[1]) ** 2 + (z - at[2]) ** 2 < radius**2


def thorax() -> np.ndarray:
    """A torso of water with two lungs, a heart on the patient's left, and a table below with a gap of air."""
    z, y, x = coordinates()
    hu = empty()
    hu[np.broadcast_to((x / 140) ** 2 + ((y - 0) / 90) ** 2 < 1, hu.shape)] = 0
    for side in (-65, 65):
        lung = ((x - side) / 45) ** 2 + (y / 60) ** 2 + ((z + 150) / 100) ** 2 < 1
        hu[lung] = -850
    hu[ball((40.0, -10.0, -190.0), 40.0)] = 50
    hu[:, 58:60, 10:70] = 300
    return hu


def volume(hu: np.ndarray) -> Volume:
    return Volume(hu, ORIGIN, SPACING)


def whole_film(hu: np.ndarray, source_to_detector: float = 1800.0) -> np.ndarray:
    tube = Tube(source_to_detector=source_to_detector)
    return line_integrals(volume(hu), np.ones(hu.shape, np.bool_), WHOLE, tube, pixel_mm=2.0)


def centroid(depth: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(depth.shape)
    return float((rows * depth).sum() / depth.sum()), float((columns * depth).sum() / depth.sum())


@settings(max_examples=25, deadline=None)
@given(st.floats(20, 110), st.floats(-60, 60))
def test_what_is_on_the_patients_left_is_on_the_viewers_right(x: float, y: float) -> None:
    hu = empty()
    hu[ball((x, y, -150.0))] = 0
    depth = whole_film(hu)
    assert centroid(depth)[1] > depth.shape[1] / 2


@settings(max_examples=25, deadline=None)
@given(st.floats(20, 100), st.floats(-60, 60))
def test_what_is_nearer_the_head_is_higher_on_the_film(above: float, y: float) -> None:
    hu = empty()
    hu[ball((0.0, y, -150.0 + above))] = 0
    depth = whole_film(hu)
    assert centroid(depth)[0] < depth.shape[0] / 2


def test_a_ray_through_a_slab_of_water_measures_its_thickness() -> None:
    hu = empty()
    hu[:, 30:45] = 0
    depth = whole_film(hu)
    assert np.allclose(depth[20:-20, 20:-20], 15 * SPACING[1], rtol=1e-3)


def test_the_beam_is_postero_anterior_what_lies_in_front_is_nearer_the_detector_and_smaller() -> None:
    areas = []
    for y in (-70.0, 150.0):  # front, back
        hu = empty()
        hu[ball((0.0, y, -150.0))] = 0
        areas.append(int((whole_film(hu, 900.0) > 0).sum()))
    assert areas[0] < areas[1]


def test_the_table_is_no_part_of_the_body_and_the_lungs_are() -> None:
    hu = thorax()
    body = body_mask(volume(hu))
    assert not body[:, 56:].any()
    assert body[hu == -850].all()


def test_the_film_is_cropped_to_the_lungs_with_a_margin() -> None:
    hu = thorax()
    field = lung_field(volume(hu), body_mask(volume(hu)))
    assert -150 < field.right < -105
    assert 105 < field.left < 150
    assert -300 <= field.bottom < -240
    assert -60 < field.top < -14


def test_the_film_looks_like_one_lungs_dark_and_heart_bright_on_the_viewers_right() -> None:
    film = frontal_film(volume(thorax()), pixel_mm=1.0)
    rows, columns = film.pixels.shape
    grey = film.pixels.astype(float) / film.peak
    right_lung = grey[rows // 3 : rows // 2, columns // 5 : columns // 3].mean()
    midline = grey[rows // 3 : rows // 2, columns // 2 - 3 : columns // 2 + 3].mean()
    heart_level = slice(int(rows * 0.55), int(rows * 0.65))
    heart = grey[heart_level, int(columns * 0.6) : int(columns * 0.7)].mean()
    other_side = grey[heart_level, int(columns * 0.3) : int(columns * 0.4)].mean()
    assert film.pixels.max() <= film.peak
    assert midline - right_lung > 0.3
    assert heart - other_side > 0.2


def test_a_volume_without_lungs_is_refused() -> None:
    hu = empty()
    hu[:, 20:60, 20:60] = 0
    with pytest.raises(ValueError, match="no lungs"):
        frontal_film(volume(hu))
