"""From labelled films to a lesson: what each finding's probe, and the base itself, say of a pool of feature grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from medvlm.adapt.films import LabelledFilm
from medvlm.adapt.lora import Asker, Lesson, LoraSettings
from medvlm.adapt.pool import Copies, PoolSettings, drawn, mixtures
from medvlm.adapt.probe import LeftOut, Points, fit_probe, leave_patients_out, places_of
from medvlm.adapt.refusals import findings_of
from medvlm.adapt.wordings import term_of
from medvlm.contract import FindingName
from medvlm.engine.embedded_model import EmbeddedModel
from medvlm.safeguards.coherence import WIDEST
from medvlm.safeguards.scope_head import ScopeHead
from medvlm.vocabulary import Term

_NO_FILM = -1
_AT_ONCE = 32
"""Grids asked in one forward pass."""


@dataclass(frozen=True)
class Settings:
    """Defaults for the embedded family. `spread`: standard deviation of the taught log-odds over the pool, and
    `limit` what they never pass; `held_out`: share of the films that decides when the fit stops."""

    seed: int = 20261123
    spread: float = 2.0
    limit: float = 5.0
    held_out: float = 0.2
    pool: PoolSettings = field(default_factory=PoolSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)


@dataclass(frozen=True)
class Teaching:
    """One finding: its term, the films that say something of it, their labels, and what leaving out came to."""

    term: Term
    rows: npt.NDArray[np.intp]
    truth: npt.NDArray[np.bool_]
    left_out: LeftOut


@dataclass(frozen=True)
class Pool:
    """`grids` (n, tokens, channels); `films` (n,) the film of which a grid is a copy, or −1; the last `held_out` are
    copies of films that are never fitted; `blanks` rows show nothing."""

    grids: Tensor
    films: npt.NDArray[np.intp]
    blanks: slice
    held_out: int


def make_lesson(
    films: Sequence[LabelledFilm], copies: Copies, base: EmbeddedModel, asker: Asker, settings: Settings
) -> tuple[tuple[Teaching, ...], Lesson]:
    """asker: of the base, before any adapter stands on it."""
    pool = make_pool(films, copies, base.scope_head, settings)
    names = findings_of(films)
    known = tuple(one.wordings[0] for name, one in base.calibration.findings.items() if name not in names)
    taught: list[str] = []
    wanted: list[Tensor] = []
    teachings = []
    for name, prior in _priors(names, base, asker, pool.grids).items():
        points = Points(places_of(base.scope_head, pool.grids), prior)
        teaching, z = _teach(name, films, points, pool, settings)
        teachings.append(teaching)
        taught += [*teaching.term.ask, *teaching.term.ask_negated]
        wanted += [z] * len(teaching.term.ask) + [-z] * len(teaching.term.ask_negated)
    kept = base_says(asker, pool.grids, known)
    return tuple(teachings), Lesson(pool.grids, tuple(taught), torch.stack(wanted, 1), known, kept, pool.held_out)


def make_pool(films: Sequence[LabelledFilm], copies: Copies, head: ScopeHead, settings: Settings) -> Pool:
    """Copies of the films to be fitted, what is made of these, blanks, and the copies of whole patients held out."""
    count, each = copies.grids.shape[:2]
    generator = torch.Generator().manual_seed(settings.seed + 1)
    apart = _apart(films, settings.held_out, generator)
    fitted, held = copies.grids[~apart].flatten(0, 1), copies.grids[apart].flatten(0, 1)
    mixed = mixtures(fitted, settings.pool.mixtures, settings.pool.reach, generator)
    strewn = drawn(fitted, settings.pool.drawn, head, generator)
    start = len(fitted) + len(mixed) + len(strewn)
    nobody = np.full(len(mixed) + len(strewn) + len(copies.blanks), _NO_FILM)
    owners = np.arange(count).repeat(each).reshape(count, each)
    return Pool(
        grids=torch.cat([fitted, mixed, strewn, copies.blanks, held]),
        films=np.concatenate([owners[~apart.numpy()].ravel(), nobody, owners[apart.numpy()].ravel()]),
        blanks=slice(start, start + len(copies.blanks)),
        held_out=len(held),
    )


def _apart(films: Sequence[LabelledFilm], share: float, generator: torch.Generator) -> Tensor:
    """(films,) bool: films of some patients, about `share` of the patients and at least one."""
    owners = list(dict.fromkeys(film.patient for film in films))
    order = torch.randperm(len(owners), generator=generator)[: max(1, round(share * len(owners)))].tolist()
    chosen = {owners[k] for k in order}
    return torch.tensor([film.patient in chosen for film in films])


def _priors(
    names: Sequence[FindingName], base: EmbeddedModel, asker: Asker, grids: Tensor
) -> Mapping[FindingName, npt.NDArray[np.float64]]:
    """What the base says to the question nearest each finding: its own where validated, else whether all is normal."""
    asked: dict[FindingName, npt.NDArray[np.float64]] = {}
    for near in {_nearest(name, base) for name in names}:
        known = base.calibration.findings.get(near)
        z = np.zeros(len(grids)) if known is None else base_says(asker, grids, known.wordings).mean(1).double().numpy()
        asked[near] = (z - z.mean()) / max(float(z.std()), 1e-9)
    return {name: asked[_nearest(name, base)] for name in names}


def _nearest(name: FindingName, base: EmbeddedModel) -> FindingName:
    return name if name in base.assessed else WIDEST


@torch.no_grad()
def base_says(asker: Asker, grids: Tensor, wordings: Sequence[str]) -> Tensor:
    """z (n, wordings)."""
    return torch.cat([asker.log_odds(part, wordings) for part in grids.split(_AT_ONCE)])


def _teach(
    name: FindingName, films: Sequence[LabelledFilm], points: Points, pool: Pool, settings: Settings
) -> tuple[Teaching, Tensor]:
    """The finding's probe, fitted on the mean over each film's copies, and its log-odds of the whole pool."""
    rows = np.array([k for k, film in enumerate(films) if name in film.labels])
    truth = np.array([films[k].labels[name] for k in rows])
    of_films = mean_by_film(points, pool.films, rows)
    copies = points.at(pool.films != _NO_FILM)
    patients = [films[k].patient for k in rows]
    left_out = leave_patients_out(of_films, truth, patients, copies, settings.spread)
    probe = fit_probe(of_films, truth, copies, left_out.prior, settings.spread)
    z = torch.from_numpy(probe.log_odds(points)).float()
    z = settings.limit * torch.tanh(z / settings.limit)
    z[pool.blanks] = 0.0  # nothing seen, nothing said
    return Teaching(term_of(name), rows, truth, left_out), z


def mean_by_film(points: Points, films: npt.NDArray[np.intp], rows: npt.NDArray[np.intp]) -> Points:
    own = [films == row for row in rows]
    return Points(
        np.stack([points.places[copies].mean(0) for copies in own]),
        np.array([points.prior[copies].mean() for copies in own]),
    )
