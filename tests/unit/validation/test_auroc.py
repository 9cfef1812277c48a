"""AUROC against published numbers, against its definition, and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.statistics.auroc import auroc, weighted_auroc

RATED = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30)


def test_the_ct_ratings_of_hanley_and_mcneil_give_their_area() -> None:
    ratings = np.repeat([1.0, 2, 3, 4, 5] * 2, [33, 6, 6, 11, 2, 3, 2, 2, 11, 33])
    abnormal = np.repeat([False, True], [58, 51])
    assert auroc(abnormal, ratings) == pytest.approx((2487 + 310 / 2) / (58 * 51))
    assert round(auroc(abnormal, ratings), 4) == 0.8932


def test_scores_that_are_all_tied_are_worth_one_half() -> None:
    assert auroc(np.array([True, False, True]), np.full(3, 0.3)) == 0.5


@pytest.mark.parametrize("label", [True, False])
def test_with_one_class_only_there_is_no_area(label: bool) -> None:
    assert math.isnan(auroc(np.array([label, label]), np.array([0.1, 0.9])))


@given(RATED)
def test_the_area_is_the_share_of_pairs_won_with_ties_as_half(rated: list[tuple[bool, int]]) -> None:
    positives = [score for label, score in rated if label]
    negatives = [score for label, score in rated if not label]
    pairs = [1.0 if x > y else 0.5 if x == y else 0.0 for x in positives for y in negatives]
    area = auroc(*_arrays(rated))
    assert math.isnan(area) if not pairs else area == pytest.approx(sum(pairs) / len(pairs))


@given(RATED, st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_a_weight_of_k_is_the_observation_k_times(rated: list[tuple[bool, int]], drawn: list[int]) -> None:
    truth, scores = _arrays(rated)
    times = np.array(drawn[: len(rated)])
    repeated = auroc(np.repeat(truth, times), np.repeat(scores, times))
    assert weighted_auroc(truth, scores)(times.astype(float)) == pytest.approx(repeated, nan_ok=True)


def test_scikit_learn_gives_the_same_area() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    truth = rng.random(500) < 0.2
    scores = np.round(rng.random(500) + 0.3 * truth, 2)
    assert auroc(truth, scores) == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)


def _arrays(rated: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([label for label, _ in rated]), np.array([float(score) for _, score in rated])
