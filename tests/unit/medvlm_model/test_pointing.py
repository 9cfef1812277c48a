"""Where a finding lies: boxes stay on the film, covering decides, a place is given only where it was earned."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medvlm.engine.pointing import GRID, Pointer, centred_box, falls
from medvlm.families.embedded import FRAME
from medvlm.train.films import FINDINGS
from medvlm.train.pointing_fit import Boxed, fit_weights, mean_size, pointing_figures, usual_places
from medvlm.train.statistics import wilson

share = st.floats(0, 1)
CARDIOMEGALY, EFFUSION = FINDINGS.index("cardiomegaly"), FINDINGS.index("effusion")


@given(x=share, y=share, width=st.floats(0.01, 1), height=st.floats(0.01, 1))
def test_a_box_keeps_its_size_and_stays_on_the_film(x: float, y: float, width: float, height: float) -> None:
    x0, y0, x1, y1 = centred_box(x, y, width, height)
    assert x0 >= -1e-9
    assert y0 >= -1e-9
    assert max(x1, y1) <= FRAME + 1e-9
    assert (x1 - x0, y1 - y0) == pytest.approx((width * FRAME, height * FRAME))


def bright_spot(row: int, column: int) -> torch.Tensor:
    picture = torch.full((1, 1, FRAME, FRAME), 0.2)
    picture[..., row - 4 : row + 4, column - 4 : column + 4] = 1.0
    return picture


def brightest(pictures: torch.Tensor) -> torch.Tensor:
    """Log-odds of one finding: how bright the brightest pixel is."""
    return pictures.flatten(1).amax(1, keepdim=True)


@pytest.mark.parametrize(("row", "column"), [(20, 30), (90, 100), (64, 110)])
def test_what_falls_most_is_where_the_evidence_was_covered(row: int, column: int) -> None:
    fall = falls(brightest, bright_spot(row, column))[0]
    place = divmod(int(fall.argmax()), GRID)
    assert abs((place[0] + 0.5) / GRID - row / FRAME) < 0.12
    assert abs((place[1] + 0.5) / GRID - column / FRAME) < 0.12


def test_the_pointer_follows_the_evidence_where_usual_places_tell_nothing() -> None:
    pointer = Pointer(
        head=torch.zeros(1, 1),
        usual=torch.zeros(1, GRID, GRID),
        weights=torch.tensor([[1.0, 1.0, 1.0]]),
        sizes=torch.tensor([[0.2, 0.1]]),
        given=torch.ones(1),
    )
    x0, y0, x1, y1 = pointer.box(0, falls(brightest, bright_spot(90, 100))[0])
    assert x0 <= 100 <= x1
    assert y0 - 8 <= 90 <= y1 + 8


def boxed(patient: int, finding: int, x: float, y: float, size: float = 0.2) -> Boxed:
    fall = torch.zeros(GRID, GRID)
    fall[int(y * GRID), int(x * GRID)] = 1.0
    half = size / 2
    return Boxed(str(patient), finding, (x - half, y - half, x + half, y + half), fall)


def test_evidence_that_points_into_the_boxes_is_learnt_and_earns_a_place() -> None:
    places = [(0.2 + 0.1 * k, 0.3 + 0.4 * (k % 2)) for k in (0, 1, 2, 3, 5, 6)] + [(0.25, 0.6), (0.75, 0.6)] * 2
    films = [boxed(k, EFFUSION, x, y) for k, (x, y) in enumerate(places)]
    assert fit_weights(films)[1] > 0
    figures = pointing_figures(films)
    assert figures.findings["effusion"].hits == len(films)
    assert figures.findings["effusion"].given


def test_few_boxes_earn_no_place_however_right_they_are() -> None:
    films = [boxed(k, EFFUSION, x, 0.7) for k, x in enumerate((0.3, 0.7, 0.3, 0.7))]
    figures = pointing_figures(films)
    assert figures.findings["effusion"].hits == 4
    assert not figures.findings["effusion"].given


def test_evidence_that_points_elsewhere_earns_no_place() -> None:
    films = [boxed(k, EFFUSION, 0.2 + 0.05 * k, 0.75) for k in range(12)]
    astray = [
        Boxed(one.patient, one.finding, one.box, one.falls.roll((5, 7 + k), (0, 1))) for k, one in enumerate(films)
    ]
    assert not pointing_figures(astray).findings["effusion"].given


def test_a_heart_lies_at_one_place_and_an_effusion_on_either_side() -> None:
    films = [boxed(1, CARDIOMEGALY, 0.55, 0.6), boxed(2, EFFUSION, 0.25, 0.8)]
    heart, effusion = usual_places(CARDIOMEGALY, films), usual_places(EFFUSION, films)
    assert torch.allclose(effusion, effusion.flip(-1), atol=1e-5)
    assert not torch.allclose(heart, heart.flip(-1), atol=1e-3)
    assert mean_size(CARDIOMEGALY, films).tolist() == pytest.approx([0.2, 0.2])


def test_wilson_of_none_and_of_all_stays_between_nothing_and_everything() -> None:
    none, every = wilson(0, 6), wilson(14, 14)
    assert none.low == pytest.approx(0, abs=1e-9)
    assert 0.3 < none.high < 0.5
    assert every.low == pytest.approx(0.785, abs=0.005)
