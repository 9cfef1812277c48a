"""Every element of a data set at any depth, whatever state its bytes are in."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset


def elements(dataset: Dataset) -> Iterator[DataElement]:
    """Elements in the order of their tags, without those that cannot be parsed."""
    for tag in sorted(dataset.keys()):
        try:
            element = dataset[tag]
            _ = element.value
        except Exception:  # noqa: S112 - parsing happens on access and raises whatever it trips over
            continue
        yield element


def all_elements(dataset: Dataset) -> Iterator[DataElement]:
    """Those of the items too."""
    for element in elements(dataset):
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from all_elements(item)
