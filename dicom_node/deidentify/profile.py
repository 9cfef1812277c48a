"""Table E.1-1 of PS3.15 and which of its actions holds for an attribute of an instance.

X remove; Z empty; D a dummy in its place; K keep; C clean; U another UID. X/Z, X/D and so on: the first that leaves
the attribute's type (PS3.3) satisfied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from pydicom.datadict import keyword_for_tag
from pydicom.tag import BaseTag

from dicom_node.deidentify.options import Options

Action = Literal["X", "Z", "D", "U", "K", "C"]

STRENGTH: Mapping[str, int] = MappingProxyType({"X": 0, "Z": 1, "D": 2, "U": 2, "U*": 2})
"""How much of an attribute an action leaves: nothing, an empty value, a value."""

NEEDED: Mapping[str, int] = MappingProxyType({"3": 0, "2": 1, "1": 2})
"""How much of it an attribute's type needs."""


@dataclass(frozen=True)
class Row:
    """A row of the table. The columns of options hold K, C or ""."""

    name: str
    basic: str
    full_dates: str = ""
    modified_dates: str = ""
    descriptors: str = ""
    structured_content: str = ""
    graphics: str = ""

    def action(self, options: Options, needed: str) -> Action:
        """`needed` is the attribute's type where it stands: "1", "2", "3", or "" where that is not known."""
        if options.dates == "kept" and self.full_dates == "K":
            return "K"
        cleaned = (self.modified_dates if options.dates == "shifted" else "", self.descriptors)
        if "C" in (*cleaned, self.structured_content, self.graphics):
            return "C"
        return self.otherwise(needed)

    def otherwise(self, needed: str) -> Action:
        """The action of the basic profile: what holds where nothing can be cleaned.

        The table removes a few attributes that PS3.3 requires: of these the least is left that is valid.
        """
        given = ["X", "Z", "D"] if self.basic == "X" and needed else self.basic.split("/")
        fitting = (it for it in given if needed and STRENGTH[it] >= NEEDED[needed])
        chosen = next(fitting, given[-1])
        return "U" if chosen == "U*" else chosen  # type: ignore[return-value]


def row_of(tag: BaseTag) -> Row | None:
    """The row of an attribute. Every attribute of a private, curve or overlay group has that group's row."""
    if tag.group % 2:
        return rows()["private"]
    if 0x5000 <= tag.group <= 0x50FF:
        return replace(rows()["50xxxxxx"], graphics="")
    if 0x6000 <= tag.group <= 0x60FF:
        # Pixels are not cleaned here, and what is left of an overlay without its data is no overlay.
        return replace(rows()["60xx3000"], graphics="")
    return rows().get(f"{tag:08x}")


def type_of(sop_class_uid: str, tag: BaseTag, parent: str = "") -> str:
    """The type of an attribute, of which the table removes more or less, at the top or in items of the sequence
    `parent`. "" where the tables do not know it."""
    table, keyword = _table("conformance.json"), keyword_for_tag(tag)
    if parent:
        return str(table["nested"].get(parent, {}).get(keyword, ""))
    iod = table["iods"].get(sop_class_uid)
    return "" if iod is None else str(table["types"][iod].get(keyword, "3"))


@cache
def rows() -> Mapping[str, Row]:
    """By tag as eight hexadecimal digits, "50xxxxxx", "60xx3000", "60xx4000" and "private"."""
    return MappingProxyType({tag: Row(**row) for tag, row in _table("profile.json")["rows"].items()})


@cache
def _table(name: str) -> dict[str, Any]:
    return json.loads(files(__package__).joinpath(name).read_text("utf-8"))
