"""Names as HL7 v2 orders their parts (XPN, CNN, XCN): suffix before prefix, unlike DICOM."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dicom_node.report.hl7.er7 import Component
from dicom_node.report.life_cycle import Person
from dicom_node.report.person_names import NameGroup, Script, name_groups
from dicom_node.report.words import clean_name

REPRESENTATIONS: Mapping[Script, str] = MappingProxyType({"alphabetic": "A", "ideographic": "I", "phonetic": "P"})
"""Table 0465."""


def names(value: str) -> list[tuple[Component, ...]]:
    """PID-5, a repetition a script. An unknown name is one empty repetition."""
    return [(*_parts(group), "", "L", REPRESENTATIONS[group.script]) for group in name_groups(value)] or [("",)]


def name_and_id(person: Person) -> tuple[str, ...]:
    """Of a person of the hospital: ID, then the parts of the name in their first script."""
    return (person.id, *_parts(name_groups(clean_name(person.name))[0]))


def _parts(group: NameGroup) -> tuple[str, str, str, str, str]:
    return group.family, group.given, group.middle, group.suffix, group.prefix
