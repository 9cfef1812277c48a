"""The square that the network sees, and the way back to the film's pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medvlm.contract import ImageSource
from medvlm.imaging import ModelFrame, Radiograph, RadiographTags, box_to_source, to_model_frame

TAGS = RadiographTags("DX", "", "", "", "", "MONOCHROME2", "", 1, "", "", None)


def radiograph(pixels: np.ndarray, frame: int | None = None) -> Radiograph:
    source = ImageSource(uri="x", sop_instance_uid="1.2.3", frame=frame)
    return Radiograph(source, pixels.astype(np.float32), TAGS, (), colour=False)


def blob(rows: int, columns: int, x: float, y: float, sigma: float) -> np.ndarray:
    """A Gaussian with its centre at (x, y) from the corner of the first pixel."""
    down, across = np.indices((rows, columns)) + 0.5
    return np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * sigma**2))


def centroid(pixels: np.ndarray) -> np.ndarray:
    down, across = np.indices(pixels.shape) + 0.5
    return np.array([(across * pixels).sum(), (down * pixels).sum(), pixels.sum()]) / pixels.sum()


sizes = st.integers(64, 500)


@settings(deadline=None, max_examples=25)
@given(rows=sizes, columns=sizes, size=st.sampled_from([64, 128, 224]), x=st.floats(0.3, 0.7), y=st.floats(0.3, 0.7))
def test_a_place_comes_back_to_half_a_source_pixel(rows: int, columns: int, size: int, x: float, y: float) -> None:
    sigma = 0.06 * min(rows, columns)
    film = blob(rows, columns, x * columns, y * rows, sigma)
    frame = to_model_frame(radiograph(film), size)
    back = frame.to_source @ centroid(frame.pixels)
    np.testing.assert_allclose(back[:2], centroid(film)[:2], atol=0.5)


@settings(deadline=None, max_examples=25)
@given(rows=sizes, columns=sizes, data=st.data())
def test_an_impulse_comes_back_inside_the_model_pixels_that_it_lit(
    rows: int, columns: int, data: st.DataObject
) -> None:
    x, y = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    film = np.zeros((rows, columns))
    film[y, x] = 1.0
    frame = to_model_frame(radiograph(film), 64)
    lit = np.argwhere(frame.pixels > 0)
    corners = frame.to_source @ np.array(
        [[lit[:, 1].min(), lit[:, 1].max() + 1], [lit[:, 0].min(), lit[:, 0].max() + 1], [1, 1]]
    )
    assert corners[0, 0] - 0.5 <= x + 0.5 <= corners[0, 1] + 0.5
    assert corners[1, 0] - 0.5 <= y + 0.5 <= corners[1, 1] + 0.5


@given(rows=sizes, columns=sizes)
@settings(deadline=None, max_examples=20)
def test_the_corners_of_the_square_are_the_corners_of_the_film(rows: int, columns: int) -> None:
    frame = to_model_frame(radiograph(np.zeros((rows, columns))), 96)
    np.testing.assert_allclose(frame.to_source @ [0, 0, 1], [0, 0, 1], atol=1e-4)
    np.testing.assert_allclose(frame.to_source @ [96, 96, 1], [columns, rows, 1], rtol=1e-5)


def test_our_matrix_agrees_with_the_inverse_of_the_recorded_operations() -> None:
    import torch
    from monai.data import MetaTensor
    from monai.transforms import Resize

    film = blob(300, 200, 70.0, 180.0, 20.0)
    resize = Resize((64, 64), mode="area")
    image = resize(MetaTensor(torch.from_numpy(film)[None], affine=torch.eye(4, dtype=torch.float64)))
    assert image.applied_operations
    restored = resize.inverse(image).numpy()[0]
    frame = to_model_frame(radiograph(film), 64)
    back = frame.to_source @ centroid(frame.pixels)
    np.testing.assert_allclose(back[:2], centroid(restored)[:2], atol=0.5)


def test_shrinking_counts_every_pixel() -> None:
    stripes = np.zeros((1024, 1024))
    stripes[::2] = 1.0
    np.testing.assert_allclose(to_model_frame(radiograph(stripes), 128).pixels, 0.5, atol=1e-5)


@pytest.mark.parametrize("shape", [(128, 128), (60, 500), (500, 60), (1, 1), (3000, 10)])
def test_every_shape_becomes_a_square_of_zero_to_one(shape: tuple[int, int]) -> None:
    film = np.random.default_rng(0).random(shape)
    frame = to_model_frame(radiograph(film), 128)
    assert frame.pixels.shape == (128, 128)
    assert frame.pixels.dtype == np.float32
    assert film.min() - 1e-6 <= frame.pixels.min() <= frame.pixels.max() <= film.max() + 1e-6


def test_a_film_of_the_models_size_is_not_touched() -> None:
    film = np.random.default_rng(0).random((128, 128)).astype(np.float32)
    frame = to_model_frame(radiograph(film), 128)
    np.testing.assert_array_equal(frame.pixels, film)
    np.testing.assert_allclose(frame.to_source, np.eye(3), atol=1e-12)


def test_a_box_is_named_scaled_and_cut_at_the_border() -> None:
    film = radiograph(np.zeros((1000, 500)), frame=3)
    frame = ModelFrame(np.zeros((100, 100), np.float32), np.diag([5.0, 10.0, 1.0]))
    box = box_to_source(frame, (10, 20, 120, 30), film)
    assert (box.sop_instance_uid, box.frame) == ("1.2.3", 3)
    assert (box.x0, box.y0, box.x1, box.y1) == (50, 200, 500, 300)


def test_a_box_beside_the_film_is_an_error() -> None:
    film = radiograph(np.zeros((10, 10)))
    frame = to_model_frame(film, 10)
    with pytest.raises(ValueError, match="needs x1 > x0"):
        box_to_source(frame, (11, 0, 12, 5), film)
