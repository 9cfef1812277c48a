"""Reader studies: Van Dyke's published analysis, and components against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from validation.statistics.mrmc import Components, Inference, compare_modalities, mean_squares, single_modality
from validation.statistics.mrmc_components import components
from validation.statistics.mrmc_sample_size import Pilot, cases_for, mrmc_power

# Iowa OR-DBM MRMC, trapezoidal areas, jackknife (Van Dyke et al. 1993).
TABLE = np.array(
    [
        [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
        [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
    ]
)
JACKKNIFE = Components(
    variance=0.00080229, same_reader=0.00034661, same_modality=0.00034407, neither=0.00023903, within=(0.0, 0.0)
)
DELONG = Components(
    variance=0.00079213, same_reader=0.00034201, same_modality=0.00033953, neither=0.00023585, within=(0.0, 0.0)
)
PILOT = Pilot(
    interaction=0.00020040,
    variance=0.00080229,
    same_reader=0.00034661,
    same_modality=0.00034407,
    neither=0.00023903,
    cases=114,
)


def test_the_mean_squares_are_those_of_the_published_analysis() -> None:
    ms = mean_squares(TABLE)
    assert (ms.modality, ms.reader, ms.interaction) == pytest.approx((0.00479617, 0.00383620, 0.00055103), abs=6e-9)


@pytest.mark.parametrize(
    ("inference", "parts", "statistic", "df", "p", "error", "digits"),
    [
        ("random readers and cases", JACKKNIFE, 4.46, 15.26, 0.0517, 0.02075, 2),
        ("random readers and cases", DELONG, 4.485, 15.07, 0.0512, 0.02068, 3),
        ("fixed readers", JACKKNIFE, 5.476, math.inf, 0.0193, 0.01872, 3),
        ("fixed readers", DELONG, 5.546, math.inf, 0.0185, 0.01860, 3),
        ("fixed cases", JACKKNIFE, 8.70, 4.0, 0.0420, 0.01485, 2),
    ],
)
def test_each_inference_gives_the_published_figures(
    inference: Inference, parts: Components, statistic: float, df: float, p: float, error: float, digits: int
) -> None:
    found = compare_modalities(TABLE, parts, inference)
    assert round(found.statistic, digits) == statistic
    assert round(found.denominator_df, 2) == df
    assert round(found.p, 4) == p
    assert round(found.contrasts[0].difference.error, 5) == error


def test_the_difference_has_the_published_interval() -> None:
    contrast = compare_modalities(TABLE, JACKKNIFE, "random readers and cases").contrasts[0]
    found = contrast.difference
    assert (round(found.value, 5), round(found.low, 5), round(found.high, 5)) == (-0.04380, -0.08796, 0.00036)
    assert round(contrast.p, 4) == 0.0517


@pytest.mark.parametrize(
    ("row", "same_modality", "error", "df", "low", "high"),
    [(0, 0.00048396, 0.0331736, 12.74, 0.82522, 0.96885), (1, 0.00020419, 0.0215664, 12.71, 0.89414, 0.98754)],
)
def test_one_modality_alone_has_the_published_interval(
    row: int, same_modality: float, error: float, df: float, low: float, high: float
) -> None:
    found = single_modality(TABLE[row], same_modality)
    assert round(found.area.error, 7) == pytest.approx(error, abs=1e-7)
    assert round(found.df, 2) == df
    assert (round(found.area.low, 5), round(found.area.high, 5)) == (low, high)


def study(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Ratings 1 to 5 of two modalities, three readers, forty cases."""
    rng = np.random.default_rng(seed)
    truth = np.arange(40) % 3 == 0
    case = rng.normal(size=40) + 1.2 * truth
    return truth, np.clip(np.round(case + rng.normal(scale=0.7, size=(2, 3, 40)) + 2.5), 1, 5)


def test_the_jackknife_is_leaving_each_case_out() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, ratings = study()
    left = [np.arange(40) != k for k in range(40)]
    theta = [[metrics.roc_auc_score(truth[keep], row[keep]) for keep in left] for row in ratings.reshape(6, 40)]
    matrix = np.cov(theta, bias=True) * 39
    table, found = components(truth, ratings)
    assert table[1, 2] == pytest.approx(metrics.roc_auc_score(truth, ratings[1, 2]))
    assert found.variance == pytest.approx(np.trace(matrix) / 6)
    assert found.same_reader == pytest.approx(np.mean([matrix[k, k + 3] for k in range(3)]))
    assert found.neither == pytest.approx(np.mean([matrix[i, j + 3] for i in range(3) for j in range(3) if i != j]))
    pairs = [(0, 1), (0, 2), (1, 2)]
    within = [np.mean([matrix[i + s, j + s] for i, j in pairs]) for s in (0, 3)]
    assert found.within == pytest.approx(tuple(within))
    assert found.same_modality == pytest.approx(np.mean(within))


def test_jackknife_and_delong_agree_to_a_few_percent() -> None:
    truth, ratings = study()
    jackknife, delong = components(truth, ratings)[1], components(truth, ratings, "delong")[1]
    assert jackknife.variance == pytest.approx(delong.variance, rel=0.1)


@pytest.mark.parametrize("covariance", ["jackknife", "delong"])
def test_patients_of_one_case_each_change_nothing(covariance: str) -> None:
    truth, ratings = study()
    alone = components(truth, ratings, covariance)[1]
    single = components(truth, ratings, covariance, [str(k) for k in range(40)])[1]
    assert single.variance == pytest.approx(alone.variance)
    assert single.neither == pytest.approx(alone.neither)


def test_the_power_of_a_reader_study_is_the_published_one() -> None:
    found = mrmc_power(PILOT, readers=6, cases=251, effect=0.05)
    assert (round(found.power, 5), round(found.ncp, 3), round(found.ddf, 2)) == (0.89229, 11.612, 16.13)


def test_the_cases_that_a_number_of_readers_needs_are_the_published_ones() -> None:
    found = [cases_for(PILOT, readers, effect=0.05) for readers in (3, 4, 5, 6, 7, 8, 10)]
    assert found == [None, 361, 213, 170, 148, 134, 119]
