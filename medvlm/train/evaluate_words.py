"""Whether wordings agree: every closed question about a finding, asked of the stored model, trained or held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from medvlm.engine.calibration import Calibration, FindingCalibration
from medvlm.engine.network import Network
from medvlm.train import language
from medvlm.train.films import FINDINGS, Films
from medvlm.train.record import Record
from medvlm.vocabulary import terms

Array = npt.NDArray[np.float64]


class WordFigures(Record):
    """Shares of (film, finding, wording) on the side that most wordings of the finding take on that film.

    A side is "likelier than among the calibration films" or "less likely": stricter than "likelier than not", on whose
    far side nearly every film lies. A negated question has to take the other side.
    """

    films: int
    wordings: int
    trained: float
    held_out: float
    negated: float
    negated_held_out: float


@dataclass(frozen=True)
class Wordings:
    """Every closed question about a finding, and which were held out or are negated (one bool each)."""

    texts: tuple[str, ...]
    held_out: npt.NDArray[np.bool_]
    negated: npt.NDArray[np.bool_]


def word_figures(network: Network, films: Films, calibration: Calibration, progress: Progress) -> WordFigures:
    asked = {name: all_wordings(name) for name in FINDINGS}
    agreed: list[tuple[npt.NDArray[np.bool_], Wordings]] = []
    for picture in progress.track(films.pixels, description="wordings"):
        prefix = network.encode(picture.astype(np.float32) / 255.0).prefix
        z = network.log_odds(prefix, [text for each in asked.values() for text in each.texts])
        parts = np.split(z, np.cumsum([len(each.texts) for each in asked.values()])[:-1])
        for (name, wordings), part in zip(asked.items(), parts, strict=True):
            agreed.append((with_the_most(part, wordings.negated, calibration.findings[name]), wordings))
    return WordFigures(
        films=len(films),
        wordings=sum(len(each.texts) for each in asked.values()),
        trained=_share(agreed, held_out=False, negated=False),
        held_out=_share(agreed, held_out=True, negated=False),
        negated=_share(agreed, held_out=False, negated=True),
        negated_held_out=_share(agreed, held_out=True, negated=True),
    )


def all_wordings(name: str) -> Wordings:
    rows = [
        (text, held, negated)
        for negated in (False, True)
        for held, texts in (
            (False, language.wordings(terms()[name], negated)),
            (True, language.held_out(terms()[name], negated)),
        )
        for text in texts
    ]
    texts, held_out, negations = zip(*rows, strict=True)
    return Wordings(texts, np.array(held_out), np.array(negations))


def with_the_most(z: Array, negated: npt.NDArray[np.bool_], calibration: FindingCalibration) -> npt.NDArray[np.bool_]:
    """For each wording, whether it takes the side of most; z (wordings,) as asked, before negation is undone."""
    present = calibration.slope * np.where(negated, -z, z) + calibration.intercept > _log_odds(calibration.prevalence)
    return np.asarray(present == (present.mean() >= 0.5))


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-4), 1 - 1e-4)
    return float(np.log(kept / (1 - kept)))


def _share(agreed: Sequence[tuple[npt.NDArray[np.bool_], Wordings]], *, held_out: bool, negated: bool) -> float:
    chosen = [
        agreement[(wordings.held_out == held_out) & (wordings.negated == negated)] for agreement, wordings in agreed
    ]
    return round(float(np.concatenate(chosen).mean()), 4)
