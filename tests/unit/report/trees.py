"""Reading a content tree back in tests."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset


def walk(content: Dataset) -> Iterator[Dataset]:
    """The item and everything below it, in the order of the document."""
    yield content
    for child in content.get("ContentSequence", ()):
        yield from walk(child)


def named(content: Dataset, code_value: str) -> list[Dataset]:
    """The items below whose concept name has this code value."""
    named_items = (it for it in walk(content) if "ConceptNameCodeSequence" in it)
    return [it for it in named_items if it.ConceptNameCodeSequence[0].CodeValue == code_value]


def texts(content: Dataset) -> list[str]:
    """Every TEXT that is part of the content, in the order of the document."""
    return [it.TextValue for it in walk(content) if it.ValueType == "TEXT" and it.RelationshipType == "CONTAINS"]
