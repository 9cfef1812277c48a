"""Shares, their differences, paired decisions, many questions, and margins: published numbers and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from validation.statistics.bounds import at_least, at_most
from validation.statistics.estimate import on_logit, plain
from validation.statistics.multiplicity import benjamini_hochberg, fixed_sequence, holm
from validation.statistics.noninferiority import noninferior
from validation.statistics.paired_proportions import mcnemar_chi_square, mcnemar_exact, paired_difference
from validation.statistics.proportion_differences import Counts, miettinen_nurminen, newcombe
from validation.statistics.proportions import proportion, trials_without_failure, upper_bound_without_failure

QUICK = settings(deadline=None, max_examples=40)

COUNTS = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("hits", "trials", "method", "low", "high"),
    [
        (81, 263, "wilson", 0.2553, 0.3662),
        (81, 263, "exact", 0.2527, 0.3676),
        (0, 20, "wilson", 0.0, 0.1611),
        (0, 20, "exact", 0.0, 0.1684),
    ],
)
def test_newcombes_proportions_have_their_published_intervals(
    hits: int, trials: int, method: str, low: float, high: float
) -> None:
    found = proportion(hits, trials, method=method)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@QUICK
@given(COUNTS, st.sampled_from(["wilson", "exact"]))
def test_an_interval_of_a_share_holds_it_and_stays_between_0_and_1(counts: tuple[int, int], method: str) -> None:
    found = proportion(*counts, method=method)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 2e-12


@pytest.mark.parametrize(("n", "p"), [(20, 0.03), (20, 0.5), (50, 0.9)])
def test_the_exact_interval_never_holds_the_truth_less_often_than_it_says(n: int, p: float) -> None:
    held = [proportion(k, n, method="exact") for k in range(n + 1)]
    assert sum(binom.pmf(k, n, p) for k, each in enumerate(held) if each.low <= p <= each.high) >= 0.95


def test_zero_failures_are_not_zero_risk() -> None:
    assert [trials_without_failure(risk) for risk in (0.05, 0.02, 0.01)] == [59, 149, 299]
    assert upper_bound_without_failure(59) <= 0.05 < upper_bound_without_failure(58)


@pytest.mark.parametrize(
    ("first", "second", "by_newcombe", "by_score"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339), (0.0528, 0.3382)),
        ((9, 10), (3, 10), (0.1705, 0.8090), (0.1700, 0.8406)),
        ((6, 7), (2, 7), (0.0582, 0.8062), (0.0342, 0.8534)),
        ((5, 56), (0, 29), (-0.0381, 0.1926), (-0.0326, 0.1933)),
        ((10, 10), (0, 20), (0.6791, 1.0), (0.7156, 1.0)),
        ((10, 10), (0, 10), (0.6075, 1.0), (0.6636, 1.0)),
    ],
)
def test_newcombes_differences_have_their_published_intervals(
    first: tuple[int, int], second: tuple[int, int], by_newcombe: tuple[float, float], by_score: tuple[float, float]
) -> None:
    hybrid, score = newcombe(Counts(*first), Counts(*second)), miettinen_nurminen(Counts(*first), Counts(*second))
    assert (round(hybrid.low, 4), round(hybrid.high, 4)) == by_newcombe
    assert (round(score.low, 4), round(score.high, 4)) == by_score


@QUICK
@given(COUNTS, COUNTS)
def test_the_score_interval_turns_round_with_the_groups_and_holds_the_difference(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    there, back = (
        miettinen_nurminen(Counts(*first), Counts(*second)),
        miettinen_nurminen(Counts(*second), Counts(*first)),
    )
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-6)


@QUICK
@given(COUNTS, COUNTS)
def test_the_score_interval_ends_where_the_likeliest_restricted_shares_are_just_not_rejected(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    (x, m), (y, n) = first, second
    found = miettinen_nurminen(Counts(x, m), Counts(y, n))
    for delta in (found.low, found.high):
        if abs(delta) > 0.999:
            continue
        q = np.linspace(max(0, -delta), min(1, 1 - delta), 20_001)[1:-1]
        p = q + delta
        likelihood = x * np.log(p) + (m - x) * np.log(1 - p) + y * np.log(q) + (n - y) * np.log(1 - q)
        best = int(np.argmax(likelihood))
        variance = (p[best] * (1 - p[best]) / m + q[best] * (1 - q[best]) / n) * (m + n) / (m + n - 1)
        assert abs(found.value - delta) / math.sqrt(variance) == pytest.approx(1.959964, abs=0.05)


def test_a_usual_table_has_its_mcnemar_statistics() -> None:
    assert mcnemar_exact(121, 59) == pytest.approx(4.434e-06, abs=5e-10)
    assert mcnemar_chi_square(121, 59)[0] == pytest.approx(20.672222, abs=5e-7)
    assert mcnemar_chi_square(121, 59)[1] == pytest.approx(5.450095e-06, abs=5e-13)
    assert mcnemar_chi_square(121, 59, continuity=False)[0] == pytest.approx(21.356, abs=5e-4)


def test_models_that_never_disagree_do_not_differ() -> None:
    assert mcnemar_exact(0, 0) == mcnemar_chi_square(0, 0)[1] == 1


@pytest.mark.parametrize(("p", "q"), [(0.05, 0.05), (0.2, 0.1), (0.02, 0.01)])
def test_the_paired_interval_holds_the_truth_about_as_often_as_it_says(p: float, q: float) -> None:
    n, held = 40, 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            found = paired_difference(b, c, n)
            chance = binom.pmf(b, n, p) * binom.pmf(c, n - b, q / (1 - p))
            held += chance * (found.low <= p - q <= found.high)
    assert held >= 0.94


def test_the_worked_example_of_many_questions() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert fixed_sequence(p) == pytest.approx([0.01, 0.04, 0.04, 0.04])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])


@QUICK
@given(P_VALUES)
def test_corrected_p_values_keep_their_order_and_never_fall(p: list[float]) -> None:
    for correct in (holm, benjamini_hochberg):
        found = correct(p)
        assert all(0 <= before <= after + 1e-12 <= 1 + 1e-12 for before, after in zip(p, found, strict=True))
        order = np.argsort(p, kind="stable")
        assert (np.diff(np.array(found)[order]) >= 0).all()
    assert all(h >= b - 1e-12 for h, b in zip(holm(p), benjamini_hochberg(p), strict=True))


@QUICK
@given(P_VALUES, st.floats(0.01, 0.2))
def test_holm_names_what_stepping_down_names(p: list[float], alpha: float) -> None:
    named, left = set(), sorted(range(len(p)), key=lambda k: p[k])
    while left and p[left[0]] * len(left) <= alpha:
        named.add(left.pop(0))
    assert {k for k, each in enumerate(holm(p)) if each <= alpha} == named


def test_the_worked_example_of_noninferiority_is_met() -> None:
    found = noninferior(-0.004, 0.006, margin=0.02)
    assert found.outcome == "met"
    assert (round(found.bound, 4), round(found.p, 4)) == (-0.0158, 0.0038)


@pytest.mark.parametrize(
    ("beside", "outcome"), [(1e-6, "met"), (-1e-6, "undecided"), (-2 * 1.96 * 0.006 - 1e-4, "not met")]
)
def test_the_margin_is_judged_by_the_bound(beside: float, outcome: str) -> None:
    at_the_margin = -0.02 + 1.9599639845 * 0.006
    assert noninferior(at_the_margin + beside, 0.006, margin=0.02).outcome == outcome


@pytest.mark.parametrize(("difference", "error"), [(0.0, 0.0), (math.nan, 0.1), (0.0, math.nan)])
def test_without_spread_or_figure_nothing_is_shown(difference: float, error: float) -> None:
    assert noninferior(difference, error, margin=0.02).outcome == "undecided"


def test_without_a_margin_there_is_nothing_to_show() -> None:
    with pytest.raises(ValueError, match="margin"):
        noninferior(0.0, 0.01, margin=0.0)


@QUICK
@given(st.floats(-1, 1), st.floats(0, 0.3), st.floats(0.001, 0.2))
def test_met_and_a_p_below_alpha_are_the_same(difference: float, error: float, margin: float) -> None:
    assume(error > 1e-6)
    found = noninferior(difference, error, margin)
    assume(abs(found.p - 0.025) > 1e-9)
    assert (found.outcome == "met") == (found.p < 0.025)


@pytest.mark.parametrize(
    ("threshold", "least", "most"),
    [
        (0.85, "met", "not met"),
        (0.86, "met", "undecided"),
        (0.90, "undecided", "undecided"),
        (0.96, "not met", "met"),
    ],
)
def test_a_threshold_is_judged_by_the_interval(threshold: float, least: str, most: str) -> None:
    assert at_least(0.86, 0.95, threshold) == least
    assert at_most(0.86, 0.95, threshold) == most


def test_no_interval_is_undecided() -> None:
    assert at_least(math.nan, math.nan, 0.5) == at_most(math.nan, math.nan, 0.5) == "undecided"


def test_the_logit_scale_stays_inside_where_the_plain_one_leaves() -> None:
    flat, bent = plain(0.97, 0.02, 0.95), on_logit(0.97, 0.02, 0.95)
    assert (round(flat.low, 3), round(flat.high, 3)) == (0.931, 1.009)
    assert (round(bent.low, 3), round(bent.high, 3)) == (0.894, 0.992)
