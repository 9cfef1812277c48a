"""A reader study from its file to its verdict; what is missing is never filled in."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.unit.validation.published_layouts import lines
from validation.datasets.reader_study import read_reader_study
from validation.errors import BadDataSet
from validation.statistics.mrmc import compare_modalities, mean_squares
from validation.statistics.mrmc_components import components

HEADER = "reader,modality,case,truth,rating"


def table(cases: int = 30, seed: int = 1) -> list[str]:
    """Three readers, alone and with help that makes them better."""
    rng = np.random.default_rng(seed)
    case = rng.normal(size=cases) + 1.0 * (np.arange(cases) % 2)
    help_ = {"alone": 0.0, "helped": 0.8}
    return [
        f"{reader},{arm},c{k},{k % 2},{case[k] + rng.normal(scale=0.5) + help_[arm] * (k % 2):.3f}"
        for reader, arm, k in product(("r1", "r2", "r3"), help_, range(cases))
    ]


def test_a_file_becomes_modalities_by_readers_by_cases(tmp_path: Path) -> None:
    rows = table()
    study = read_reader_study(lines(tmp_path / "study.csv", HEADER, *rows))
    assert study.ratings.shape == (2, 3, 30)
    assert (study.modalities, study.readers) == (("alone", "helped"), ("r1", "r2", "r3"))
    assert study.ratings[1, 2, 29] == float(rows[-1].split(",")[-1])
    assert study.truth.tolist() == [bool(k % 2) for k in range(30)]
    assert study.patients is None


def test_the_order_of_the_lines_does_not_change_the_analysis(tmp_path: Path) -> None:
    rows = table()
    results = []
    for name, given in (("a.csv", rows), ("b.csv", rows[::-1])):
        study = read_reader_study(lines(tmp_path / name, HEADER, *given))
        areas, parts = components(study.truth, study.ratings)
        found = compare_modalities(areas, parts, "random readers and cases")
        results.append((found.p, abs(found.contrasts[0].difference.value), mean_squares(areas).interaction))
    assert results[0] == pytest.approx(results[1])
    assert results[0][0] < 0.05


def test_patients_with_several_cases_are_told_apart_from_cases(tmp_path: Path) -> None:
    rows = [f"{row},p{int(row.split(',')[2][1:]) // 3}" for row in table()]
    study = read_reader_study(lines(tmp_path / "study.csv", f"{HEADER},patient", *rows))
    assert study.patients
    assert len(set(study.patients)) == 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:-1], r"1 of 180 ratings are missing.*'helped' by reader 'r3'"),
        (lambda rows: [*rows, rows[0]], "already.*line 182"),
        (lambda rows: [rows[0].rsplit(",", 1)[0] + ",", *rows[1:]], "no number.*line 2"),
        (lambda rows: ["r1,alone,c0,1,2", *rows[1:]], "truth of this case is another"),
        (lambda rows: [row for row in rows if row.startswith("r1")], "two readers"),
        (lambda rows: [row for row in rows if row.split(",")[3] == "1"], "truth 1 and with truth 0"),
    ],
)
def test_what_is_missing_or_contradicts_itself_is_an_error(tmp_path: Path, change: object, words: str) -> None:
    rows = change(table())  # type: ignore[operator]
    with pytest.raises(BadDataSet, match=words):
        read_reader_study(lines(tmp_path / "study.csv", HEADER, *rows))
