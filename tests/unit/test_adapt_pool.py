"""The pool to distil on: drawn without anybody's images, and split by patient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medvlm.adapt.films import LabelledFilm, Source
from medvlm.adapt.lesson import Settings, make_pool, mean_by_film
from medvlm.adapt.pool import Copies, PoolSettings, copies_of, drawn, mixtures
from medvlm.adapt.probe import Points
from medvlm.safeguards.scope_head import ScopeHead

CHANNELS, AXES = 6, 3


def head() -> ScopeHead:
    """A scope head over six channels; only mean, spread, axes and variances matter here."""
    return ScopeHead(
        mean=torch.ones(2 * CHANNELS),
        spread=torch.full((2 * CHANNELS,), 0.5),
        weight=torch.zeros(6, 2 * CHANNELS),
        bias=torch.zeros(6),
        axes=torch.eye(2 * CHANNELS)[:AXES],
        variances=torch.ones(AXES),
        residual=torch.ones(1),
        thresholds=torch.zeros(3),
    )


def film(number: int, patient: str) -> LabelledFilm:
    source = Source("PA", ".", ".png ", (8, 8), 0.0)
    empty = np.zeros((8, 8), dtype=np.float32)
    return LabelledFilm((number,), patient, {"effusion": True}, empty, torch.zeros(CHANNELS, 2, 2), str(number), source)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_drawn_features_are_never_negative_and_stay_silent_where_a_channel_is_silent() -> None:
    grids = torch.rand(5, 4, CHANNELS)
    grids[..., 0] = 0.0
    made = drawn(grids, 40, head(), seeded())
    assert made.shape == (40, 4, CHANNELS)
    assert float(made.min()) >= 0.0
    assert float(made[..., 0].max()) == 0.0


def test_drawn_means_follow_the_gaussian_of_the_base() -> None:
    means = drawn(torch.ones(1, 4, CHANNELS), 4000, head(), seeded()).mean(1)
    assert float(means[:, CHANNELS - 1].std()) == pytest.approx(0.0, abs=1e-6)
    assert float(means[:, 0].mean()) == pytest.approx(1.0, abs=0.05)
    assert float(means[:, 0].std()) == pytest.approx(0.45, abs=0.06)


@pytest.mark.parametrize("make", [lambda g, r: mixtures(g, 9, 1.3, r), lambda g, r: drawn(g, 9, head(), r)])
def test_the_same_seed_makes_the_same_pool(make) -> None:  # type: ignore[no-untyped-def]
    grids = torch.rand(4, 4, CHANNELS)
    assert torch.equal(make(grids, seeded()), make(grids, seeded()))


def test_copies_of_one_patient_never_stand_on_both_sides() -> None:
    films = [film(number, f"p{number // 2}") for number in range(12)]
    copies = Copies(torch.rand(12, 3, 4, CHANNELS), torch.rand(2, 4, CHANNELS))
    settings = Settings(pool=PoolSettings(mixtures=7, drawn=5))
    pool = make_pool(films, copies, head(), settings)
    apart = len(pool.grids) - pool.held_out
    owners = [None if row < 0 else films[row].patient for row in pool.films]
    assert not set(owners[:apart]) & set(owners[apart:])
    assert len(pool.grids) == len(pool.films) == 12 * 3 + 7 + 5 + 2
    assert torch.equal(pool.grids[pool.blanks], copies.blanks)


def test_a_film_is_the_mean_of_its_own_copies() -> None:
    points = Points(np.array([[1.0], [3.0], [10.0], [99.0]]), np.array([0.0, 2.0, 5.0, 7.0]))
    mean = mean_by_film(points, np.array([0, 0, 1, -1]), np.array([1, 0]))
    assert mean.places.tolist() == [[10.0], [2.0]]
    assert mean.prior.tolist() == [5.0, 1.0]


def test_many_films_are_copied_less_often() -> None:
    settings = PoolSettings()
    assert copies_of(12, settings) == settings.most_copies
    assert copies_of(48, settings) == 3
    assert copies_of(1000, settings) == 2
