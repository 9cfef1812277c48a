"""Writes `profile.json` and `conformance.json` anew from machine-readable copies of the standard's tables.

`python -m dicom_node.deidentify.make_tables confidentiality_profile_attributes.json SOURCE`: the first is Table E.1-1
as innolitics/dicom-standard publishes it, SOURCE says in words which state of it. What the IODs require is taken from
the tables that highdicom carries. Needed only when the standard changes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

OPTIONS = {
    "rtnLongFullDatesOpt": "full_dates",
    "rtnLongModifDatesOpt": "modified_dates",
    "cleanDescOpt": "descriptors",
    "cleanStructContOpt": "structured_content",
    "cleanGraphOpt": "graphics",
}
"""The columns that the options of this package need. Every other option is not offered: its column is left out."""

TYPES = {"1": "1", "1C": "1", "2": "2", "2C": "2"}
"""Conditional types count as the type itself: what is there was needed."""


def profile(rows: Sequence[Mapping[str, str]], source: str) -> str:
    """One row of the table a line: tag (x for any digit, "private" for odd groups), name, actions."""
    written = {_tag(row["id"]): {"name": row["name"], "basic": row["basicProfile"]} | _options(row) for row in rows}
    lines = ",\n".join(f"    {json.dumps(tag)}: {json.dumps(row)}" for tag, row in sorted(written.items()))
    head = {"standard": "PS3.15 Table E.1-1", "source": source, "rows": len(rows)}
    return f'{{\n  "provenance": {json.dumps(head)},\n  "rows": {{\n{lines}\n  }}\n}}\n'


def _tag(identifier: str) -> str:
    return "private" if identifier.startswith("gggg") else identifier


def _options(row: Mapping[str, str]) -> dict[str, str]:
    return {ours: row[theirs] for theirs, ours in OPTIONS.items() if theirs in row}


def conformance(conditional: frozenset[str], removed: frozenset[str]) -> str:
    """Attributes of type 1 or 2 with conditional rows or rows that remove: `types` at the top of each IOD, all others
    being optional or not there; `nested` in items of which sequences, for rows that remove."""
    iods, modules = _standard("sop_class_iod_map"), _standard("iod_module_map")
    attributes = _standard("module_attribute_map")
    of_iod = {iod: [attributes.get(it["key"], ()) for it in modules[iod]] for iod in sorted(set(iods.values()))}
    keywords = conditional | removed
    types = {iod: _strictest(_required(rows, keywords)).get("", {}) for iod, rows in of_iod.items()}
    everything = [rows for listed in of_iod.values() for rows in listed]
    nested = _strictest(_required_inside(everything, removed))
    head = {"standard": "PS3.3, types of attributes by module", "source": "highdicom 0.28.2, highdicom/_standard"}
    tables = {"iods": dict(sorted(iods.items())), "types": types, "nested": dict(sorted(nested.items()))}
    parts = [f'  "provenance": {json.dumps(head)}', *(f'  "{name}": {_lines(it)}' for name, it in tables.items())]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(table: Mapping[str, object]) -> str:
    rows = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in table.items())
    return f"{{\n{rows}\n  }}"


def _strictest(found: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    """Of (sequence, keyword, type): the strictest type of each keyword by sequence."""
    strictest: dict[str, dict[str, str]] = {}
    for parent, keyword, kind in found:
        inside = strictest.setdefault(parent, {})
        inside[keyword] = min(kind, inside.get(keyword, kind))
    return strictest


def _required(
    modules: Iterable[Iterable[Mapping[str, Any]]], keywords: frozenset[str]
) -> Iterator[tuple[str, str, str]]:
    for row in (row for rows in modules for row in rows):
        if not row["path"] and row["keyword"] in keywords and row["type"] in TYPES:
            yield "", row["keyword"], TYPES[row["type"]]


def _required_inside(
    modules: Iterable[Iterable[Mapping[str, Any]]], removed: frozenset[str]
) -> Iterator[tuple[str, str, str]]:
    """But in items that are removed themselves."""
    for row in (row for rows in modules for row in rows):
        kept = row["path"] and removed.isdisjoint(row["path"])
        if kept and row["keyword"] in removed and row["type"] in TYPES:
            yield row["path"][-1], row["keyword"], TYPES[row["type"]]


def _standard(name: str) -> dict[str, Any]:
    return json.loads(files("highdicom").joinpath("_standard", f"{name}.json").read_text("utf-8"))


def keywords_of(rows: Sequence[Mapping[str, str]], *, removed: bool) -> frozenset[str]:
    """Of the rows that remove, or of the conditional ones."""
    from pydicom.datadict import keyword_for_tag

    wanted = (row for row in rows if (row["basicProfile"] == "X" if removed else "/" in row["basicProfile"]))
    return frozenset(keyword_for_tag(int(row["id"], 16)) for row in wanted if re.fullmatch(r"[0-9a-f]{8}", row["id"]))


if __name__ == "__main__":
    table, here = json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(__file__).parent
    made = conformance(keywords_of(table, removed=False), keywords_of(table, removed=True))
    (here / "profile.json").write_text(profile(table, sys.argv[2]), "utf-8")
    (here / "conformance.json").write_text(made, "utf-8")
