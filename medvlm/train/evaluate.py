"""Figures of the findings on patients never seen in training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from medvlm.engine.calibration import Calibration
from medvlm.safeguards.scope_head import ScopeHead
from medvlm.train.films import FINDINGS, Films
from medvlm.train.readout import Readout
from medvlm.train.recipe import ValidationPart
from medvlm.train.record import Record
from medvlm.train.statistics import auroc, auroc_by_patient, calibration_error, perfect_calibration_error

Array = npt.NDArray[np.float64]


class Area(Record):
    """AUROC with its 95 % interval; None where a class is empty."""

    value: float | None
    low: float | None
    high: float | None
    positives: int
    films: int


class FindingFigures(Record):
    name: str
    auroc: Area
    within_pa: Area
    within_ap: Area
    encoder_head_auroc: float | None
    permuted_auroc: float | None
    calibration_error: float
    perfect_calibration_error: float
    called_present: int
    called_present_right: int
    called_absent: int
    called_absent_right: int


class ScopeFigures(Record):
    """Share refused of each kind of picture; `films` of it, their number."""

    refused: dict[str, float]
    films: dict[str, int]


def finding_figures(
    read: Readout, head: Array, films: Films, calibration: Calibration, part: ValidationPart, seed: int
) -> tuple[FindingFigures, ...]:
    """head (n, findings): log-odds of stage 1's linear head on the same features."""
    shuffled = np.random.default_rng(seed).permutation(len(films))
    return tuple(
        _finding(name, read.z[:, k], head[:, k], films, films.labels[:, k] > 0.5, shuffled, calibration, part, seed)
        for k, name in enumerate(FINDINGS)
    )


def _finding(
    name: str,
    z: Array,
    head: Array,
    films: Films,
    truth: npt.NDArray[np.bool_],
    shuffled: npt.NDArray[np.intp],
    calibration: Calibration,
    part: ValidationPart,
    seed: int,
) -> FindingFigures:
    map_ = calibration.findings[name]
    probability = np.array([map_.probability(value) for value in z])
    present, absent = probability >= map_.present_from, probability <= map_.absent_to
    return FindingFigures(
        name=name,
        auroc=area(truth, z, films.patients, part, seed),
        within_pa=area(truth[~films.ap], z[~films.ap], films.patients[~films.ap], part, seed),
        within_ap=area(truth[films.ap], z[films.ap], films.patients[films.ap], part, seed),
        encoder_head_auroc=_known(auroc(truth, head)),
        permuted_auroc=_known(auroc(truth, z[shuffled])),
        calibration_error=calibration_error(truth, probability),
        perfect_calibration_error=perfect_calibration_error(probability, seed),
        called_present=int(present.sum()),
        called_present_right=int((present & truth).sum()),
        called_absent=int(absent.sum()),
        called_absent_right=int((absent & ~truth).sum()),
    )


def area(
    truth: npt.NDArray[np.bool_], scores: Array, patients: npt.NDArray[np.str_], part: ValidationPart, seed: int
) -> Area:
    interval = auroc_by_patient(truth, scores, patients, part.resamples, seed)
    return Area(
        value=_known(interval.value),
        low=_known(interval.low),
        high=_known(interval.high),
        positives=int(truth.sum()),
        films=len(truth),
    )


def _known(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def assessed(figures: tuple[FindingFigures, ...], part: ValidationPart) -> tuple[str, ...]:
    """Findings that may be stated: enough positives, and the AUROC's lower bound clears the recipe's."""
    return tuple(
        finding.name
        for finding in figures
        if finding.auroc.positives >= part.least_positives
        and finding.auroc.low is not None
        and finding.auroc.low > part.lower_bound
    )


def mean_of_labels(figures: tuple[FindingFigures, ...]) -> float:
    """Mean AUROC of the 13 labels without Hernia, which has too few positives."""
    derived = {"abnormality", "airspace_opacity", "hernia"}
    values = [finding.auroc.value for finding in figures if finding.name not in derived]
    return float(np.mean([value for value in values if value is not None]))


def scope_figures(head: ScopeHead, pictures: Mapping[str, torch.Tensor]) -> ScopeFigures:
    """pictures: kind -> pooled features (n, 2 × channels). Only the network's share of the scope is judged here."""
    refused = {kind: round(float(head.beyond(pooled).any(1).float().mean()), 4) for kind, pooled in pictures.items()}
    return ScopeFigures(refused=refused, films={kind: len(pooled) for kind, pooled in pictures.items()})
