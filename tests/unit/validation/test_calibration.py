"""Calibration, Brier, recalibration, selective risk: published numbers, identities, and what small samples do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.statistics.brier import brier
from validation.statistics.recalibration import logistic_fit, recalibration
from validation.statistics.reliability import calibration_error, reliability
from validation.statistics.selective_risk import risk_coverage

QUICK = settings(deadline=None, max_examples=40)

FORECASTS = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=40)


def beta_forecasts(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A perfectly calibrated model."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(1, 4, n)
    return rng.random(n) < probability, probability


def test_the_worked_example_of_ece() -> None:
    truth, probability = np.array([False, False, True, True]), np.array([0.2, 0.2, 0.8, 0.8])
    assert calibration_error(truth, probability, seed=1, bins=2).value == pytest.approx(0.2)
    assert [each.count for each in reliability(truth, probability, bins=2)] == [2, 2]


@pytest.mark.parametrize(("n", "mean", "p95"), [(100, 0.092, 0.133), (200, 0.066, 0.092), (1000, 0.030, 0.042)])
def test_a_perfectly_calibrated_model_has_the_ece_that_n_alone_brings_about(n: int, mean: float, p95: float) -> None:
    found = [calibration_error(*beta_forecasts(n, seed), seed=seed, draws=200) for seed in range(20)]
    assert np.mean([each.expected for each in found]) == pytest.approx(mean, abs=0.003)
    assert np.mean([each.expected_p95 for each in found]) == pytest.approx(p95, abs=0.006)
    assert sum(each.beyond_chance for each in found) <= 4


def test_an_over_confident_model_is_beyond_chance_and_its_slope_says_so() -> None:
    truth, probability = beta_forecasts(600, seed=5)
    bent = 1 / (1 + ((1 - probability) / probability) ** 5)
    assert calibration_error(truth, bent, seed=1).beyond_chance
    slope = recalibration(truth, bent).slope
    assert slope.high < 0.5
    assert slope.low < 0.2 < slope.high


def test_a_calibrated_model_has_slope_one_and_nothing_left_over() -> None:
    found = recalibration(*beta_forecasts(2000, seed=6))
    assert found.slope.low < 1 < found.slope.high
    assert found.in_the_large.low < 0 < found.in_the_large.high


@QUICK
@given(FORECASTS, st.sampled_from(["width", "mass"]))
def test_brier_is_the_sum_of_its_parts(forecasts: list[tuple[bool, float]], cut: str) -> None:
    truth, probability = _arrays(forecasts)
    found = brier(truth, probability, cut=cut)
    parts = found.reliability - found.resolution + found.uncertainty + found.within
    assert found.score == pytest.approx(float(np.mean((probability - truth) ** 2)))
    assert found.score == pytest.approx(parts)


def test_the_worked_example_of_brier_has_nothing_within_its_bins() -> None:
    found = brier(np.array([False, False, True, False]), np.array([0.2, 0.2, 0.8, 0.8]))
    assert (found.score, found.reliability, found.resolution) == pytest.approx((0.19, 0.065, 0.0625))
    assert (found.uncertainty, found.within) == pytest.approx((0.1875, 0.0))


def test_scikit_learn_gives_the_same_brier_score() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, probability = beta_forecasts(300, seed=2)
    assert brier(truth, probability).score == pytest.approx(metrics.brier_score_loss(truth, probability), abs=1e-12)


@QUICK
@given(FORECASTS, st.sampled_from(["width", "mass"]))
def test_every_observation_is_in_one_bin(forecasts: list[tuple[bool, float]], cut: str) -> None:
    truth, probability = _arrays(forecasts)
    bins = reliability(truth, probability, cut=cut)
    assert sum(each.count for each in bins) == len(forecasts)
    assert all(each.observed.low <= each.observed.value + 1e-12 <= each.observed.high + 2e-12 for each in bins)
    found = calibration_error(truth, probability, seed=0, cut=cut, draws=2)
    gaps = [each.count * abs(each.observed.value - each.stated) for each in bins]
    assert found.value == pytest.approx(sum(gaps) / len(forecasts))


def test_the_logistic_fit_and_its_errors_are_those_of_r() -> None:
    i = np.arange(60)
    truth = i % 3 == 0
    design = np.column_stack([np.ones(60), (i * 17) % 23 + 6.0 * truth])
    alone = logistic_fit(truth, design, np.zeros(60))  # R 4.2: glm, and the sandwich written out
    assert alone.coefficients == pytest.approx([-2.3005910423, 0.1139199307], abs=1e-8)
    assert np.sqrt(np.diag(alone.covariance)) == pytest.approx([0.68656759838, 0.03985358769], rel=1e-7)
    by_four = logistic_fit(truth, design, np.zeros(60), [str(k // 4) for k in i])
    assert np.sqrt(np.diag(by_four.covariance)) == pytest.approx([0.66835130539, 0.04423414695], rel=1e-7)


@pytest.mark.parametrize("truth", [[True] * 4, [False, False, True, True]])
def test_where_no_fit_exists_the_slope_is_not_invented(truth: list[bool]) -> None:
    assert np.isnan(recalibration(np.array(truth), np.array([0.1, 0.2, 0.8, 0.9])).slope.value)


def test_the_worked_example_of_selective_risk() -> None:
    curve = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([False, False, True, False]))
    assert curve.risk == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert curve.area == pytest.approx(0.1458, abs=5e-5)
    assert curve.coverage_at(0.1) == 0.5
    assert (curve.risk_at(0.5), curve.risk_at(1.0)) == (0, 0.25)


@QUICK
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=30), st.randoms())
def test_the_curve_does_not_depend_on_the_order_of_the_file(cases: list[tuple[bool, int]], order: object) -> None:
    shuffled = list(cases)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (
        risk_coverage(np.array([c for _, c in each], dtype=float), np.array([w for w, _ in each]))
        for each in (cases, shuffled)
    )
    assert first.risk == pytest.approx(second.risk)
    assert first.risk[-1] == pytest.approx(np.mean([wrong for wrong, _ in cases]))


def _arrays(forecasts: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([y for y, _ in forecasts]), np.array([p for _, p in forecasts])
