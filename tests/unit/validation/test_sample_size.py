"""How many are enough: the published numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.statistics.proportions import proportion
from validation.statistics.sample_size import (
    chance_of_passing_a_floor,
    design_effect,
    group_for_noninferior_proportion,
    hanley_mcneil_error,
    positives_for_auroc,
    positives_for_lower_bound,
    positives_for_noninferior_auroc,
    positives_for_width,
    power_of_auroc,
    power_of_lower_bound,
    studies_for,
)

QUICK = settings(deadline=None, max_examples=40)


def test_a_sensitivity_of_90_percent_to_within_5_needs_139_positives_and_692_studies_at_20_percent() -> None:
    assert positives_for_width(0.90, 0.05) == 139
    assert studies_for(138.3, 0.20) == 692


@pytest.mark.parametrize(("power", "positives"), [(0.8, 124), (0.9, 172)])
def test_a_lower_bound_of_85_percent_where_the_truth_is_92_needs_that_many_positives(
    power: float, positives: int
) -> None:
    assert positives_for_lower_bound(0.92, 0.85, power) == positives


@QUICK
@given(st.integers(1, 60), st.floats(0.5, 0.95))
def test_the_power_is_the_chance_of_the_counts_whose_bound_clears_the_bar(n: int, bar: float) -> None:
    clears = [k for k in range(n + 1) if proportion(k, n, level=0.90).low >= bar]
    from scipy.stats import binom

    assert power_of_lower_bound(n, 0.93, bar) == pytest.approx(sum(binom.pmf(k, n, 0.93) for k in clears), abs=1e-9)


def test_a_truth_below_the_bar_can_never_be_shown_to_clear_it() -> None:
    with pytest.raises(ValueError, match="above the bar"):
        positives_for_lower_bound(0.80, 0.85, 0.8)


def test_one_area_needs_as_many_cases_as_in_r() -> None:
    assert positives_for_auroc(0.8, power=0.9) == pytest.approx(16.6191992, abs=5e-7)
    assert power_of_auroc(41, 72, 0.73) == pytest.approx(0.9897453436, abs=5e-10)


def test_the_ct_study_of_hanley_and_mcneil_has_their_error() -> None:
    assert round(hanley_mcneil_error(0.8932, 51, 58), 4) == 0.0325


def test_two_equal_models_on_the_same_studies_need_fewer_the_more_they_agree() -> None:
    apart, together = (positives_for_noninferior_auroc(0.85, 0.85, 0.03, correlation=r) for r in (0.3, 0.8))
    assert together / apart == pytest.approx(0.2 / 0.7)


def test_beyond_the_margin_no_number_will_do() -> None:
    with pytest.raises(ValueError, match="margin"):
        positives_for_noninferior_auroc(0.85, 0.80, 0.03, correlation=0.5)


def test_a_noninferior_share_needs_blackwelders_number_a_group() -> None:
    # (1.95996 + 0.84162)² · 2 · 0.9 · 0.1 / 0.1² = 141.3
    assert group_for_noninferior_proportion(0.9, 0.9, margin=0.1) == 142


def test_films_of_one_patient_count_for_less() -> None:
    assert design_effect(4.0, 0.5) == 2.5


@pytest.mark.parametrize(("positives", "negatives", "chance"), [(10, 90, 0.15), (20, 180, 0.07), (50, 450, 0.01)])
def test_a_model_that_knows_nothing_passes_a_floor_of_60_percent_that_often(
    positives: int, negatives: int, chance: float
) -> None:
    assert chance_of_passing_a_floor(0.6, positives, negatives) == pytest.approx(chance, abs=0.005)
