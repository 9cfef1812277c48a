"""The probe of a dozen and its calibration: closed forms on made-up numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medvlm.adapt.pool import mixtures
from medvlm.adapt.probe import PRIOR_AT_SIX, Points, fit_probe, leave_patients_out, pair_share, standard_error
from medvlm.adapt.recalibrate import PRIOR_SLOPE, platt_with_prior, recalibrate


def films(each: int = 6, seed: int = 0, shift: float = 0.0, known: float = 0.0) -> tuple[Points, np.ndarray, list[str]]:
    """Places whose first axis tells the classes apart by `shift`, and a prior that does by `known`."""
    rng = np.random.default_rng(seed)
    truth = np.arange(2 * each) % 2 == 0
    places, prior = rng.normal(0, 1, (2 * each, 4)), rng.normal(0, 1, 2 * each)
    places[truth, 0] += shift
    prior[truth] += known
    return Points(places, prior), truth, [f"p{k}" for k in range(2 * each)]


def left_out_area(shift: float = 0.0, known: float = 0.0) -> float:
    """The mean over thirty dozens."""
    made = [films(6, seed, shift, known) for seed in range(30)]
    areas = [leave_patients_out(points, truth, owners, points, 2.0).auroc for points, truth, owners in made]
    return float(np.mean(areas))


def test_the_log_odds_spread_as_told_and_the_classes_lie_around_zero() -> None:
    points, truth, _ = films(shift=3.0)
    z = fit_probe(points, truth, points, 1.0, 2.0).log_odds(points)
    assert z.std() == pytest.approx(2.0)
    assert z[truth].mean() == pytest.approx(-z[~truth].mean())


def test_the_prior_counts_less_the_more_films_there_are() -> None:
    def share(each: int) -> float:
        points, truth, _ = films(each, shift=1.0)
        probe = fit_probe(points, truth, points, 1.0, 2.0)
        return probe.prior_weight / float((points.places @ probe.weight).std())

    assert share(6) == pytest.approx(PRIOR_AT_SIX)
    assert share(24) == pytest.approx(PRIOR_AT_SIX / 2)


def test_leaving_patients_out_finds_what_the_films_show_and_what_the_base_says() -> None:
    assert left_out_area(shift=6.0) > 0.85
    assert left_out_area(known=3.0) > 0.9


def test_leaving_patients_out_finds_little_where_there_is_nothing() -> None:
    assert left_out_area() < 0.62


def test_a_prior_that_points_the_wrong_way_is_given_up() -> None:
    made = [films(12, seed, shift=4.0, known=-3.0) for seed in range(10)]
    chosen = [leave_patients_out(points, truth, owners, points, 2.0).prior for points, truth, owners in made]
    assert set(chosen) == {0.0}


def test_a_film_is_scored_without_any_film_of_its_patient() -> None:
    points, truth, _ = films()
    twins, sides = Points(np.concatenate([points.places] * 2), np.zeros(24)), np.concatenate([truth, truth])
    apart = leave_patients_out(twins, sides, [f"p{k}" for k in range(12)] * 2, twins, 2.0)
    known = leave_patients_out(twins, sides, [f"f{k}" for k in range(24)], twins, 2.0)
    assert apart.auroc < known.auroc


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=12), st.floats(0.1, 3))
def test_the_share_of_pairs_does_not_depend_on_the_scale(values: list[float], factor: float) -> None:
    scores, truth = np.round(np.array(values), 3), np.arange(len(values)) % 2 == 0
    assert pair_share(truth, scores) == pytest.approx(pair_share(truth, factor * scores))
    assert pair_share(truth, scores) + pair_share(~truth, scores) == pytest.approx(1.0)


def test_the_standard_error_of_a_dozen_is_what_hanley_and_mcneil_give() -> None:
    assert standard_error(0.75, 6, 6) == pytest.approx(0.149, abs=0.003)


def test_a_dozen_hardly_moves_the_prior_and_many_films_do() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, 4000)
    truth = rng.random(4000) < 1 / (1 + np.exp(-0.2 * z))
    few, many = platt_with_prior(z[:12], truth[:12])[0], platt_with_prior(z, truth)[0]
    assert abs(few - PRIOR_SLOPE) < abs(many - PRIOR_SLOPE)
    assert many == pytest.approx(0.2, abs=0.05)


@settings(deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=4, max_size=24), st.integers(1, 3))
def test_more_log_odds_are_never_less_probable(values: list[float], every: int) -> None:
    truth = np.arange(len(values)) % (every + 1) == 0
    map_ = recalibrate(np.array(values), truth, ("Is it there?",))
    assert map_.probability(3.0) > map_.probability(-3.0)
    assert 0 <= map_.absent_to <= map_.present_from <= 1


def test_mixtures_stay_non_negative_and_repeat_with_the_seed() -> None:
    grids = torch.rand(5, 4, 3)
    first = mixtures(grids, 20, 1.5, torch.Generator().manual_seed(1))
    assert torch.equal(first, mixtures(grids, 20, 1.5, torch.Generator().manual_seed(1)))
    assert first.shape == (20, 4, 3)
    assert float(first.min()) >= 0
