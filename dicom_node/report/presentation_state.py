"""Boxes and labels for a viewer that draws no SR: Grayscale Softcopy Presentation State (PS3.3 A.33.1).

A presentation state replaces the image's own grayscale pipeline, so it repeats it: images with different pipelines
have presentation states of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from pydicom.dataset import Dataset

from dicom_node.report.body_part import body_part
from dicom_node.report.document import GSPS, Draft, require_reportable
from dicom_node.report.grayscale import pipeline, pipeline_key, voi
from dicom_node.report.header import read_text
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.modules import (
    general_equipment,
    image_hierarchy,
    instance_number,
    made_at,
    merged,
    patient_and_study,
    reference,
    series,
    sop_common,
)
from dicom_node.report.regions import Region, regions
from dicom_node.report.version import Version, version_of
from dicom_node.report.words import clean_name, one_line, rounded_percent

LAYER = "FINDINGS"
LINE_COLOR = (48000, 45000, 55000)  # PCS-Values of CIELab, a light yellow
TEXT_HEIGHT, TEXT_WIDTH = 0.025, 0.4
"""Of the image's height and width."""

Numbered = tuple[int, Region]
"""A region and its number on every picture of the version: in the order of `regions`, from 1."""


def presentation_states(report: Draft | Version) -> tuple[Dataset, ...]:
    """One presentation state for the images of each grayscale pipeline that carry a region; none without regions.

    Raises `NotReportable` as the documents do.
    """
    version = version_of(report)
    require_reportable(version.draft)
    by_pipeline: dict[str, list[Numbered]] = {}
    for number, region in enumerate(regions(version, source_images(version.draft)), 1):
        key = pipeline_key(_source(version, region.image))
        by_pipeline.setdefault(key, []).append((number, region))
    return tuple(_state(version, group, part) for part, group in enumerate(by_pipeline.values()))


def _source(version: Version, image: SourceImage) -> Dataset:
    return next(it for it in version.draft.sources if read_text(it, "SOPInstanceUID") == image.sop_instance_uid)


def _state(version: Version, placed: list[Numbered], part: int) -> Dataset:
    images = list(dict.fromkeys(region.image for _, region in placed))
    first = _source(version, images[0])
    return merged(
        patient_and_study(version),
        series(version, GSPS, "PR"),
        body_part(first, version.draft.reading),
        general_equipment(version.draft),
        _identification(version, part),
        _relationship(images),
        _displayed_area(version, images),
        _graphics(version, placed),
        _layer(),
        pipeline(first),
        _voi(version, images),
        sop_common(version, GSPS, part),
    )


def _identification(version: Version, part: int) -> Dataset:
    """Presentation State Identification (C.11.10)."""
    made, module = made_at(version), Dataset()
    module.InstanceNumber = instance_number(version, part)
    module.ContentLabel = "AI_VERIFIED" if version.is_verified else "AI_DRAFT"
    module.ContentDescription = one_line(version.flags.description, 64)
    module.PresentationCreationDate = made.date
    module.PresentationCreationTime = made.time
    # A person's name or nothing: the model stands under Contributing Equipment.
    module.ContentCreatorName = clean_name(version.acts[-1].person.name) if version.acts else ""
    return module


def _relationship(images: list[SourceImage]) -> Dataset:
    """Presentation State Relationship (C.11.11)."""
    module = Dataset()
    module.ReferencedSeriesSequence = image_hierarchy(images)
    return module


def _displayed_area(version: Version, images: list[SourceImage]) -> Dataset:
    """Displayed Area (C.10.4): the whole image; corners count from 1, unlike graphic data."""
    module = Dataset()
    module.DisplayedAreaSelectionSequence = [_area(image, _source(version, image)) for image in images]
    return module


