r"""Segments as text (HL7 v2.5.1 chapter 2): fields by |, repetitions by ~, components by ^, subcomponents by &.

Written here because hl7apy's own writer takes text that looks like an escape for one, and leaves & as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from dicom_node.report.words import printable

DELIMITERS = "^~\\&"
ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\", "\r": "\\.br\\", "\n": "\\.br\\"}
)

Component = str | tuple[str, ...]
"""Text, or its subcomponents."""

Field = str | tuple[Component, ...] | list[tuple[Component, ...]]
"""Text, its components, or its repetitions."""


def escaped(text: str) -> str:
    """Text that breaks no message: delimiters escaped, line ends as a line break, other controls left out."""
    return printable(text.replace("\r\n", "\n")).translate(ESCAPES)


def segment(name: str, fields: Sequence[Field]) -> str:
    """`fields` from number 1 on; empty ones at the end are left out."""
    written = [_field(field) for field in fields]
    while written and not written[-1]:
        written.pop()
    return "|".join([name, *written])


def header(fields: Sequence[Field]) -> str:
    """MSH: its first field is the separator, its second, which `fields` begin behind, the other delimiters."""
    return segment("MSH", fields).replace("MSH|", f"MSH|{DELIMITERS}|", 1)


def message(segments: Sequence[str]) -> bytes:
    return "".join(f"{one}\r" for one in segments).encode()


def _field(field: Field) -> str:
    if isinstance(field, str):
        return escaped(field)
    repetitions = field if isinstance(field, list) else [field]
    return "~".join(_joined("^", [_component(part) for part in one]) for one in repetitions)


def _component(component: Component) -> str:
    parts = (component,) if isinstance(component, str) else component
    return _joined("&", [escaped(part) for part in parts])


def _joined(delimiter: str, parts: list[str]) -> str:
    return delimiter.join(parts).rstrip(delimiter)
