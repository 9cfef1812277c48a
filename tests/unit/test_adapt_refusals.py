"""Data that cannot teach a finding is refused, and the rows are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medvlm.adapt.films import LabelledFilm, Source, bright_corners, pixel_digest
from medvlm.adapt.refusals import chance_of_sorting, refuse, separates, sorts

PLAIN = Source(view="PA", folder=".", kind=".png ", size=(128, 128), bright_corners=0.0)


def film(row: int, present: bool | None = None, **changed: object) -> LabelledFilm:
    labels: Mapping[str, bool] = {} if present is None else {"effusion": present}
    made = LabelledFilm(
        numbers=(row,),
        patient=f"p{row}",
        labels=labels,
        pixels=np.zeros((2, 2), dtype=np.float32),
        features=torch.zeros(1, 1, 1),
        digest=f"d{row}",
        source=PLAIN,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def dozen() -> list[LabelledFilm]:
    return [film(row, row < 8) for row in range(2, 14)]


def codes(films: list[LabelledFilm]) -> list[tuple[str, tuple[int, ...]]]:
    return [(problem.code, problem.rows) for problem in refuse(films)]


def with_source(films: list[LabelledFilm], **of_present: object) -> list[LabelledFilm]:
    changed = replace(PLAIN, **of_present)  # type: ignore[arg-type]
    return [replace(one, source=changed) if one.labels["effusion"] else one for one in films]


def test_a_good_dozen_is_not_refused() -> None:
    assert refuse(dozen()) == []


@pytest.mark.parametrize("present", [True, False])
def test_one_class_alone_teaches_nothing(present: bool) -> None:
    assert codes([film(2, present), film(3, present)]) == [("one_class", (2, 3))]


def test_a_class_needs_two_patients() -> None:
    films = dozen()
    films = [replace(one, patient="same") if one.labels["effusion"] else one for one in films]
    assert codes(films) == [("few_patients", (2, 3, 4, 5, 6, 7))]


def test_a_patient_on_both_sides_is_a_leak() -> None:
    films = dozen()
    films[0], films[-1] = replace(films[0], patient="x"), replace(films[-1], patient="x")
    assert codes(films) == [("leaking_patient", (2, 13))]


def test_the_same_picture_twice_is_named_and_different_labels_are_said() -> None:
    films = dozen()
    films[0], films[-1] = replace(films[0], digest="x"), replace(films[-1], digest="x")
    (problem,) = refuse(films)
    assert (problem.code, problem.rows) == ("duplicate_image", (2, 13))
    assert "different labels" in problem.words


@pytest.mark.parametrize(
    "of_present",
    [{"view": "AP"}, {"folder": "ward"}, {"kind": ".dcm DX"}, {"size": (512, 512)}, {"bright_corners": 0.2}],
)
def test_a_label_that_is_really_the_source_is_refused(of_present: dict[str, object]) -> None:
    found = codes(with_source(dozen(), **of_present))
    assert set(found) == {("shortcut", tuple(range(2, 14)))}
    assert len(found) == 1


def test_one_film_that_breaks_the_rule_is_enough() -> None:
    films = with_source(dozen(), view="AP")
    films[-1] = replace(films[-1], source=replace(PLAIN, view="AP"))
    assert refuse(films) == []


def test_a_rule_that_chance_would_often_set_up_is_no_reason() -> None:
    films = with_source([film(2, True), film(3, True), film(4, False), film(5, False)], view="AP")
    assert refuse(films) == []


def test_a_folder_for_each_film_is_no_rule() -> None:
    films = [replace(one, source=replace(PLAIN, folder=f"f{one.numbers[0]}")) for one in dozen()]
    assert refuse(films) == []


def test_films_without_a_word_about_a_finding_are_in_no_class() -> None:
    assert refuse([*dozen(), film(20), film(21)]) == []


@given(groups=st.lists(st.integers(1, 4), min_size=1, max_size=7), data=st.data())
def test_the_chance_of_sorting_is_that_of_counting_every_deal(groups: list[int], data: st.DataObject) -> None:
    from itertools import combinations

    total = sum(groups)
    if total > 12:
        groups, total = groups[:3], sum(groups[:3])
    positives = data.draw(st.integers(0, total))
    owner = [k for k, size in enumerate(groups) for _ in range(size)]
    deals = list(combinations(range(total), positives))
    pure = sum(len({owner[i] for i in deal} & {owner[i] for i in set(range(total)) - set(deal)}) == 0 for deal in deals)
    assert chance_of_sorting(groups, positives) == pytest.approx(pure / len(deals))


@given(values=st.lists(st.integers(0, 3), min_size=6, max_size=12), cut=st.integers(1, 5))
def test_overlapping_values_never_sort(values: list[int], cut: int) -> None:
    present, absent = values[:cut], values[cut:]
    if set(present) & set(absent):
        assert not sorts(present, absent)
    if max(present) >= min(absent) and max(absent) >= min(present):
        assert not separates([float(v) for v in present], [float(v) for v in absent])


def test_corners_are_looked_at_and_nothing_else() -> None:
    pixels = np.zeros((64, 64), dtype=np.float32)
    pixels[30:34, 30:34] = 1.0
    assert bright_corners(pixels) == 0.0
    pixels[:8, :8] = 1.0
    assert bright_corners(pixels) == pytest.approx(0.25)


def test_the_digest_is_that_of_grey_values_and_shape() -> None:
    pixels = np.arange(16, dtype=np.float32).reshape(4, 4) / 255
    assert pixel_digest(pixels) == pixel_digest(pixels + np.float32(1e-4))
    assert pixel_digest(pixels) != pixel_digest(pixels.reshape(2, 8))
