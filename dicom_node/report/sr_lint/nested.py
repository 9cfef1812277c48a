"""Every data set inside an object, at any depth, with its place and its UIDs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue


@dataclass(frozen=True, eq=False)
class Nested:
    """`where`: content path and sequence keywords; "" for the object itself. `uids`: (keyword, value)."""

    where: str
    dataset: Dataset
    uids: tuple[tuple[str, str], ...]


def nested(dataset: Dataset, where: str = "") -> Iterator[Nested]:
    """Unreadable elements are passed over: what cannot be parsed cannot be judged here."""
    uids: list[tuple[str, str]] = []
    below: list[tuple[str, Dataset]] = []
    for tag in dataset.keys():  # noqa: SIM118  # iterating a data set parses every element, pixels too
        if dataset.get_item(tag).VR not in {"SQ", "UI"}:
            continue
        try:
            element = dataset[tag]
        except Exception:  # noqa: S112  # foreign bytes raise whatever the parser happens to trip over
            continue
        if element.VR == "UI":
            values = element.value if isinstance(element.value, MultiValue) else [element.value]
            uids += [(element.keyword or str(tag), str(value or "")) for value in values]
        else:
            below += [(_place(where, element.keyword, n), it) for n, it in enumerate(element.value or (), 1)]
    yield Nested(where, dataset, tuple(uids))
    for place, inner in below:
        yield from nested(inner, place)


def _place(where: str, keyword: str, number: int) -> str:
    if keyword == "ContentSequence":
        return f"{where or '1'}.{number}"
    return f"{where}/{keyword}[{number}]" if where else f"{keyword}[{number}]"
