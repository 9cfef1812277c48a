"""DeLong and Obuchowski: R's numbers, the definition, and coverage where patients have several films."""

from __future__ import annotations

import csv
import io
import math
import shutil
import subprocess
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from validation.statistics.auroc import auroc
from validation.statistics.delong import areas, auroc_estimate, compare_areas

QUICK = settings(deadline=None, max_examples=40)

ROW = np.arange(60)
TRUTH = ROW % 3 == 0
A = (ROW * 17) % 23 + 6.0 * TRUTH
B = ((ROW * 29) % 31) / 2 + 4.0 * TRUTH

RATED = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 5)), min_size=4, max_size=25)


def test_one_area_and_its_interval_are_those_of_r() -> None:
    found = auroc_estimate(TRUTH, A, scale="plain")  # pROC 1.18.0: ci.auc, var
    assert (found.value, found.low, found.high) == pytest.approx((0.694375, 0.5518326296, 0.8369173704), abs=1e-9)
    assert found.error == pytest.approx(0.07272703557, abs=1e-10)


def test_two_paired_areas_compare_as_in_r() -> None:
    found = compare_areas(TRUTH, A, B)  # pROC 1.18.0: roc.test(method = "delong"), cov
    assert found.z == pytest.approx(0.1317630479, abs=1e-9)
    assert found.p == pytest.approx(0.8951717151, abs=1e-9)
    assert (found.difference.low, found.difference.high) == pytest.approx((-0.1560927806, 0.1785927806), abs=1e-9)
    assert areas(TRUTH, np.stack([A, B])).covariance[0, 1] == pytest.approx(0.001694292974, abs=1e-11)


def test_the_ct_ratings_of_hanley_and_mcneil_have_their_error() -> None:
    ratings = np.repeat([1.0, 2, 3, 4, 5] * 2, [33, 6, 6, 11, 2, 3, 2, 2, 11, 33])
    assert round(auroc_estimate(np.repeat([False, True], [58, 51]), ratings).error, 4) == 0.0307


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R with pROC holds the published data set")
def test_the_published_example_of_proc_gives_its_published_numbers() -> None:
    program = 'library(pROC); data(aSAH); write.csv(aSAH[, c("outcome", "s100b", "wfns", "ndka")], row.names = FALSE)'
    ran = subprocess.run(["Rscript", "-e", program], capture_output=True, text=True)
    if ran.returncode:
        pytest.skip("this R has no pROC")
    rows = list(csv.DictReader(io.StringIO(ran.stdout)))
    poor = np.array([row["outcome"] == "Poor" for row in rows])
    s100b, wfns, ndka = (np.array([float(row[key]) for row in rows]) for key in ("s100b", "wfns", "ndka"))
    one = auroc_estimate(poor, s100b)
    assert (one.value, one.low, one.high) == pytest.approx((0.7313686, 0.6301182, 0.8326189), abs=5e-8)
    assert one.error == pytest.approx(0.051659292, abs=5e-10)
    assert auroc_estimate(poor, wfns).error == pytest.approx(0.038339467, abs=5e-10)
    assert auroc_estimate(poor, ndka).error == pytest.approx(0.05648726, abs=5e-9)
    paired = compare_areas(poor, s100b, wfns)
    assert (paired.z, paired.p) == pytest.approx((-2.208983591, 0.02717578223), abs=5e-10)
    assert (paired.difference.low, paired.difference.high) == pytest.approx((-0.17421442, -0.01040618), abs=5e-9)


@QUICK
@given(RATED)
def test_the_area_is_the_mann_whitney_statistic(rated: list[tuple[bool, int, int]]) -> None:
    truth, scores, _ = _arrays(rated)
    assert auroc_estimate(truth, scores).value == pytest.approx(auroc(truth, scores), nan_ok=True)


@QUICK
@given(RATED)
def test_the_variance_is_that_of_every_pair_written_out(rated: list[tuple[bool, int, int]]) -> None:
    truth, scores, _ = _arrays(rated)
    assume(2 <= truth.sum() <= len(truth) - 2)
    psi = (scores[truth][:, None] > scores[~truth]) + 0.5 * (scores[truth][:, None] == scores[~truth])
    variance = psi.mean(axis=1).var(ddof=1) / truth.sum() + psi.mean(axis=0).var(ddof=1) / (~truth).sum()
    assert areas(truth, scores[None]).covariance[0, 0] == pytest.approx(variance, abs=1e-12)


@QUICK
@given(RATED)
def test_patients_of_one_film_each_are_no_clusters(rated: list[tuple[bool, int, int]]) -> None:
    truth, scores, others = _arrays(rated)
    alone = areas(truth, np.stack([scores, others]))
    single = areas(truth, np.stack([scores, others]), [f"P{k}" for k in range(len(truth))])
    assert single.covariance == pytest.approx(alone.covariance, nan_ok=True)


@QUICK
@given(RATED)
def test_films_that_are_copies_do_not_make_the_area_more_certain(rated: list[tuple[bool, int, int]]) -> None:
    truth, scores, _ = _arrays(rated)
    assume(2 <= truth.sum() <= len(truth) - 2)
    patients = [f"P{k}" for k in range(len(truth))]
    once, twice = areas(truth, scores[None], patients), areas(np.tile(truth, 2), np.tile(scores, 2)[None], patients * 2)
    assert twice.covariance == pytest.approx(once.covariance)


@QUICK
@given(RATED, st.sampled_from(["plain", "logit", "chosen"]))
def test_the_interval_holds_the_estimate(rated: list[tuple[bool, int, int]], scale: str) -> None:
    truth, scores, _ = _arrays(rated)
    found = auroc_estimate(truth, scores, scale=scale)
    assume(not math.isnan(found.error))
    assert found.low - 1e-12 <= found.value <= found.high + 1e-12
    assert scale == "plain" or len(truth) >= 50 or (found.low >= 0 and found.high <= 1)


@QUICK
@given(RATED)
def test_comparing_the_other_way_round_turns_the_sign_only(rated: list[tuple[bool, int, int]]) -> None:
    truth, scores, others = _arrays(rated)
    there, back = compare_areas(truth, scores, others), compare_areas(truth, others, scores)
    assert there.difference.value == pytest.approx(-back.difference.value, nan_ok=True)
    assert there.p == pytest.approx(back.p, nan_ok=True)


def test_a_model_does_not_differ_from_itself() -> None:
    found = compare_areas(TRUTH, A, A)
    assert (found.difference.value, found.difference.error, found.p) == (0, 0, 1)


def test_clusters_hold_the_truth_as_often_as_they_say_and_films_do_not() -> None:
    true_area = NormalDist().cdf(0.6 / (2 * (1 + 0.3**2)) ** 0.5)
    held = {"patient": 0, "film": 0}
    for seed in range(400):
        rng = np.random.default_rng(seed)
        sick = rng.random(200) < 0.4
        level = rng.normal(size=200) + 0.6 * sick
        owner = np.repeat(np.arange(200), rng.integers(1, 8, size=200))
        scores = level[owner] + 0.3 * rng.normal(size=len(owner))
        for name, clusters in (("patient", [str(k) for k in owner]), ("film", None)):
            found = auroc_estimate(sick[owner], scores, clusters)
            held[name] += found.low <= true_area <= found.high
    assert 0.93 <= held["patient"] / 400 <= 0.97
    assert held["film"] / 400 < 0.80


def _arrays(rated: list[tuple[bool, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, first, second = zip(*rated, strict=True)
    return np.array(truth), np.array(first, dtype=float), np.array(second, dtype=float)
