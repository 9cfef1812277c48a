"""The query of a search transaction (PS3.18 sections 8.3.4 and 10.6), read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from fastapi import HTTPException
from pydicom.datadict import tag_for_keyword

Level = Literal["study", "series", "instance"]
Kind = Literal["uid", "text", "name", "code", "date", "time", "integer"]

PIXELS_BEGIN: Final = 0x7FE00000
LONGEST_VALUE: Final = 4096
MOST_UIDS: Final = 1000
FARTHEST: Final = 1 << 40


@dataclass(frozen=True)
class Attribute:
    """A matching key: what it is of, and how it matches (PS3.4 C.2.2.2)."""

    tag: int
    keyword: str
    level: Level
    kind: Kind


ATTRIBUTES: Final = (
    Attribute(0x0020000D, "StudyInstanceUID", "study", "uid"),
    Attribute(0x00080020, "StudyDate", "study", "date"),
    Attribute(0x00080030, "StudyTime", "study", "time"),
    Attribute(0x00080050, "AccessionNumber", "study", "text"),
    Attribute(0x00080061, "ModalitiesInStudy", "study", "code"),
    Attribute(0x00080090, "ReferringPhysicianName", "study", "name"),
    Attribute(0x00081030, "StudyDescription", "study", "text"),
    Attribute(0x00100010, "PatientName", "study", "name"),
    Attribute(0x00100020, "PatientID", "study", "text"),
    Attribute(0x00100021, "IssuerOfPatientID", "study", "text"),
    Attribute(0x00100030, "PatientBirthDate", "study", "date"),
    Attribute(0x00100040, "PatientSex", "study", "code"),
    Attribute(0x00200010, "StudyID", "study", "text"),
    Attribute(0x0020000E, "SeriesInstanceUID", "series", "uid"),
    Attribute(0x00080060, "Modality", "series", "code"),
    Attribute(0x0008103E, "SeriesDescription", "series", "text"),
    Attribute(0x00200011, "SeriesNumber", "series", "integer"),
    Attribute(0x00080018, "SOPInstanceUID", "instance", "uid"),
    Attribute(0x00080016, "SOPClassUID", "instance", "uid"),
    Attribute(0x00200013, "InstanceNumber", "instance", "integer"),
)
BY_TAG: Final = {attribute.tag: attribute for attribute in ATTRIBUTES}
LEVELS: Final[tuple[Level, ...]] = ("study", "series", "instance")
SEVERAL: Final = frozenset({"uid", "code"})
"""Kinds that match any of a list."""

_DATES = re.compile(r"(?:[0-9]{8})?-(?:[0-9]{8})?|[0-9]{8}")
_TIME = r"(?:[0-9]{2}){1,3}(?:\.[0-9]{1,6})?"
_TIMES = re.compile(f"(?:{_TIME})?-(?:{_TIME})?|{_TIME}")
_FORMS: Final[dict[Kind, re.Pattern[str]]] = {
    "uid": re.compile(r"[0-9.]{1,64}"),
    "integer": re.compile(r"[+-]?[0-9]{1,12}"),
    "date": _DATES,
    "time": _TIMES,
}


@dataclass(frozen=True)
class Query:
    """`limit` None: as many as the node gives at once. `fields` are tags to return besides the usual ones."""

    matches: dict[Attribute, tuple[str, ...]]
    fields: frozenset[int] = frozenset()
    all_fields: bool = False
    limit: int | None = None
    offset: int = 0
    fuzzy: bool = False

    def at(self, level: Level) -> dict[Attribute, tuple[str, ...]]:
        return {attribute: values for attribute, values in self.matches.items() if attribute.level == level}


def parse(parameters: Iterable[tuple[str, str]], level: Level) -> Query:
    """The query of a search at that level. Raises HTTPException 400, which names the key and never the value.

    A key that cannot be matched is refused: ignored, it would find other patients' studies.
    """
    matches: dict[Attribute, tuple[str, ...]] = {}
    fields: set[int] = set()
    settings: dict[str, str] = {}
    for name, value in parameters:
        if name in ("limit", "offset", "fuzzymatching"):
            settings[name] = value
        elif name == "includefield":
            fields |= {_field(one.strip()) for one in value.split(",") if one.strip()}
        elif name not in ("accept", "emptyvaluematching", "multiplevaluematching"):
            attribute = _attribute(name, level)
            matches[attribute] = (*matches.get(attribute, ()), *_values(attribute, value))
    for attribute, values in matches.items():
        _check(attribute, values)
    return Query(
        matches={attribute: values for attribute, values in matches.items() if values},
        fields=frozenset(fields - {_ALL}),
        all_fields=_ALL in fields,
        limit=_count(settings, "limit"),
        offset=_count(settings, "offset") or 0,
        fuzzy=settings.get("fuzzymatching", "").lower() == "true",
    )


_ALL: Final = -1


def _field(name: str) -> int:
    if name == "all":
        return _ALL
    tag = _tag(name.split(".", 1)[0])  # of a path into a sequence, the whole sequence
    return tag if tag < PIXELS_BEGIN else _ALL


def _attribute(name: str, level: Level) -> Attribute:
    attribute = BY_TAG.get(_tag(name))
    if attribute is None or LEVELS.index(attribute.level) > LEVELS.index(level):
        # The name is of the standard's dictionary or hexadecimal: nothing of a patient.
        raise HTTPException(400, f"{name} cannot be matched at {level} level.")
    return attribute


def _tag(name: str) -> int:
    """Of a keyword or eight hexadecimal digits."""
    if re.fullmatch(r"[0-9A-Fa-f]{8}", name):
        return int(name, 16)
    tag = tag_for_keyword(name) if name.isascii() and name.isalnum() else None
    if tag is None:
        raise HTTPException(400, "A query key is neither a keyword nor a tag of eight hexadecimal digits.")
    return tag


def _values(attribute: Attribute, value: str) -> tuple[str, ...]:
    """Nothing for an empty value, which matches everything (PS3.4 C.2.2.2.3)."""
    if len(value) > LONGEST_VALUE * (16 if attribute.kind == "uid" else 1):
        raise HTTPException(400, f"{attribute.keyword} is too long.")
    parts = re.split(r"[,\\]", value) if attribute.kind in SEVERAL else [value]
    return tuple(part.strip() for part in parts if part.strip(" *"))


def _check(attribute: Attribute, values: tuple[str, ...]) -> None:
    form = _FORMS.get(attribute.kind)
    several = len(values) > (MOST_UIDS if attribute.kind in SEVERAL else 1)
    if several or any("\0" in value for value in values):
        raise HTTPException(400, f"{attribute.keyword} has too many values, or one that no text can hold.")
    if form is not None and not all(form.fullmatch(value) for value in values):
        raise HTTPException(400, f"{attribute.keyword} needs a valid {attribute.kind}.")


def _count(settings: dict[str, str], name: str) -> int | None:
    text = settings.get(name)
    if text is None or text == "":
        return None
    if not re.fullmatch(r"[0-9]{1,40}", text):
        raise HTTPException(400, f"{name} needs a whole number.")
    return min(int(text), FARTHEST)
