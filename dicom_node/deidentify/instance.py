"""The walk: every element at every depth by its row of the table, and by its VR where it has none (PS3.15 E.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicom_node.deidentify import content_items
from dicom_node.deidentify.dates import DATE_VRS, moved_element, values_of
from dicom_node.deidentify.dummies import dummy, emptied
from dicom_node.deidentify.identity import Identity
from dicom_node.deidentify.key import Key
from dicom_node.deidentify.nested import elements
from dicom_node.deidentify.options import Options, declare
from dicom_node.deidentify.profile import Action, Row, row_of, type_of
from dicom_node.deidentify.wording import MARKER, Wording

TEXT_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
ADDRESSES = frozenset({"AE", "UR"})
"""Where in the hospital something is to be had: no part of an image or a report."""

REGISTERED = "1.2.840.10008."
CLASSES = ("ClassUID", "ClassUIDs", "TransferSyntaxUID", "ContextUID", "MappingResourceUID", "CodingSchemeUID")
"""Ends of the keywords of UIDs that name a kind of thing, not a thing."""

PSEUDONYMS = frozenset({"PatientID", "PatientName"})

BESIDE_THE_TABLE: Mapping[str, str] = MappingProxyType(
    {
        "CompletionFlagDescription": "free text, in which reports name who verified",
        "ContentDescription": "free text of whoever made a presentation state",
        "DocumentTitle": "free text",
        "GraphicLayerDescription": "free text",
        "UnformattedTextValue": "what a person wrote on an image",
        "TextValue": "what a person dictated",
    }
)
"""Attributes that the table leaves alone and that people write into, with the reason: cleaned as descriptions are."""


@dataclass(frozen=True)
class Place:
    """Where the walk stands: in items of the sequence `parent`, "" at the top. `dummies`: inside a sequence of which
    only dummies may be left."""

    sop_class_uid: str
    parent: str = ""
    dummies: bool = False
    public_code: bool = False


@dataclass(frozen=True)
class Deidentifier:
    """One study's de-identification. `patient` is whose it is: the same text gives the same pseudonym and shift."""

    options: Options
    key: Key
    patient: str
    identity: Identity
    wording: Wording

    def deidentified(self, source: Dataset) -> Dataset:
        """A new data set that says what was done to it. Pixels are the source's. File meta is not made."""
        made = self._items(source, Place(values_of(source["SOPClassUID"])[0]))
        # Every text is decoded by now, also that of an item with a character set of its own.
        made.SpecificCharacterSet = "ISO_IR 192"
        declare(made, self.options)
        return made

    def _items(self, source: Dataset, place: Place) -> Dataset:
        made, at = Dataset(), replace(place, public_code=_is_public_code(source))
        for element in elements(source):
            if (kept := self._element(element, at)) is not None:
                made.add(kept)
        return content_items.cleaned(made, source, self.wording, self.identity)

    def _element(self, element: DataElement, place: Place) -> DataElement | None:
        if element.keyword == "SpecificCharacterSet":
            return None
        row = row_of(element.tag)
        if row is None:
            return self._unlisted(element, place)
        needed = type_of(place.sop_class_uid, element.tag, place.parent)
        return self._act(element, row.action(self.options, needed), row, needed, place)

    def _act(self, element: DataElement, action: Action, row: Row, needed: str, place: Place) -> DataElement | None:
        """By the action; one that cannot be followed gives way to the basic profile's."""
        if action == "K":
            return element
        if action == "C":
            cleaned = self._clean(element, row, place)
            return cleaned or self._act(element, row.otherwise(needed), row, needed, place)
        if action == "U":
            return self._other_uids(element, place)
        if action == "X":
            return None
        if element.keyword in PSEUDONYMS:
            return DataElement(element.tag, element.VR, self.key.pseudonym(self.patient))
        return emptied(element) if action == "Z" else self._dummy(element, place)

    def _clean(self, element: DataElement, row: Row, place: Place) -> DataElement | None:
        """None where it cannot be cleaned."""
        if element.VR == "SQ":
            return self._sequence(element, place) if row.structured_content or row.graphics else None
        if element.VR in DATE_VRS:
            return moved_element(element, self.key.days(self.patient))
        return self._described(element) if element.VR in TEXT_VRS else None

    def _unlisted(self, element: DataElement, place: Place) -> DataElement | None:
        """PS3.15 leaves these alone; what may still name somebody does not stay."""
        if not dictionary_has_tag(element.tag):
            return None
        if element.keyword in BESIDE_THE_TABLE:
            return self._commented(element, place)
        if element.VR == "SQ":
            return self._sequence(element, place)
        if element.VR == "UI":
            return element if element.keyword.endswith(CLASSES) else self._other_uids(element, place)
        if element.VR in DATE_VRS:
            return self._unlisted_date(element)
        if element.VR in ADDRESSES:
            return None
        if element.VR == "PN" or place.dummies:
            return dummy(element)
        if element.VR in TEXT_VRS and not place.public_code and self._names_somebody(element):
            return self._described(element) or dummy(element)
        return element

    def _commented(self, element: DataElement, place: Place) -> DataElement | None:
        if element.VR in {"UT", "ST", "LT"}:
            words = [self.wording.text(value, self.identity) for value in values_of(element)]
            return _with_values(element, [MARKER if place.dummies else it for it in words])
        return self._described(element) or dummy(element)

    def _described(self, element: DataElement) -> DataElement | None:
        words = [self.wording.description(value, self.identity) for value in values_of(element)]
        return _with_values(element, words) if all(words) and words else None

    def _unlisted_date(self, element: DataElement) -> DataElement | None:
        if self.options.dates == "kept":
            return element
        moved = moved_element(element, self.key.days(self.patient)) if self.options.dates == "shifted" else None
        return moved if moved is not None else dummy(element)

    def _names_somebody(self, element: DataElement) -> bool:
        return any(self.identity.occurs_in(value) for value in values_of(element))

    def _dummy(self, element: DataElement, place: Place) -> DataElement | None:
        if element.VR == "SQ":
            return self._sequence(element, replace(place, dummies=True))
        return self._other_uids(element, place) if element.VR == "UI" else dummy(element)

    def _other_uids(self, element: DataElement, place: Place) -> DataElement:
        """Every UID replaced, those that the standard registers kept."""
        if element.VR == "SQ":
            return self._sequence(element, place)
        if element.VR != "UI":
            return dummy(element)
        return _with_values(element, [self._other_uid(value) for value in values_of(element)])

    def _other_uid(self, value: str) -> str:
        return value if not value or value.startswith(REGISTERED) else self.key.uid(value)

    def _sequence(self, element: DataElement, place: Place) -> DataElement:
        below = replace(place, parent=element.keyword)
        return DataElement(element.tag, "SQ", [self._items(item, below) for item in element.value])


def _is_public_code(item: Dataset) -> bool:
    """A Code Sequence item of a scheme that is not a local one (PS3.3 8.2: 99..., L)."""
    if "CodingSchemeDesignator" not in item:
        return False
    scheme = "".join(values_of(item["CodingSchemeDesignator"]))
    return bool(scheme) and scheme != "L" and not scheme.startswith("99")


def _with_values(element: DataElement, values: list[str]) -> DataElement:
    value = MultiValue(str, values) if len(values) > 1 else "".join(values)
    return DataElement(element.tag, element.VR, value)
