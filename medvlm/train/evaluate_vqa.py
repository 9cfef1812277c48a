"""Closed questions of clinicians (VQA-RAD, CC0) about held-apart chest films, with the image and without it.

A forced choice: a finding is affirmed when the film makes it likelier than it is among the calibration films. Without
the image the same rule is applied to what the model says of a flat grey picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from medvlm.engine.calibration import Calibration
from medvlm.engine.network import Network
from medvlm.engine.questions import AboutFinding, understand
from medvlm.families.embedded import FRAME
from medvlm.train.films import FINDINGS, grey_square
from medvlm.train.readout import read_out
from medvlm.train.record import Record
from medvlm.train.statistics import mean_by_owner

_ANSWERS = {"yes": True, "no": False}


class VqaFigures(Record):
    """`gain`: share right with the image less share right without it, 95 % interval by resampling films."""

    questions: int
    understood: int
    films: int
    right: float
    right_without_image: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True)
class ClosedQuestion:
    """`affirmed`: whether the clinician's answer says that the finding is there."""

    image: str
    finding: str
    affirmed: bool


def vqa_figures(
    data: Path, network: Network, calibration: Calibration, resamples: int, seed: int, progress: Progress
) -> VqaFigures:
    """data: the folder that holds `vqa/test.json` and `vqa/images`."""
    rows = json.loads((data / "vqa" / "test.json").read_text("utf-8"))
    closed = [row for row in rows if row["answer"].strip().lower() in _ANSWERS]
    asked = understood(closed)
    images = sorted({question.image for question in asked})
    pixels = np.stack([grey_square((data / "vqa" / "images" / name).read_bytes(), FRAME) for name in images])
    grey = np.full((1, FRAME, FRAME), 128, np.uint8)
    z = read_out(network, np.concatenate([pixels, grey]), progress, "clinicians' questions").z
    with_image = _right(asked, images, z[:-1], calibration)
    without = _right(asked, images, np.repeat(z[-1:], len(images), 0), calibration)
    gain = mean_by_owner(with_image - without, [question.image for question in asked], resamples, seed)
    return VqaFigures(
        questions=len(closed),
        understood=len(asked),
        films=len(images),
        right=round(float(with_image.mean()), 4),
        right_without_image=round(float(without.mean()), 4),
        gain_low=round(gain.low, 4),
        gain_high=round(gain.high, 4),
    )


def understood(rows: Sequence[dict[str, str]]) -> list[ClosedQuestion]:
    """Those that name one finding of the vocabulary."""
    questions = []
    for row in rows:
        match understand(row["question"]):
            case AboutFinding(name, negated) if name in FINDINGS:
                affirmed = _ANSWERS[row["answer"].strip().lower()] != negated
                questions.append(ClosedQuestion(row["image_name"], name, affirmed))
            case _:
                pass
    return questions


def _right(
    asked: Sequence[ClosedQuestion], images: Sequence[str], z: npt.NDArray[np.float64], calibration: Calibration
) -> npt.NDArray[np.float64]:
    said = []
    for question in asked:
        map_ = calibration.findings[question.finding]
        value = z[images.index(question.image), FINDINGS.index(question.finding)]
        said.append(map_.probability(value) > map_.prevalence)
    return np.array([float(a == b.affirmed) for a, b in zip(said, asked, strict=True)])
