"""Content items of a structured report as plain data sets (PS3.3 C.17.3), ten times faster than item classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydicom.dataset import Dataset

from dicom_node.report.words import printable
from medvlm.vocabulary import Code

Relationship = Literal[
    "CONTAINS", "HAS OBS CONTEXT", "HAS CONCEPT MOD", "HAS ACQ CONTEXT", "HAS PROPERTIES", "SELECTED FROM"
]


def coded(code: Code) -> Dataset:
    """Code Sequence item (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme
    item.CodeMeaning = code.meaning
    return item


def item(
    value_type: str,
    relationship: Relationship | None,
    name: Code | None,
    children: Iterable[Dataset] = (),
    **attributes: object,
) -> Dataset:
    """A content item. `relationship` is to its parent, None for the root; `attributes` are the value's keywords.

    `name` is None only where the template forbids one.
    """
    content = Dataset()
    if relationship:
        content.RelationshipType = relationship
    content.ValueType = value_type
    if name:
        content.ConceptNameCodeSequence = [coded(name)]
    for keyword, value in attributes.items():
        setattr(content, keyword, value)
    if below := list(children):
        content.ContentSequence = below
    return content


def container(
    relationship: Relationship | None, name: Code, children: Iterable[Dataset], template: str = ""
) -> Dataset:
    """CONTAINER; `template` is the TID that its content follows, where the standard wants it named."""
    content = item("CONTAINER", relationship, name, children, ContinuityOfContent="SEPARATE")
    if template:
        content.ContentTemplateSequence = [_template(template)]
    return content


def text(relationship: Relationship, name: Code, words: str) -> Dataset:
    return item("TEXT", relationship, name, TextValue=printable(words))


def code(relationship: Relationship, name: Code, value: Code, children: Iterable[Dataset] = ()) -> Dataset:
    return item("CODE", relationship, name, children, ConceptCodeSequence=[coded(value)])


def uidref(relationship: Relationship, name: Code, uid: str) -> Dataset:
    return item("UIDREF", relationship, name, UID=uid)


def num(relationship: Relationship, name: Code, value: str, unit: Code) -> Dataset:
    """NUM; `value` is a decimal string of at most 16 characters."""
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = [coded(unit)]
    return item("NUM", relationship, name, MeasuredValueSequence=[measured])


def image(
    relationship: Relationship,
    name: Code | None,
    sop_class_uid: str,
    sop_instance_uid: str,
    frame: int | list[int] | None = None,
    children: Iterable[Dataset] = (),
) -> Dataset:
    """IMAGE; `frame` counts from 1 and is None for a single-frame image."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = sop_class_uid
    reference.ReferencedSOPInstanceUID = sop_instance_uid
    if frame is not None:
        reference.ReferencedFrameNumber = frame
    return item("IMAGE", relationship, name, children, ReferencedSOPSequence=[reference])


def polyline(
    relationship: Relationship, name: Code, points: Iterable[tuple[float, float]], selected: Dataset
) -> Dataset:
    """SCOORD of type POLYLINE: (column, row) in image space, (0, 0) the outer corner of the first pixel (C.18.6)."""
    flat = [coordinate for point in points for coordinate in point]
    return item("SCOORD", relationship, name, [selected], GraphicType="POLYLINE", GraphicData=flat)


def _template(identifier: str) -> Dataset:
    template = Dataset()
    template.MappingResource = "DCMR"
    template.TemplateIdentifier = identifier
    return template
