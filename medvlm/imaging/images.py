"""What a study becomes: radiographs, volumes, and what could not be read with the reason in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medvlm.contract import ImageSource, Refusal, Warning

FloatArray = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RadiographTags:
    """What the header says of one film; empty where it says nothing. A picture file has no header."""

    modality: str
    sop_class_uid: str
    body_part: str
    view_position: str
    laterality: str
    photometric: str
    presentation_intent: str
    samples_per_pixel: int
    burned_in_annotation: str
    sex: str
    age_years: float | None


@dataclass(frozen=True)
class Radiograph:
    """One projection image, or any other single frame that a scope check has to look at.

    `pixels` are float32 (rows, columns), 0–1, ready for display: dense tissue bright. `colour` is True where
    the source was stored in colour; its luminance is kept for the record.
    """

    source: ImageSource
    pixels: FloatArray
    tags: RadiographTags
    warnings: tuple[Warning, ...]
    colour: bool


@dataclass(frozen=True)
class Volume:
    """Parallel slices on a regular grid, in the order of their position along row × column direction.

    `pixels` are float32 (slices, rows, columns) after rescale (HU for CT). `affine` takes the indices
    (slice, row, column, 1) of a voxel's centre to millimetres in the patient frame, LPS (PS3.3 C.7.6.2.1.1);
    it is sheared where the gantry was tilted. What is not regular is split, never averaged: see `warnings`.
    """

    sources: tuple[ImageSource, ...]
    pixels: FloatArray
    affine: Matrix
    modality: str
    warnings: tuple[Warning, ...]


@dataclass(frozen=True)
class Unread:
    """An object of the study that gave no image, and why."""

    source: ImageSource
    refusal: Refusal


@dataclass(frozen=True)
class StudyImages:
    radiographs: tuple[Radiograph, ...]
    volumes: tuple[Volume, ...]
    unread: tuple[Unread, ...]
    warnings: tuple[Warning, ...]


@dataclass(frozen=True)
class ModelFrame:
    """What the network sees of one radiograph.

    `pixels` are float32 (size, size), 0–1. `to_source` is 3×3 and takes model (x, y, 1) to source pixels, both in
    the corner convention of PS3.3 C.18.6: (0, 0) is the top-left corner of the top-left pixel.
    """

    pixels: FloatArray
    to_source: Matrix
