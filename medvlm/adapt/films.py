"""The films behind a table: decoded as in service, judged by the model's own scope check, encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from rich.progress import Progress
from torch import Tensor

from medvlm.adapt.problems import Problem
from medvlm.adapt.table import Row
from medvlm.contract import Refusal, StudyContext
from medvlm.engine.embedded_model import EmbeddedModel
from medvlm.errors import MedvlmError
from medvlm.imaging.decode import Decoder
from medvlm.imaging.images import Radiograph
from medvlm.imaging.model_frame import to_model_frame
from medvlm.imaging.study import load_study
from medvlm.inputs import study_input

_CORNER = 8
"""A corner is the eighth of each side."""
_BRIGHT = 0.95


@dataclass(frozen=True)
class Source:
    """What a rule without any radiology could learn a label from."""

    view: str
    folder: str
    kind: str
    size: tuple[int, int]
    bright_corners: float


@dataclass(frozen=True)
class LabelledFilm:
    """`pixels` (size, size) float32 of the model's frame; `features` (channels, rows, columns) of the encoder.

    `numbers` are the rows of the table; `digest` is that of the stored film's grey values.
    """

    numbers: tuple[int, ...]
    patient: str
    labels: Mapping[str, bool]
    pixels: npt.NDArray[np.float32]
    features: Tensor
    digest: str
    source: Source


def read_labelled(
    rows: Sequence[Row], folder: Path, model: EmbeddedModel, progress: Progress
) -> tuple[list[LabelledFilm], list[Problem]]:
    """The films in scope, and a problem for every row whose film cannot be learnt from."""
    films: list[LabelledFilm] = []
    problems: list[Problem] = []
    with Decoder() as decoder:
        for row in progress.track(rows, description="reading films"):
            read = _read(row, folder, model, decoder)
            if isinstance(read, LabelledFilm):
                films.append(read)
            else:
                problems.append(read)
    return films, problems


def _read(row: Row, folder: Path, model: EmbeddedModel, decoder: Decoder) -> LabelledFilm | Problem:
    try:
        images = load_study(study_input(row.path), folder, decoder)
    except MedvlmError as error:
        return Problem("unreadable", f"The film cannot be read: {error.what}", row.numbers)
    refusals = [item.refusal.reason for item in images.unread]
    for radiograph in images.radiographs:
        judged = model.judge(radiograph, StudyContext())
        if judged.encoded is not None and not isinstance(judged.scope, Refusal):
            return _film(row, folder, radiograph, judged.encoded.features[0], judged.scope.view, model)
        if isinstance(judged.scope, Refusal):
            refusals.append(judged.scope.reason)
    if images.radiographs or images.volumes:
        reason = refusals[-1] if images.radiographs else "volumes are not read by this model"
        return Problem("out_of_scope", f"Out of scope. {reason}", row.numbers)
    reason = refusals[0] if refusals else "nothing in it is an image"
    return Problem("unreadable", f"The film cannot be read: {reason.rstrip('.')}", row.numbers)


def _film(
    row: Row, folder: Path, radiograph: Radiograph, features: Tensor, view: str, model: EmbeddedModel
) -> LabelledFilm:
    parent = row.path.parent.relative_to(folder.resolve())
    return LabelledFilm(
        numbers=row.numbers,
        patient=row.patient or patient_id(row.path) or str(row.path),
        labels=row.labels,
        pixels=to_model_frame(radiograph, model.network.image_size).pixels,
        features=features,
        digest=pixel_digest(radiograph.pixels),
        source=Source(
            view=radiograph.tags.view_position.upper() or view,
            folder=str(parent),
            kind=f"{row.path.suffix.lower()} {radiograph.tags.modality}",
            size=(radiograph.pixels.shape[0], radiograph.pixels.shape[1]),
            bright_corners=bright_corners(radiograph.pixels),
        ),
    )


def patient_id(path: Path) -> str:
    """Patient ID (0010,0020) of a DICOM file, or of the first file of a folder; "" where there is none."""
    first = next((one for one in sorted(path.rglob("*")) if one.is_file()), path) if path.is_dir() else path
    try:
        return str(dcmread(first, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID", "") or "")
    except (InvalidDicomError, OSError, ValueError, KeyError, AttributeError, NotImplementedError):
        return ""


def pixel_digest(pixels: npt.NDArray[np.float32]) -> str:
    """Of 0–1 grey values at 8 bits: the same film stored in two lossless formats has one digest."""
    grey = np.round(pixels * 255).astype(np.uint8)
    return hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest()


def bright_corners(pixels: npt.NDArray[np.float32]) -> float:
    """Share of nearly white pixels in the four corners, where markers and redactions stand."""
    rows, columns = (max(1, side // _CORNER) for side in pixels.shape)
    corners = [part for half in (pixels[:rows], pixels[-rows:]) for part in (half[:, :columns], half[:, -columns:])]
    return float(np.mean([float((corner > _BRIGHT).mean()) for corner in corners]))
