"""A film as a family is shown it, and an answer as a clinician is shown it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medvlm.families.answer_text import AnswerText
from medvlm.families.maira import MAIRA
from medvlm.families.medgemma import MEDGEMMA
from medvlm.families.nv_reason import NV_REASON
from medvlm.families.pictures import blank_picture, prepared, whole_steps
from medvlm.families.profile import Family
from medvlm.families.qwen_vl import QWEN3_VL, QWEN25_VL

FILM = np.full((60, 101), 1.0, dtype=np.float32)


def test_a_film_is_padded_with_zeros_evenly_for_a_family_of_squares() -> None:
    pixels = prepared(FILM, MEDGEMMA).pixels
    assert pixels.shape == (101, 101, 3)
    assert (pixels[:20] == 0).all()
    assert (pixels[20:80] == 255).all()
    assert (pixels[80:] == 0).all()


@given(st.integers(30, 4000), st.integers(30, 4000), st.sampled_from([28, 32]))
def test_sides_are_whole_steps_and_resizing_again_changes_nothing(width: int, height: int, factor: int) -> None:
    most = 1280 * 28 * 28
    sides = whole_steps(width, height, factor, most)
    assert all(side % factor == 0 for side in sides)
    assert sides[0] * sides[1] <= most
    assert whole_steps(*sides, factor, most) == sides


@pytest.mark.parametrize(("family", "factor"), [(QWEN25_VL, 28), (QWEN3_VL, 32)])
def test_what_is_shown_is_what_the_boxes_count_in(family: Family, factor: int) -> None:
    film = prepared(FILM, family)
    assert film.pixels.shape[:2] == (film.shown.resized_height, film.shown.resized_width)
    assert (film.shown.width, film.shown.height) == (101, 60)
    assert film.shown.resized_width % factor == 0


def test_the_same_pixels_give_the_same_bytes() -> None:
    assert prepared(FILM, MEDGEMMA).png == prepared(FILM.copy(), MEDGEMMA).png
    assert blank_picture(MEDGEMMA).png == blank_picture(MEDGEMMA).png


def shown(family: Family, pieces: list[str]) -> str:
    answer = AnswerText(family)
    return "".join([answer.feed(piece) for piece in pieces]) + answer.rest()


@given(st.lists(st.integers(1, 9), max_size=30))
def test_a_train_of_thought_is_never_shown_however_it_is_cut(cuts: list[int]) -> None:
    text = "<unused94>thought: maybe normal<unused95>There is effusion.<end_of_turn>"
    pieces, rest = [], text
    for cut in cuts:
        pieces, rest = [*pieces, rest[:cut]], rest[cut:]
    assert shown(MEDGEMMA, [*pieces, rest]) == "There is effusion."


def test_an_answer_between_tags_is_shown_without_them() -> None:
    assert shown(NV_REASON, ["<think>hm</think><ans", "wer>Normal.</answer>"]) == "Normal."


def test_a_thought_without_an_end_is_no_answer() -> None:
    assert shown(NV_REASON, ["<think>I wonder whether"]) == ""


def test_text_that_only_looks_like_a_marker_is_shown_in_the_end() -> None:
    assert shown(MEDGEMMA, ["The size is <", "end of story"]) == "The size is <end of story"


def test_the_markup_of_boxes_stays_for_who_reads_it() -> None:
    answer = AnswerText(MAIRA)
    answer.feed("<obj>effusion<box><x1><y2><x3><y4></box></obj></s>")
    assert answer.whole == "<obj>effusion<box><x1><y2><x3><y4></box></obj>"
