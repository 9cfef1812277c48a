"""The content tree: relationships that the standard allows, values that are there, templates that are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from dicom_node.report import codes
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import CodeKey, Item, Subject, first, key

STATED = frozenset({"TEXT", "CODE", "NUM", "UIDREF", "PNAME", "DATE", "TIME", "DATETIME"})

RELATIONSHIPS: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("CONTAINER", "CONTAINS"): STATED | {"CONTAINER", "IMAGE", "COMPOSITE", "SCOORD"},
        ("CONTAINER", "HAS OBS CONTEXT"): STATED,
        ("CONTAINER", "HAS CONCEPT MOD"): frozenset({"TEXT", "CODE"}),
        ("CONTAINER", "HAS ACQ CONTEXT"): STATED,
        ("IMAGE", "HAS ACQ CONTEXT"): STATED,
        ("IMAGE", "HAS CONCEPT MOD"): frozenset({"TEXT", "CODE"}),
        ("CODE", "HAS OBS CONTEXT"): STATED,
        ("CODE", "HAS CONCEPT MOD"): frozenset({"TEXT", "CODE"}),
        ("CODE", "HAS PROPERTIES"): STATED,
        ("CODE", "INFERRED FROM"): STATED | {"IMAGE", "SCOORD"},
        ("TEXT", "HAS OBS CONTEXT"): STATED,
        ("TEXT", "HAS CONCEPT MOD"): frozenset({"TEXT", "CODE"}),
        ("TEXT", "HAS PROPERTIES"): STATED,
        ("TEXT", "INFERRED FROM"): STATED | {"IMAGE", "SCOORD"},
        ("NUM", "HAS OBS CONTEXT"): STATED,
        ("NUM", "HAS CONCEPT MOD"): frozenset({"TEXT", "CODE"}),
        ("NUM", "HAS PROPERTIES"): STATED,
        ("NUM", "INFERRED FROM"): STATED | {"IMAGE", "SCOORD"},
        ("SCOORD", "SELECTED FROM"): frozenset({"IMAGE"}),
    }
)
"""(parent, relationship) -> children: the rows of PS3.3 tables A.35.1-1 to A.35.13-1 that our templates use."""

VALUE_OF: Mapping[str, str] = MappingProxyType(
    {
        "TEXT": "TextValue",
        "UIDREF": "UID",
        "PNAME": "PersonName",
        "CODE": "ConceptCodeSequence",
        "NUM": "MeasuredValueSequence",
        "IMAGE": "ReferencedSOPSequence",
        "SCOORD": "GraphicData",
    }
)

TEMPLATES: Mapping[CodeKey, frozenset[str]] = MappingProxyType(
    {
        key(codes.IMAGING_MEASUREMENT_REPORT): frozenset({"1500"}),
        key(codes.DIAGNOSTIC_IMAGING_REPORT): frozenset({"2000"}),
        key(codes.OF_INTEREST): frozenset({"2010"}),
        key(codes.MEASUREMENT_GROUP): frozenset({"1410", "1501"}),
    }
)
"""Container -> the templates that it may follow (CID 7021, 7000, 7010; TID 1500 rows of groups)."""


def relationships_are_allowed(subject: Subject) -> Iterator[Fault]:
    for parent in subject.items:
        for child in parent.children:
            if child.value_type not in RELATIONSHIPS.get((parent.value_type, child.relationship), ()):
                yield Fault("the standard does not allow this item under its parent by this relationship", child.where)


def values_are_there(subject: Subject) -> Iterator[Fault]:
    for item in subject.items:
        keyword = VALUE_OF.get(item.value_type)
        if keyword and not _has(item, keyword):
            yield Fault(f"the item has no {keyword}", item.where)


def templates_are_named(subject: Subject) -> Iterator[Fault]:
    if subject.is_tree and subject.root.name not in TEMPLATES:
        yield Fault("the document's title is none of ours", subject.root.where)
    for item in subject.items:
        expected = TEMPLATES.get(item.name, frozenset())
        named = first(item.dataset, "ContentTemplateSequence")
        identifier = read_text(named, "TemplateIdentifier")
        if expected and (read_text(named, "MappingResource") != "DCMR" or identifier not in expected):
            yield Fault("the container does not name its template", item.where)


def _has(item: Item, keyword: str) -> bool:
    try:
        value = item.dataset.get(keyword)
        return value is not None and len(value) > 0
    except Exception:
        # Parsing happens on access, and foreign bytes raise whatever the parser happens to trip over.
        return False
