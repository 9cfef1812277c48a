"""Figures that a card states: agreement of wordings, forced choice on clinicians' questions, what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from medvlm.engine.calibration import FindingCalibration
from medvlm.train.evaluate_vqa import understood
from medvlm.train.evaluate_words import all_wordings, with_the_most
from medvlm.train.films import FINDINGS, Films
from medvlm.train.statistics import mean_by_owner

HALF = FindingCalibration(
    slope=1.0, intercept=0.0, present_from=0.5, absent_to=0.5, prevalence=0.5, wordings=("Is there effusion?",)
)


def test_a_negated_wording_agrees_when_it_says_the_opposite() -> None:
    z = np.array([2.0, 1.0, -3.0, 1.0])
    agreed = with_the_most(z, np.array([False, False, True, True]), HALF)
    assert agreed.tolist() == [True, True, True, False]


@pytest.mark.parametrize("name", FINDINGS)
def test_every_finding_has_held_out_wordings_of_either_polarity(name: str) -> None:
    wordings = all_wordings(name)
    assert len(wordings.texts) >= 20
    assert (wordings.held_out & wordings.negated).sum() >= 1
    assert (wordings.held_out & ~wordings.negated).sum() >= 2


def test_a_negated_question_turns_the_clinicians_answer_round() -> None:
    rows = [
        {"image_name": "a", "question": "Is there a pleural effusion?", "answer": "Yes "},
        {"image_name": "a", "question": "Is there no pneumothorax?", "answer": "yes"},
        {"image_name": "b", "question": "What is the diameter of the aorta?", "answer": "no"},
    ]
    asked = understood(rows)
    assert [(each.finding, each.affirmed) for each in asked] == [("effusion", True), ("pneumothorax", False)]


def test_an_interval_over_owners_is_wider_than_its_mean_and_holds_it() -> None:
    values = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    interval = mean_by_owner(values, ["a", "a", "a", "b", "b", "c"], 200, 1)
    assert interval.low < interval.value < interval.high


def test_films_with_a_left_out_finding_are_gone() -> None:
    labels = np.zeros((3, len(FINDINGS)), np.float32)
    labels[1, FINDINGS.index("edema")] = 1
    films = Films(
        pixels=np.zeros((3, 2, 2), np.uint8),
        labels=labels,
        ap=np.zeros(3, bool),
        male=np.zeros(3, bool),
        age=np.zeros(3, np.float32),
        patients=np.array(["1", "2", "3"]),
        names=np.array(["a", "b", "c"]),
    )
    assert films.without(["edema"]).names.tolist() == ["a", "c"]
    assert len(films.without([])) == 3