def _area(image: SourceImage, source: Dataset) -> Dataset:
    area = Dataset()
    area.ReferencedImageSequence = [reference(image.sop_class_uid, image.sop_instance_uid)]
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [image.columns, image.rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    spacing = [read_text(source, "PixelSpacing", index) for index in (0, 1)]
    if all(_is_positive(value) for value in spacing):
        area.PresentationPixelSpacing = spacing
    else:
        ratio = [read_text(source, "PixelAspectRatio", index) for index in (0, 1)]
        area.PresentationPixelAspectRatio = ratio if all(_is_positive(value) for value in ratio) else ["1", "1"]
    return area


def _is_positive(value: str) -> bool:
    try:
        return float(value) > 0 and len(value) <= 16
    except ValueError:
        return False


def _graphics(version: Version, placed: list[Numbered]) -> Dataset:
    """Graphic Annotation (C.10.5): a box and a label each, in the image's own pixels."""
    module = Dataset()
    module.GraphicAnnotationSequence = [_annotation(version, number, region) for number, region in placed]
    return module


def _annotation(version: Version, number: int, region: Region) -> Dataset:
    annotation = Dataset()
    named = reference(region.image.sop_class_uid, region.image.sop_instance_uid)
    frame = region.image.frame(region.box.frame)
    if frame is not None:
        named.ReferencedFrameNumber = frame
    annotation.ReferencedImageSequence = [named]
    annotation.GraphicLayer = LAYER
    annotation.TextObjectSequence = [_label(region, label(version, number, region))]
    annotation.GraphicObjectSequence = [_rectangle(region)]
    return annotation


def label(version: Version, number: int, region: Region) -> str:
    """For example: 2 Pleural effusion, right, 91 % (AI draft)."""
    finding = region.finding
    side = "" if finding.laterality == "unspecified" else f", {finding.laterality}"
    certainty = "" if finding.probability is None else f", {rounded_percent(finding.probability)} %"
    origin = "" if version.is_verified else " (AI draft)" if finding.by_model else " (not verified)"
    return f"{number} {region.label}{side}{certainty}{origin}"


def _rectangle(region: Region) -> Dataset:
    """The closed box. PIXEL: (0, 0) is the outer corner of the first pixel, as in SCOORD (C.10.5, Figure C.10.5-1)."""
    box, shape = region.box, Dataset()
    corners = ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1), (box.x0, box.y0))
    shape.GraphicAnnotationUnits = "PIXEL"
    shape.GraphicDimensions = 2
    shape.NumberOfGraphicPoints = len(corners)
    shape.GraphicData = list(chain.from_iterable(corners))
    shape.GraphicType = "POLYLINE"
    shape.GraphicFilled = "N"
    return shape


def _label(region: Region, words: str) -> Dataset:
    """Text in a box of its own above the region, or inside its top where there is no room; inside the image."""
    image, box, written = region.image, region.box, Dataset()
    height, width = TEXT_HEIGHT * image.rows, TEXT_WIDTH * image.columns
    left = max(0.0, min(box.x0, image.columns - width))
    top = box.y0 - height if box.y0 >= height else min(box.y0, image.rows - height)
    written.BoundingBoxAnnotationUnits = "PIXEL"
    written.UnformattedTextValue = words
    written.BoundingBoxTopLeftHandCorner = [left, top]
    written.BoundingBoxBottomRightHandCorner = [left + width, top + height]
    written.BoundingBoxTextHorizontalJustification = "LEFT"
    return written


def _layer() -> Dataset:
    """Graphic Layer (C.10.7)."""
    layer, module = Dataset(), Dataset()
    layer.GraphicLayer = LAYER
    layer.GraphicLayerOrder = 1
    layer.GraphicLayerRecommendedDisplayCIELabValue = list(LINE_COLOR)
    layer.GraphicLayerDescription = "Findings"
    module.GraphicLayerSequence = [layer]
    return module


def _voi(version: Version, images: Iterable[SourceImage]) -> Dataset:
    """Softcopy VOI LUT (C.11.8): each image's own window; without it a viewer shows the full range."""
    module = Dataset()
    windows = [(image, voi(_source(version, image))) for image in images]
    items = [_voi_item(image, window) for image, window in windows if window is not None]
    if items:
        module.SoftcopyVOILUTSequence = items
    return module


def _voi_item(image: SourceImage, window: Dataset) -> Dataset:
    return merged(window, _only(image))


def _only(image: SourceImage) -> Dataset:
    named = Dataset()
    named.ReferencedImageSequence = [reference(image.sop_class_uid, image.sop_instance_uid)]
    return named
