"""From a box that a model saw to the region of the report, whatever was done to the film in between."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom_node.report import findings_sr
from dicom_node.report.sr_lint import lint
from medvlm.contract import ImageSource
from medvlm.imaging import ModelFrame, Radiograph, RadiographTags, box_to_source
from tests.unit.report.drafts import IMAGE_UID, draft, finding, header, reading
from tests.unit.report.trees import named

TAGS = RadiographTags("DX", "", "", "", "", "MONOCHROME2", "", 1, "", "", None)
SIZE = 128

Matrix = np.ndarray


def scaled(x: float, y: float) -> Matrix:
    return np.diag([x, y, 1.0])


def moved(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def turned(quarters: int) -> Matrix:
    """Quarter turns of the square about its centre."""
    turn = np.linalg.matrix_power(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), quarters)
    return moved(SIZE / 2, SIZE / 2) @ turn @ moved(-SIZE / 2, -SIZE / 2)


def flipped(across: bool) -> Matrix:
    return moved(SIZE, 0) @ scaled(-1, 1) if across else np.eye(3)


edge = st.floats(0, SIZE - 8)


@settings(max_examples=60, deadline=None)
@given(
    extent=st.tuples(st.integers(64, 4000), st.integers(64, 4000)),
    crop=st.tuples(st.floats(-0.2, 0.3), st.floats(-0.2, 0.3)),
    quarters=st.integers(0, 3),
    across=st.booleans(),
    corner=st.tuples(edge, edge),
    frame=st.integers(1, 3),
)
def test_a_box_through_crop_pad_scale_turn_and_flip_is_closed_inside_and_right_to_half_a_pixel(
    extent: tuple[int, int], crop: tuple[float, float], quarters: int, across: bool, corner, frame: int
) -> None:
    columns, rows = extent
    # Below 0 the crop is a padding: the frame begins outside the film.
    begin = moved(crop[0] * columns, crop[1] * rows)
    to_source = begin @ scaled(columns / SIZE, rows / SIZE) @ turned(quarters) @ flipped(across)
    box = (*corner, corner[0] + 8, corner[1] + 8)
    corners = to_source @ np.array([[box[0], box[2]], [box[1], box[3]], [1, 1]])
    low, high = corners[:2].min(axis=1), corners[:2].max(axis=1)
    expected = np.clip([low, high], 0, [columns, rows])
    if (expected[1] - expected[0]).min() < 1:
        return  # nothing of it lies on the film

    film = Radiograph(
        ImageSource(uri="x", sop_instance_uid=IMAGE_UID, frame=frame),
        np.broadcast_to(np.float32(0), (rows, columns)),
        TAGS,
        (),
        colour=False,
    )
    place = box_to_source(ModelFrame(np.zeros((SIZE, SIZE), np.float32), to_source), box, film)
    source = header(Columns=columns, Rows=rows, NumberOfFrames=3)
    document = findings_sr(
        draft(reading=reading(findings=(finding("effusion", evidence=(place,)),)), sources=(source,))
    )

    assert lint(document, (source,)) == ()
    (region,) = named(document, "111030")
    points = np.reshape(region.GraphicData, (-1, 2))
    np.testing.assert_array_equal(points[0], points[-1])
    np.testing.assert_allclose([points.min(axis=0), points.max(axis=0)], expected, atol=0.5)
    assert region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == frame
