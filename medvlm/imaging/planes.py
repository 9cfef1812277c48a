"""Slices of a volume as their headers place them: classic single-frame and enhanced multi-frame alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from medvlm.contract import ImageSource
from medvlm.errors import UnreadableImage
from medvlm.imaging.attributes import first_item, integer, items, number, numbers, text, texts, value
from medvlm.imaging.decode import Decoder
from medvlm.imaging.dicom_file import DicomFile, PixelLayout, decode_frames
from medvlm.imaging.grayscale import rescale, stored_values
from medvlm.imaging.images import Matrix

_NOT_UNIT = 1e-2  # headers round direction cosines, some to two digits

# What tells apart two slices at one place, in the order in which it is asked.
TOLD_APART_BY = (
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "TriggerTime",
    "EchoNumbers",
    "EchoTime",
    "DiffusionBValue",
    "ImageType",
    "ContentTime",
)

# Where the enhanced classes keep the same facts: functional group, attribute (PS3.3 C.7.6.16, C.8.13.5).
_IN_GROUPS = {
    "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
    "TemporalPositionIdentifier": ("FrameContentSequence", "TemporalPositionIndex"),
    "TriggerTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
}


@dataclass(frozen=True)
class Place:
    """Image plane of one slice: position (mm) and direction cosines in LPS, spacing (rows, columns) in mm."""

    position: Matrix
    orientation: Matrix
    spacing: tuple[float, float]
    thickness: float

    @cached_property
    def normal(self) -> Matrix:
        a, b, c, d, e, f = self.orientation.tolist()  # np.cross costs ten times as much on three numbers
        return np.array([b * f - c * e, c * d - a * f, a * e - b * d])

    @cached_property
    def along_normal(self) -> float:
        """Millimetres along row × column direction: the only key that slices are sorted by."""
        return float(self.normal @ self.position)


@dataclass(frozen=True)
class Plane:
    """One decoded slice. `pixels` are stored values; `slope` and `intercept` have not been applied."""

    source: ImageSource
    pixels: npt.NDArray[Any]
    place: Place
    series: str
    frame_of_reference: str
    stack: str
    modality: str
    localiser: bool
    slope: float
    intercept: float
    instance_number: int
    told_apart: tuple[str, ...]
    rescale_stated: bool = True


def planes(
    source: ImageSource, file: DicomFile, layout: PixelLayout, frames: range, decoder: Decoder
) -> Iterator[Plane]:
    """The named frames (counted from 0) of one CT, MR or enhanced object, decoded and placed.

    Raises `UnreadableImage` when a frame cannot be decoded or its place is missing, `DecoderDied` as the decoder does.
    """
    if layout.samples != 1:
        raise UnreadableImage("a colour image is no slice of a volume")
    enhanced = bool(items(file.dataset, "PerFrameFunctionalGroupsSequence"))
    if layout.frames > 1 and not enhanced:
        raise UnreadableImage("the frames cannot be placed: the object has no functional groups")
    headers = [_FrameHeader(file.dataset, index if enhanced else None) for index in frames]
    places = [_place(header) for header in headers]
    decoded = decode_frames(file, layout, frames, decoder)
    for index, header, place, frame in zip(frames, headers, places, decoded, strict=True):
        if frame.pixels.shape != (layout.rows, layout.columns):
            raise UnreadableImage("the decoded frame has another size than Rows and Columns say")
        named = source.model_copy(update={"frame": index + 1}) if layout.frames > 1 else source
        yield _plane(named, stored_values(frame.pixels, layout), header, place, index)


class _FrameHeader:
    """The attributes of one frame: its functional groups, then the shared ones, then the data set itself."""

    def __init__(self, dataset: Dataset, frame: int | None) -> None:
        self.dataset = dataset
        self._groups: tuple[Dataset, ...] = ()
        if frame is not None:
            per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
            if frame >= len(per_frame):
                raise UnreadableImage("the functional groups do not reach to every frame")
            self._groups = (per_frame[frame], first_item(dataset, "SharedFunctionalGroupsSequence"))

    def group(self, sequence: str) -> Dataset:
        """The first item of the macro, wherever it stands; the data set itself for classic images."""
        for groups in self._groups:
            if found := items(groups, sequence):
                return found[0]
        return Dataset() if self._groups else self.dataset

    def told_apart(self) -> tuple[str, ...]:
        return tuple(self._one(keyword) for keyword in TOLD_APART_BY)

    def _one(self, keyword: str) -> str:
        if self._groups and keyword in _IN_GROUPS:
            sequence, inner = _IN_GROUPS[keyword]
            return str(value(self.group(sequence), inner) or "")
        return "" if self._groups else "\\".join(texts(self.dataset, keyword))


def _place(header: _FrameHeader) -> Place:
    position = numbers(header.group("PlanePositionSequence"), "ImagePositionPatient")
    orientation = numbers(header.group("PlaneOrientationSequence"), "ImageOrientationPatient")
    measures = header.group("PixelMeasuresSequence")
    spacing = numbers(measures, "PixelSpacing")
    if (len(position), len(orientation), len(spacing)) != (3, 6, 2):
        raise UnreadableImage("the slice cannot be placed: position, orientation or pixel spacing is missing")
    row, column = math.hypot(*orientation[:3]), math.hypot(*orientation[3:])
    across = sum(a * b for a, b in zip(orientation[:3], orientation[3:], strict=True))
    if max(abs(row - 1), abs(column - 1), abs(across)) > _NOT_UNIT or min(spacing) <= 0:
        raise UnreadableImage("the slice cannot be placed: its directions are not at right angles, or its spacing is 0")
    directions = np.array([part / length for part, length in zip(orientation, 3 * [row] + 3 * [column], strict=True)])
    thickness = number(measures, "SliceThickness") or 1.0
    return Place(np.array(position), directions, (spacing[0], spacing[1]), abs(thickness))


def _plane(source: ImageSource, pixels: npt.NDArray[Any], header: _FrameHeader, place: Place, index: int) -> Plane:
    dataset = header.dataset
    rescaling = header.group("PixelValueTransformationSequence")
    slope, intercept = rescale(rescaling)
    image_type = texts(dataset, "ImageType")
    return Plane(
        source=source,
        pixels=pixels,
        place=place,
        series=text(dataset, "SeriesInstanceUID"),
        frame_of_reference=text(dataset, "FrameOfReferenceUID"),
        stack=text(header.group("FrameContentSequence"), "StackID"),
        modality=text(dataset, "Modality"),
        localiser="LOCALIZER" in image_type,
        slope=slope,
        intercept=intercept,
        instance_number=integer(dataset, "InstanceNumber", 0) * 100_000 + index,
        told_apart=header.told_apart(),
        rescale_stated=None not in (number(rescaling, "RescaleSlope"), number(rescaling, "RescaleIntercept")),
    )
