"""Regions: closed, inside their image, on a named frame (PS3.3 C.18.6, C.10.5)."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from dicom_node.report import codes
from dicom_node.report.header import read_count, read_text
from dicom_node.report.sr_lint.measured import measured
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Item, Subject


def groups_have_a_region(subject: Subject) -> Iterator[Fault]:
    """One group without coordinates blanks the whole document in a widespread viewer."""
    for group in subject.everywhere(codes.MEASUREMENT_GROUP):
        if not any(item.value_type == "SCOORD" for item in group.children):
            yield Fault("the group has no region", group.where)


def polylines_are_closed(subject: Subject) -> Iterator[Fault]:
    for item in _regions(subject):
        numbers = points(item)
        if read_text(item.dataset, "GraphicType") == "POLYLINE" and (
            len(numbers) < 4 or numbers[0] != numbers[-1] or numbers[0] == numbers[1]
        ):
            yield Fault("the region is not a closed polygon", item.where)


def regions_are_inside_their_image(subject: Subject) -> Iterator[Fault]:
    for item in _regions(subject):
        columns, rows = _extent(subject, item)
        if any(x < 0 or y < 0 or (columns and x > columns) or (rows and y > rows) for x, y in points(item)):
            yield Fault("the region reaches outside its image", item.where)


def regions_name_image_and_frame(subject: Subject) -> Iterator[Fault]:
    for item in _regions(subject):
        image = _image(item)
        if image is None:
            yield Fault("the region is selected from no image", item.where)
            continue
        frame = read_count(image.reference, "ReferencedFrameNumber")
        source = _source(subject, image)
        frames = (read_count(source, "NumberOfFrames") or 1) if source is not None else None
        if frames is not None and (frame > frames or (frames > 1 and not frame)):
            yield Fault("the region names no frame of its image", image.where)


def points(item: Item) -> tuple[tuple[float, float], ...]:
    """(column, row) of every vertex; nothing where Graphic Data cannot be read as pairs."""
    try:
        numbers = [float(number) for number in item.dataset.get("GraphicData") or ()]
        return tuple(zip(numbers[::2], numbers[1::2], strict=True))
    except Exception:
        # Parsing happens on access, and foreign bytes raise whatever the parser happens to trip over.
        return ()


def _regions(subject: Subject) -> Iterator[Item]:
    return (item for item in subject.items if item.value_type == "SCOORD")


def _image(item: Item) -> Item | None:
    return next((it for it in item.children if it.value_type == "IMAGE" and it.relationship == "SELECTED FROM"), None)


def _source(subject: Subject, image: Item) -> Dataset | None:
    uid = read_text(image.reference, "ReferencedSOPInstanceUID")
    return next((it for it in subject.sources if read_text(it, "SOPInstanceUID") == uid), None)


def _extent(subject: Subject, item: Item) -> tuple[int, int]:
    """(columns, rows) from the source, or else from the object's own image library; 0 where neither says."""
    image = _image(item)
    if image is None:
        return 0, 0
    source = _source(subject, image)
    if source is not None:
        return read_count(source, "Columns"), read_count(source, "Rows")
    uid = read_text(image.reference, "ReferencedSOPInstanceUID")
    for entry in subject.everywhere(codes.SOURCE):
        if entry.relationship == "CONTAINS" and read_text(entry.reference, "ReferencedSOPInstanceUID") == uid:
            columns, rows = (entry.named(name) for name in (codes.PIXEL_DATA_COLUMNS, codes.PIXEL_DATA_ROWS))
            return _count(columns), _count(rows)
    return 0, 0


def _count(items: tuple[Item, ...]) -> int:
    return int(next((number for item in items if (number := measured(item)) is not None), 0))
