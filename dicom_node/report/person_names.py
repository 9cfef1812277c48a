"""Person names as people, FHIR and HL7 v2 write them, from the five components of PS3.5 6.2.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Script = Literal["alphabetic", "ideographic", "phonetic"]
SCRIPTS: tuple[Script, ...] = ("alphabetic", "ideographic", "phonetic")


@dataclass(frozen=True)
class NameGroup:
    """One component group of a name: the same person in one script."""

    script: Script
    family: str
    given: str
    middle: str
    prefix: str
    suffix: str

    @property
    def text(self) -> str:
        """For people: `Family, Prefix Given Middle Suffix`; in ideographs without the comma."""
        rest = " ".join(filter(None, (self.prefix, self.given, self.middle, self.suffix)))
        comma = ", " if self.script == "alphabetic" else " "
        return comma.join(filter(None, (self.family, rest)))


def name_groups(value: str) -> tuple[NameGroup, ...]:
    """The groups that are not empty, of a value of VR PN that is already clean (`header.clean_header`)."""
    groups = zip(SCRIPTS, value.split("="), strict=False)
    return tuple(_group(script, group) for script, group in groups if group.strip("^ "))


def name_text(value: str) -> str:
    """All groups on one line; "" for an empty name."""
    return " · ".join(dict.fromkeys(group.text for group in name_groups(value)))


def _group(script: Script, value: str) -> NameGroup:
    parts = [part.strip() for part in value.split("^")]
    family, given, middle, prefix, suffix = (*parts, "", "", "", "", "")[:5]
    return NameGroup(script, family, given, middle, prefix, suffix)
