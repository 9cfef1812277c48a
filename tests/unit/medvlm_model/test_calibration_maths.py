import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medvlm.engine.calibration import FindingCalibration
from medvlm.train.calibrate import best_expected_f1, largest_missing, moved, platt, view_margin
from medvlm.train.statistics import auroc, auroc_by_patient, calibration_error, perfect_calibration_error


def test_platt_finds_the_map_that_made_the_labels() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(0, 2, 20_000)
    truth = rng.random(len(z)) < 1 / (1 + np.exp(-(0.5 * z - 1.5)))
    slope, intercept = platt(z, truth)
    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(-1.5, abs=0.06)


def test_platt_stays_finite_and_rising_with_one_positive_that_ranks_last() -> None:
    z = np.linspace(-3, 3, 100)
    slope, intercept = platt(z, np.arange(100) == 0)
    assert slope > 0
    assert math.isfinite(intercept)


def test_best_expected_f1_takes_all_that_is_certain() -> None:
    assert best_expected_f1(np.array([0.01, 0.02, 0.97, 0.99])) == 0.97


def test_at_most_the_stated_share_of_positives_lies_under_the_limit() -> None:
    probability = np.random.default_rng(2).beta(0.5, 4, 1000)
    limit = largest_missing(probability, 0.1)
    assert probability[probability <= limit].sum() <= 0.1 * probability.sum()


@given(st.floats(0.0, 1.0), st.floats(1.1, 10.0))
def test_a_likelihood_ratio_moves_a_prevalence_upwards_and_stays_a_probability(prevalence: float, ratio: float) -> None:
    assert min(prevalence, 0.9999) <= moved(prevalence, ratio) <= 1.0


def test_view_margin_leaves_out_the_films_that_would_be_wrong() -> None:
    sure = np.concatenate([np.full(500, 5.0), np.full(500, -5.0)])
    unsure = np.full(20, 0.5)
    ap = np.concatenate([sure > 0, np.zeros(20, dtype=bool)])
    assert 0.5 < view_margin(np.concatenate([sure, unsure]), ap) <= 5.0


@pytest.mark.parametrize(
    ("probability", "presence"), [(0.3, "present"), (0.29, "indeterminate"), (0.05, "absent"), (0.06, "indeterminate")]
)
def test_words_follow_the_limits(probability: float, presence: str) -> None:
    limits = FindingCalibration(
        slope=1, intercept=0, present_from=0.3, absent_to=0.05, prevalence=0.1, wordings=("Is there?",)
    )
    assert limits.presence(probability) == presence


def test_auroc_counts_ties_as_half() -> None:
    assert auroc(np.array([True, False, False]), np.array([1.0, 1.0, 0.0])) == 0.75


def test_auroc_of_one_class_is_not_a_number() -> None:
    assert math.isnan(auroc(np.array([True, True]), np.array([0.0, 1.0])))


def test_intervals_are_wider_when_a_patient_has_many_alike_films() -> None:
    rng = np.random.default_rng(3)
    truth, scores = np.repeat(rng.random(60) < 0.5, 10), np.repeat(rng.normal(size=60), 10)
    by_patient = auroc_by_patient(truth, scores, np.repeat(np.arange(60).astype(str), 10), 200, 0)
    by_film = auroc_by_patient(truth, scores, np.arange(600).astype(str), 200, 0)
    assert by_patient.high - by_patient.low > 1.5 * (by_film.high - by_film.low)


def test_calibration_error_of_a_constant_is_its_distance_from_the_share() -> None:
    truth = np.array([True, False] * 150)
    assert calibration_error(truth, np.full(300, 0.9)) == pytest.approx(0.4, abs=0.03)


def test_perfect_probabilities_still_show_an_error_at_small_numbers() -> None:
    few, many = np.full(60, 0.3), np.full(6000, 0.3)
    assert perfect_calibration_error(few, 0) > 3 * perfect_calibration_error(many, 0)
