"""Content items of a structured report: text in known words only, the patient's own items gone (PS3.3 C.17.3)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_node.deidentify.dates import values_of
from dicom_node.deidentify.dummies import WORD
from dicom_node.deidentify.identity import Identity
from dicom_node.deidentify.wording import MARKER, Wording

Concept = tuple[str, str]

ABOUT_THE_PATIENT = frozenset(("DCM", value) for value in ("121029", "121030", "121031", "121032", "121033"))
"""Subject Name, ID, Birth Date, Sex and Age (TID 1007): removed, as their attributes are."""

ABOUT_THE_ALGORITHM = frozenset(
    ("DCM", value) for value in ("111001", "111002", "111003", "121014", "121015", "111009", "122405")
)
"""Algorithm Name, Parameters and Version (TID 4019), Device Observer Manufacturer and Model Name (TID 1004): the
name of a product."""

DESCRIBING = frozenset({("DCM", "121065"), ("DCM", "112039")})
"""Procedure Description, Tracking Identifier: short descriptions."""


def cleaned(made: Dataset, source: Dataset, wording: Wording, identity: Identity) -> Dataset:
    """`made` is the walked copy of `source`: its own text by the concept that it states, its items without those
    about the patient."""
    if "ContentSequence" in made:
        kept = zip(made.ContentSequence, source.ContentSequence, strict=True)
        made.ContentSequence = [ours for ours, theirs in kept if concept(theirs) not in ABOUT_THE_PATIENT]
    if "TextValue" in source and "ValueType" in source:
        made.TextValue = _text("".join(values_of(source["TextValue"])), concept(source), wording, identity)
    return made


def _text(value: str, name: Concept, wording: Wording, identity: Identity) -> str:
    if name in ABOUT_THE_ALGORITHM and not identity.occurs_in(value):
        return value
    if name in DESCRIBING:
        return wording.description(value, identity) or WORD
    return wording.text(value, identity) or MARKER


def concept(item: Dataset) -> Concept:
    """(scheme, value) of a content item's concept name, ("", "") without one."""
    if "ConceptNameCodeSequence" not in item or not len(item.ConceptNameCodeSequence):
        return "", ""
    code = item.ConceptNameCodeSequence[0]
    parts = ("CodingSchemeDesignator", "CodeValue")
    scheme, value = ("".join(values_of(code[it])) if it in code else "" for it in parts)
    return scheme, value
