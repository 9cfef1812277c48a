"""Metrics against scikit-learn, published numbers and their definition; groups that are too small to be judged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.metrics.boxes import Corners, Placed, box_average_precision, iou, mean_average_precision, points_into
from validation.metrics.calibration import calibration
from validation.metrics.cases import Cases
from validation.metrics.discrimination import discrimination
from validation.metrics.label_f1 import FIVE, FOURTEEN, label_f1
from validation.metrics.operating_point import operating_point, threshold_for_sensitivity
from validation.metrics.question_answers import Answered, answer_score, exact, relaxed
from validation.metrics.subgroups import Family, SmallGroups, age_band, family
from validation.statistics.average_precision import average_precision, weighted_average_precision
from validation.statistics.clustered_bootstrap import Resampling
from validation.statistics.delong import auroc_estimate

QUICK = settings(deadline=None, max_examples=40)

FEW = Resampling(draws=200, seed=1)
CORNERS = st.tuples(*[st.integers(0, 20)] * 4).map(
    lambda c: (float(min(c[0], c[2])), float(min(c[1], c[3])), float(max(c[0], c[2]) + 1), float(max(c[1], c[3]) + 1))
)


def films(count: int = 300, seed: int = 0, shift: float = 1.2, a_patient: int = 1) -> Cases:
    rng = np.random.default_rng(seed)
    truth = rng.random(count) < 0.3
    scores = 1 / (1 + np.exp(-(rng.normal(size=count) + shift * truth)))
    return Cases(truth, np.round(scores, 3), tuple(f"P{k // a_patient}" for k in range(count)))


@pytest.fixture(scope="module")
def cases() -> Cases:
    return films()


def test_area_and_average_precision_are_those_of_scikit_learn(cases: Cases) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    found = discrimination(cases, FEW, "effusion")
    assert found.auroc
    assert found.average_precision
    assert found.auroc.value == pytest.approx(metrics.roc_auc_score(cases.truth, cases.scores), abs=1e-12)
    assert found.average_precision.value == pytest.approx(
        metrics.average_precision_score(cases.truth, cases.scores), abs=1e-12
    )
    assert not found.intervals_disagree


@QUICK
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=25))
def test_a_weight_of_k_is_the_observation_k_times(rated: list[tuple[bool, int, int]]) -> None:
    truth, scores, times = (np.array(each) for each in zip(*rated, strict=True))
    repeated = average_precision(np.repeat(truth, times), np.repeat(scores, times).astype(float))
    weighted = weighted_average_precision(truth, scores.astype(float))(times.astype(float))
    assert weighted == pytest.approx(repeated, nan_ok=True)


@pytest.mark.parametrize(
    ("truth", "why"),
    [([], "there is no case"), ([False, False], "no case has the finding"), ([True], "every case has the finding")],
)
def test_an_area_that_does_not_exist_says_why(truth: list[bool], why: str) -> None:
    found = discrimination(Cases.of(truth, [0.5] * len(truth), ["P"] * len(truth)), FEW, "effusion")
    assert found.auroc is None
    assert found.undefined == why


def test_cases_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="same studies"):
        Cases.of([True], [0.5, 0.4], ["P"])


def test_an_area_of_one_is_not_certain_and_more_patients_make_it_more_so() -> None:
    few, many = (
        auroc_estimate(np.repeat([True, False], n), np.repeat([0.9, 0.1], n), [str(k) for k in range(2 * n)])
        for n in (10, 100)
    )
    assert few.high == many.high == 1
    assert few.low < 0.75 < many.low < 1


def test_an_operating_point_counts_what_scikit_learn_counts(cases: Cases) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    found = operating_point(cases, 0.5, FEW, "effusion")
    called = cases.scores >= 0.5
    tn, fp, fn, tp = metrics.confusion_matrix(cases.truth, called).ravel()
    assert (found.missed, found.false_alarms) == (fn, fp)
    assert found.sensitivity.value == pytest.approx(tp / (tp + fn))
    assert found.specificity.value == pytest.approx(tn / (tn + fp))
    assert found.positive_predictive_value.value == pytest.approx(metrics.precision_score(cases.truth, called))
    assert found.f1 == pytest.approx(metrics.f1_score(cases.truth, called))


def test_films_of_one_patient_make_a_share_less_certain() -> None:
    sick = np.repeat(np.arange(40) % 2 == 0, 8)
    # Each patient's films are all found or all missed.
    scores = np.repeat(np.arange(40) % 3 == 0, 8).astype(float)
    owner = tuple(f"P{k}" for k in np.repeat(np.arange(40), 8))
    by_patient = operating_point(Cases(sick, scores, owner), 0.5, FEW, "x").sensitivity
    by_film = operating_point(Cases(sick, scores, tuple(map(str, range(320)))), 0.5, FEW, "x").sensitivity
    assert by_patient.value == by_film.value
    assert by_patient.high - by_patient.low > 2 * (by_film.high - by_film.low)


def test_a_model_that_missed_nothing_in_many_films_of_few_patients_is_not_called_certain() -> None:
    owner = tuple(f"P{k}" for k in np.repeat(np.arange(20), 5))
    found = operating_point(Cases(np.ones(100, dtype=bool), np.ones(100), owner), 0.5, FEW, "x").sensitivity
    assert found.value == found.high == 1
    assert found.low == pytest.approx(1 - 0.1684, abs=1e-4)  # 0 of 20, exact


def test_without_negatives_there_is_no_specificity() -> None:
    found = operating_point(Cases.of([True, True], [0.9, 0.2], ["a", "b"]), 0.5, FEW, "x")
    assert math.isnan(found.specificity.value)
    assert (found.specificity.low, found.specificity.high) == (0, 1)


@QUICK
@given(st.integers(0, 40), st.floats(0.05, 1))
def test_the_threshold_is_the_highest_that_reaches_the_sensitivity(seed: int, wanted: float) -> None:
    sample = films(60, seed)
    threshold = threshold_for_sensitivity(sample, wanted)
    positives = sample.scores[sample.truth]
    assert (positives >= threshold).mean() >= wanted - 1e-9
    higher = positives[positives > threshold]
    assert len(higher) / len(positives) < wanted


def test_calibration_comes_with_its_value_under_perfect_calibration(cases: Cases) -> None:
    found = calibration(cases, seed=1)
    assert found
    assert found.error.expected > 0.02
    assert sum(each.count for each in found.bins) == cases.count
    assert calibration(Cases.of([], [], []), seed=1) is None


def test_label_f1_is_that_of_scikit_learn_where_every_label_is_named() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    truth, said = rng.random((2, 80, 5)) < 0.4
    found = label_f1(*(
        [{name: "positive" if on else "negative" for name, on in zip(FIVE, row, strict=True)} for row in table]
        for table in (truth, said)
    ), names=FIVE)  # fmt: skip
    assert found.micro == pytest.approx(metrics.f1_score(truth, said, average="micro"))
    assert found.macro == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert found.left_out == 0


def test_a_label_that_nobody_names_is_left_out_and_counted() -> None:
    found = label_f1([{"edema": "positive"}], [{"edema": "positive"}], names=FOURTEEN)
    assert (found.macro, found.micro, found.left_out) == (1.0, 1.0, 13)


@pytest.mark.parametrize(("uncertain", "macro"), [("positive", 1.0), ("negative", 0.0)])
def test_uncertain_counts_as_the_record_says(uncertain: str, macro: float) -> None:
    found = label_f1([{"edema": "positive"}], [{"edema": "uncertain"}], names=FIVE, uncertain=uncertain)
    assert (found.uncertain, found.macro) == (uncertain, macro)


@pytest.mark.parametrize(
    ("reference", "answer", "same"),
    [
        ("Yes", "yes.", True),
        ("no", "No", True),
        ("The left lung", "left lung", True),
        ("2", "two", True),
        ("2.5", "25", False),
        ("left", "right", False),
        ("chest x-ray", "Chest X ray", True),
    ],
)
def test_an_answer_is_the_same_after_normalisation(reference: str, answer: str, same: bool) -> None:
    assert exact(reference, answer) == same


def test_a_relaxed_answer_holds_the_words_of_the_reference() -> None:
    assert relaxed("Left lower lobe.", "the left lobe") == pytest.approx(2 / 3)
    assert (relaxed("", ""), relaxed("", "lung")) == (1, 0)


def test_open_and_closed_questions_are_scored_apart_and_the_length_is_told() -> None:
    found = answer_score(
        [Answered("yes", "yes", True), Answered("no", "yes", True), Answered("left lung", "in the left lung", False)]
    )
    assert (found.closed, found.open, found.closed_exact) == (2, 1, 0.5)
    assert (found.open_exact, found.open_relaxed, found.mean_words) == (0, 1, 3)


def test_shared_words_do_not_see_negation() -> None:
    pytest.importorskip("sacrebleu")
    pytest.importorskip("rouge_score")
    from validation.metrics.text_overlap import text_overlap

    reference = ["No pleural effusion or pneumothorax."]
    opposite = text_overlap(reference, ["Pleural effusion or pneumothorax."])
    right = text_overlap(reference, ["The pleural spaces are clear."])
    assert (round(opposite.bleu, 1), round(opposite.rouge_l, 2)) == (54.8, 0.89)
    assert (round(right.bleu, 1), round(right.rouge_l, 2)) == (9.7, 0.20)
    assert "version" in opposite.bleu_signature
    assert math.isnan(text_overlap([], []).bleu)


@QUICK
@given(CORNERS, CORNERS)
def test_iou_is_the_share_of_pixels_that_both_boxes_cover(a: Corners, b: Corners) -> None:
    grid = np.zeros((2, 24, 24), dtype=bool)
    for layer, (x0, y0, x1, y1) in zip(grid, (a, b), strict=True):
        layer[int(y0) : int(y1), int(x0) : int(x1)] = True
    assert iou(a, b) == pytest.approx((grid[0] & grid[1]).sum() / (grid[0] | grid[1]).sum())
    assert iou(a, b) == iou(b, a)


def test_boxes_that_only_touch_do_not_overlap() -> None:
    assert iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)


def test_a_box_points_by_its_middle() -> None:
    assert points_into((0, 0, 10, 10), [(4, 4, 6, 6)])
    assert not points_into((0, 0, 10, 10), [(5.1, 0, 20, 10), (0, 0, 5, 10)])


def test_average_precision_of_boxes_by_hand() -> None:
    references = [Placed("a", "nodule", (0, 0, 10, 10)), Placed("b", "nodule", (0, 0, 10, 10))]
    said = [
        Placed("a", "nodule", (0, 0, 10, 10), 0.9),
        Placed("a", "nodule", (1, 0, 10, 10), 0.8),  # the reference is taken: a false alarm
        Placed("b", "nodule", (0, 0, 10, 9), 0.7),
    ]
    assert box_average_precision(references, said, 0.5) == pytest.approx((1 + 2 / 3) / 2)
    assert box_average_precision(references, [], 0.5) == 0
    assert math.isnan(box_average_precision([], said, 0.5))


def test_the_mean_is_over_findings_that_have_a_reference() -> None:
    references = [Placed("a", "nodule", (0, 0, 9, 9)), Placed("a", "mass", (0, 0, 9, 9))]
    said = [Placed("a", "nodule", (0, 0, 9, 9), 0.9), Placed("a", "hernia", (0, 0, 9, 9), 0.9)]
    assert mean_average_precision(references, said, 0.4) == 0.5
    assert math.isnan(mean_average_precision([], said, 0.4))


@pytest.mark.parametrize(
    ("years", "band"),
    [(None, "unknown"), (-1, "unknown"), (0, "0–17"), (17.9, "0–17"), (18, "18–39"), (80, "80+"), (103, "80+")],
)
def test_an_age_falls_into_its_band(years: float | None, band: str) -> None:
    assert age_band(years) == band


def groups_of(values: list[str], cases: Cases, margin: float = 0.5, overall: float = 0.8) -> Family:
    return family("sex", values, cases, overall=overall, margin=margin, small=SmallGroups())


def test_a_group_below_the_fewest_has_no_interval_and_is_never_met() -> None:
    cases = films(600, shift=3)
    found = groups_of(["F"] * 585 + ["O"] * 15, cases)
    large, tiny = found.groups
    assert large.auroc
    assert large.carries_a_verdict
    assert tiny.auroc is None
    assert "fewer than" in tiny.too_few
    assert (found.outcome, found.words) == ("undecided", "O")


def test_a_group_of_few_positives_is_never_better_than_undecided() -> None:
    found = groups_of(["F"] * 500 + ["M"] * 100, films(600, shift=3))
    assert [each.carries_a_verdict for each in found.groups] == [True, False]
    assert (found.outcome, found.words) == ("undecided", "M")


def test_the_worst_group_decides() -> None:
    good, bad = films(400, seed=1, shift=3), films(400, seed=2, shift=0)
    both = Cases(
        np.concatenate([good.truth, bad.truth]),
        np.concatenate([good.scores, bad.scores]),
        tuple(f"P{k}" for k in range(800)),
    )
    found = groups_of(["PA"] * 400 + ["AP"] * 400, both, margin=0.05)
    assert (found.worst, found.outcome, found.words) == ("AP", "not met", "AP")
    assert groups_of(["PA"] * 200 + ["AP"] * 200, good, margin=0.05).outcome == "met"


def test_studies_whose_attribute_is_not_known_are_a_group_of_their_own() -> None:
    found = groups_of([""] * 200 + ["F"] * 400, films(600))
    assert {each.name: each.count for each in found.groups} == {"F": 400, "unknown": 200}
    assert sum(each.positives + each.negatives for each in found.groups) == 600
