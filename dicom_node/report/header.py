"""Patient and study of a document: a clean copy of what a source image says (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2).

Headers of the world lack mandatory attributes and hold dates, sexes and character sets that do not exist. Values are
taken as text, one by one: an element object must not be shared, since a person name that was once written keeps the
bytes of its first character set.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from functools import partial

from pydicom.dataset import Dataset

from dicom_node.report.words import clean_name, one_line, printable

Cleaner = Callable[[str], str]
"""A value as the standard wants it, or "" where there is none."""


def _date(value: str) -> str:
    found = re.fullmatch(r"(\d{4})([.-]?)(\d{2})\2(\d{2})", value)
    if not found:
        return ""
    year, _, month, day = found.groups()
    try:
        return date(int(year), int(month), int(day)).strftime("%Y%m%d").zfill(8)
    except ValueError:
        return ""


def _time(value: str) -> str:
    found = re.fullmatch(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(\.\d{1,6})?)?)?", value)
    if not found:
        return ""
    hour, minute, second, fraction = (part or "" for part in found.groups())
    try:
        # A leap second is legal in DICOM and unknown to Python.
        time(int(hour), int(minute or 0), min(int(second or 0), 59 if second == "60" else 60))
    except ValueError:
        return ""
    return f"{hour}{minute}{second}{fraction}"


def _one_of(*allowed: str) -> Cleaner:
    return lambda value: value if value in allowed else ""


def _matching(pattern: str) -> Cleaner:
    return lambda value: value if re.fullmatch(pattern, value) else ""


def identifier(value: str) -> str:
    """Unchanged but for what cannot be written. Never shortened: a shortened identifier may be someone else's."""
    return printable(value).replace("\r", " ").replace("\n", " ").strip()


def _line(longest: int) -> Cleaner:
    return partial(one_line, longest=longest)


@dataclass(frozen=True)
class Attribute:
    """`always`: of type 2, hence present even when empty. `label` names it to people."""

    keyword: str
    label: str
    always: bool
    clean: Cleaner


ATTRIBUTES = (
    Attribute("PatientName", "patient's name", True, clean_name),
    Attribute("PatientID", "patient ID", True, identifier),
    Attribute("IssuerOfPatientID", "issuer of the patient ID", False, identifier),
    Attribute("PatientBirthDate", "patient's birth date", True, _date),
    Attribute("PatientSex", "patient's sex", True, _one_of("M", "F", "O")),
    Attribute("PatientAge", "patient's age", False, _matching(r"\d{3}[DWMY]")),
    Attribute("StudyDate", "study date", True, _date),
    Attribute("StudyTime", "study time", True, _time),
    Attribute("AccessionNumber", "accession number", True, identifier),
    Attribute("ReferringPhysicianName", "referring physician's name", True, clean_name),
    Attribute("StudyID", "study ID", True, identifier),
    Attribute("StudyDescription", "study description", False, _line(64)),
)


def clean_header(source: Dataset) -> Dataset:
    """Patient and study attributes, every one of type 2 present, every value valid, to be written as UTF-8."""
    header = Dataset()
    for attribute in ATTRIBUTES:
        value = attribute.clean(read_text(source, attribute.keyword))
        if value or attribute.always:
            setattr(header, attribute.keyword, value)
    return header


def header_notes(source: Dataset) -> tuple[str, ...]:
    """A sentence for every value that the source holds and the document cannot."""
    found = [(attribute, read_text(source, attribute.keyword)) for attribute in ATTRIBUTES]
    return tuple(
        f"The {attribute.label} in the image header, {one_line(value, 64)!r}, is not valid and was left out."
        for attribute, value in found
        if one_line(value, 64) and not attribute.clean(value)
    )


ESCAPE_SEQUENCE = re.compile(r"\x1b[\x20-\x2f]+[\x30-\x7e]")
"""Of ISO 2022 (PS3.5 6.1.2.5): pydicom 3.0 leaves that of GB 2312 (ISO 2022 IR 58) in the text."""


def read_text(source: Dataset, keyword: str, index: int = 0) -> str:
    """One value of an element as text, the first unless told; "" where it is absent or cannot be read."""
    try:
        value = source.get(keyword)
        if not isinstance(value, str) and hasattr(value, "__getitem__") and not hasattr(value, "components"):
            value = value[index] if len(value) > index else None
        elif index:
            value = None
        return "" if value is None else ESCAPE_SEQUENCE.sub("", str(value)).strip(" \0")
    except Exception:
        # Parsing happens on access, and foreign bytes raise whatever the parser happens to trip over.
        return ""


def read_items(source: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is absent or cannot be read."""
    try:
        value = source.get(keyword)
        return [item for item in value or () if isinstance(item, Dataset)]
    except Exception:
        # As in `read_text`.
        return []


def read_count(source: Dataset, keyword: str) -> int:
    """A whole number above zero, or 0."""
    value = read_text(source, keyword)
    return int(value) if re.fullmatch(r"\d{1,9}", value, re.ASCII) else 0
