"""Intervals by patient: honest where an interval by image is not."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest

from validation.statistics.auroc import weighted_auroc
from validation.statistics.clustered_bootstrap import Interval, Resampling, clustered_interval

FEW = Resampling(draws=400, seed=1)


def films_of_patients(
    seed: int, patients: int = 60, films: int = 6
) -> tuple[Callable[[np.ndarray], float], list[str], list[str]]:
    """The statistic, the patient of each film, and a name of its own for each film; patients differ in their level."""
    rng = np.random.default_rng(seed)
    sick = rng.random(patients) < 0.4
    level = rng.normal(size=patients) + 0.6 * sick
    owner = np.repeat(np.arange(patients), films)
    scores = level[owner] + 0.3 * rng.normal(size=len(owner))
    return weighted_auroc(sick[owner], scores), [f"P{k}" for k in owner], [f"F{k}" for k in range(len(owner))]


def width(interval: Interval) -> float:
    return interval.high - interval.low


def test_the_interval_by_patient_is_wider_than_by_film_where_patients_have_several() -> None:
    statistic, patients, films = films_of_patients(seed=7)
    by_patient = clustered_interval(statistic, patients, FEW, "auroc")
    by_film = clustered_interval(statistic, films, FEW, "auroc")
    assert by_patient.value == by_film.value
    assert width(by_patient) > 1.5 * width(by_film)


def test_the_interval_by_patient_holds_the_truth_about_as_often_as_it_says() -> None:
    true_area = NormalDist().cdf(0.6 / (2 * (1 + 0.3**2)) ** 0.5)  # two normal curves, variance 1 + 0.3² each
    held = {"patient": 0, "film": 0}
    for seed in range(60):
        statistic, patients, films = films_of_patients(seed)
        for name, clusters in (("patient", patients), ("film", films)):
            interval = clustered_interval(statistic, clusters, Resampling(draws=150, seed=seed), "auroc")
            held[name] += interval.low <= true_area <= interval.high
    assert held["patient"] >= 51
    assert held["film"] <= 45


def test_the_two_patients_of_the_worked_example_give_an_interval_from_0_to_1() -> None:
    values = np.array([0.0, 0, 1, 1])
    interval = clustered_interval(lambda w: float(w @ values / w.sum()), ["a", "a", "b", "b"], FEW, "mean")
    assert (interval.value, interval.low, interval.high) == (0.5, 0.0, 1.0)


def test_a_seed_gives_the_same_interval_and_a_purpose_random_numbers_of_its_own() -> None:
    statistic, patients, _ = films_of_patients(seed=7)
    first = clustered_interval(statistic, patients, FEW, "auroc.effusion")
    assert clustered_interval(statistic, patients, FEW, "auroc.effusion") == first
    assert clustered_interval(statistic, patients, FEW, "auroc.nodule") != first


def test_draws_without_one_of_the_classes_are_dropped_and_counted() -> None:
    statistic = weighted_auroc(np.array([True, False, False]), np.array([0.5, 0.4, 0.6]))
    interval = clustered_interval(statistic, ["a", "b", "c"], FEW, "auroc")
    # The one positive is missing from (2/3)³ of the draws, and alone in (1/3)³.
    assert interval.dropped / FEW.draws == pytest.approx(8 / 27 + 1 / 27, abs=0.08)
