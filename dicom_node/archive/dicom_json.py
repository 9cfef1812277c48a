"""The DICOM JSON Model (PS3.18 Annex F) of a data set, without its bulk data.

Slices of a series repeat nearly all their elements byte for byte: each different one is converted once.
Where a value breaks its VR it goes out as the text that it is, or without a value: one bad element of one device must
not cost a viewer the series.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr_element
from pydicom.tag import BaseTag, Tag

PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW", "US or OW", "US or SS or OW"})

# Stands for the instance's URL: JSON text never holds a bare control character (RFC 8259 section 7).
INSTANCE: Final = "\x01"
# Small tables (palettes, calibration) are cheaper inline than as a request each; in bytes.
LONGEST_INLINE: Final = 1024
REMEMBERED_AT_MOST: Final = 20_000
DEEPEST: Final = 64


class DicomJson:
    """Converts data sets of one series, remembering elements. One thread at a time.

    The text of a data set has `INSTANCE` for the URL of the instance in every BulkDataURI (`bulkdata/<path>` below
    it, where path is tags and item numbers from 1).
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], str] = {}
        self._context: tuple[object, ...] = ()

    def text(self, dataset: Dataset, more: Iterable[tuple[int, str]] = ()) -> str:
        """One JSON object. `more` are (tag, JSON of the element) that the data set does not have itself."""
        self._context = _context(dataset)
        return _in_order(dict(self._elements(dataset, "", ())) | dict(more))

    def elements(self, dataset: Dataset, tags: Iterable[int]) -> dict[int, str]:
        """The JSON of those of the tags that are there."""
        self._context = _context(dataset)
        return {tag: self._element(dataset, Tag(tag), "", ()) for tag in tags if tag in dataset}

    def _elements(self, dataset: Dataset, path: str, around: tuple[Dataset, ...]) -> Iterator[tuple[int, str]]:
        for tag in dataset.keys():  # noqa: SIM118 - a data set iterates over converted elements
            if tag.element and tag.group > 0x0002:  # neither group lengths nor file meta
                yield tag, self._element(dataset, tag, path, around)

    def _element(self, dataset: Dataset, tag: BaseTag, path: str, around: tuple[Dataset, ...]) -> str:
        raw = dataset.get_item(tag)
        if not isinstance(raw, RawDataElement) or around:
            return self._converted(dataset, tag, path, around)
        key = (tag, raw.VR, raw.value, *self._context)
        if key not in self._known:
            if len(self._known) >= REMEMBERED_AT_MOST:
                self._known.clear()
            self._known[key] = self._converted(dataset, tag, path, around)
        return self._known[key]

    def _converted(self, dataset: Dataset, tag: BaseTag, path: str, around: tuple[Dataset, ...]) -> str:
        place = f"{path}{tag:08X}"
        raw = dataset.get_item(tag)  # conversion replaces it
        try:
            element = _unambiguous(dataset, tag, around)
            if element.VR == "SQ":
                return self._sequence(element, place, (dataset, *around))
            if tag in PIXELS or (element.VR in BINARY and len(element.value or b"") > LONGEST_INLINE):
                return json.dumps({"vr": element.VR, "BulkDataURI": f"{INSTANCE}/bulkdata/{place}"}).replace(
                    "\\u0001", INSTANCE
                )
            if element.VR in ("IS", "DS") and isinstance(raw, RawDataElement) and isinstance(raw.value, bytes):
                return _numbers(element.VR, raw.value)
            return _dump(element.to_json_dict(None, 0))
        except Exception:  # whatever a converter of hostile bytes raises
            return _as_text(raw)

    def _sequence(self, element: DataElement, place: str, around: tuple[Dataset, ...]) -> str:
        if len(around) > DEEPEST:
            return '{"vr":"SQ"}'
        items = [
            _in_order(dict(self._elements(item, f"{place}/{number}/", around)))
            for number, item in enumerate(element.value, 1)
        ]
        return f'{{"vr":"SQ","Value":[{",".join(items)}]}}' if items else '{"vr":"SQ"}'


def _context(dataset: Dataset) -> tuple[object, ...]:
    """What else decides how an element of the data set is read."""
    try:
        return str(dataset.get("SpecificCharacterSet", "")), dataset.get("PixelRepresentation"), _is_little(dataset)
    except Exception:  # neither can be read: then nothing is shared with other instances
        return (object(),)


def _is_little(dataset: Dataset) -> bool:
    return dataset.original_encoding[1] is not False


def bulk_element(vr: str) -> str:
    """The JSON of Pixel Data, which is always bulk data."""
    return f'{{"vr":"{vr}","BulkDataURI":"{INSTANCE}/bulkdata/7FE00010"}}'


def _in_order(elements: dict[int, str]) -> str:
    return "{" + ",".join(f'"{tag:08X}":{elements[tag]}' for tag in sorted(elements)) + "}"


def _unambiguous(dataset: Dataset, tag: BaseTag, around: tuple[Dataset, ...]) -> DataElement:
    """Implicit VR leaves "US or SS" and "OB or OW" open: other elements decide (PS3.6 section 6)."""
    element = dataset[tag]
    if "or" in element.VR:
        outermost = around[-1] if around else dataset
        correct_ambiguous_vr_element(element, dataset, _is_little(outermost), [dataset, *around])
    return element


def _dump(element: dict[str, Any]) -> str:
    if "Value" in element:
        element = element | {"Value": [_plain(value, element["vr"]) for value in element["Value"]]}
    try:
        return json.dumps(element, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # NaN and infinity, which JSON has no numbers for (PS3.18 F.2.3)
        texts = [value if value is None else str(value) for value in element["Value"]]
        return json.dumps(element | {"Value": texts}, ensure_ascii=False, separators=(",", ":"))


def _numbers(vr: str, raw: bytes) -> str:
    """IS and DS from their text: what is no number of its VR stays the text that it is (PS3.18 F.2.3)."""
    texts = [part.strip(" ") for part in raw.decode("ascii", "replace").rstrip(" \0").split("\\")]
    if texts == [""]:
        return _dump({"vr": vr})
    return _dump({"vr": vr, "Value": [_number(text, vr) for text in texts]})


def _number(text: str, vr: str) -> int | float | str | None:
    try:
        number = int(text) if vr == "IS" else float(text)
    except ValueError:
        return text or None
    return number if math.isfinite(number) and "_" not in text else text


def _plain(value: Any, vr: str) -> Any:
    """PN components that are empty are left out (PS3.18 F.2.2); an empty text among others is null (F.2.5)."""
    if vr == "PN" and isinstance(value, dict):
        return {name: part for name, part in value.items() if part}
    return None if value == "" else value


def _as_text(raw: RawDataElement | DataElement) -> str:
    """An element that cannot be converted: its text where it has one. IS and DS may be strings (PS3.18 F.2.3)."""
    vr = raw.VR if raw.VR and "or" not in raw.VR else "UN"
    value = raw.value
    if not isinstance(value, bytes) or vr not in ("IS", "DS", "DA", "TM", "DT", "AS", "CS", "UI", "AE"):
        return json.dumps({"vr": vr})
    texts = [part.strip(" ") or None for part in value.decode("ascii", "replace").strip("\0").split("\\")]
    return json.dumps({"vr": vr, "Value": texts}, separators=(",", ":"))
