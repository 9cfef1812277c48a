"""Charts over time and drift: published run lengths, planted shifts, and quiet where nothing happened."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.statistics.control_charts import (
    Cusum,
    Ewma,
    cusum_chart,
    cusum_run_length,
    ewma_chart,
    ewma_run_length,
    p_chart,
    standardised,
)
from validation.statistics.drift import (
    adjusted,
    distribution_shift,
    mix_shift,
    population_stability,
    stability_index,
)

QUICK = settings(deadline=None, max_examples=40)


@pytest.mark.parametrize(
    ("weight", "limit", "lengths"),
    [(0.4, 3.054, (500, 71.2, 14.3)), (0.2, 2.962, (500, 41.8, 10.5)), (0.1, 2.814, (500, 31.3, 10.3))],
)
def test_ewma_charts_have_the_tabled_run_lengths(weight: float, limit: float, lengths: tuple[float, ...]) -> None:
    chart = Ewma(weight=weight, limit=limit)  # Montgomery, table 9.11
    assert [ewma_run_length(chart, shift) for shift in (0, 0.5, 1)] == pytest.approx(lengths, rel=0.005)


@pytest.mark.parametrize(("threshold", "lengths"), [(4.0, (168, 26.6, 8.38)), (5.0, (465, 38.0, 10.4))])
def test_cusum_charts_have_the_tabled_run_lengths(threshold: float, lengths: tuple[float, ...]) -> None:
    chart = Cusum(slack=0.5, threshold=threshold)  # Montgomery, table 9.3
    assert [cusum_run_length(chart, shift) for shift in (0, 0.5, 1)] == pytest.approx(lengths, rel=0.005)


def first_alarm(points: object) -> float:
    return next((t for t, each in enumerate(points, start=1) if each.alarm), math.inf)  # type: ignore[call-overload]


@pytest.mark.parametrize("side", [1, -1])
def test_a_planted_shift_raises_the_alarm_in_about_the_designed_time(side: int) -> None:
    waits = {"ewma": [], "cusum": []}
    for seed in range(200):
        z = side * (np.random.default_rng(seed).normal(size=200) + 1.0)
        waits["ewma"].append(first_alarm(ewma_chart(z, Ewma())))
        waits["cusum"].append(first_alarm(cusum_chart(z, Cusum())))
    assert np.mean(waits["ewma"]) == pytest.approx(ewma_run_length(Ewma(), 1.0), rel=0.15)
    assert np.mean(waits["cusum"]) == pytest.approx(cusum_run_length(Cusum(), 1.0), rel=0.15)


def test_a_year_of_weeks_in_control_seldom_alarms() -> None:
    quiet = [first_alarm(ewma_chart(np.random.default_rng(seed).normal(size=52), Ewma())) > 52 for seed in range(200)]
    assert np.mean(quiet) > 0.8


def test_the_limits_of_a_p_chart_follow_the_size_of_the_batch() -> None:
    small, large = p_chart([8, 0, 80], [10, 0, 100], rate=0.9)
    assert not small.alarm
    assert large.alarm
    assert (small.low, large.low) == pytest.approx((0.9 - 3 * 0.3 / 10**0.5, 0.81))
    assert standardised([80], [100], 0.9)[0] == pytest.approx(-10 / 3)


def test_the_worked_example_of_the_stability_index() -> None:
    assert stability_index([50, 50], [30, 70]) == pytest.approx(0.1695, abs=5e-5)


def test_without_drift_the_p_values_are_spread_evenly() -> None:
    found = {"psi": [], "ks": []}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        before, now = rng.random(400), rng.random(300)
        found["psi"].append(population_stability(before, now).p)
        found["ks"].append(distribution_shift(before, now).p)
    for p in found.values():
        assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09


def test_a_planted_drift_is_found_by_all_three() -> None:
    rng = np.random.default_rng(1)
    before, now = rng.normal(size=500), rng.normal(loc=0.5, size=300)
    found = {
        "psi": population_stability(before, now),
        "ks": distribution_shift(before, now),
        "view": mix_shift({"PA": 400, "AP": 100}, {"PA": 180, "AP": 120}),
    }
    corrected = adjusted(found)
    assert all(each.adjusted < 0.001 for each in corrected.values())
    assert all(corrected[name].adjusted >= found[name].p for name in found)


def test_a_new_device_is_a_change_of_the_mix_and_one_device_alone_is_none() -> None:
    assert mix_shift({"A": 100}, {"A": 50, "B": 50}).p < 0.001
    assert mix_shift({"A": 100}, {"A": 50}).p == 1


@QUICK
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_data_do_not_drift_from_themselves(values: list[int]) -> None:
    same = np.array(values, dtype=float)
    found = population_stability(same, same)
    assert found.statistic == pytest.approx(0)
    assert found.p == pytest.approx(1)
