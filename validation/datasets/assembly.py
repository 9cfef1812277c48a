"""What all adapters share: tables, what is left out and why, and the digest of a data set."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TextIO

from medvlm.contract import FindingName, Laterality, View
from validation.cases import Case, DataSet
from validation.errors import BadDataSet

Labels = dict[FindingName, Literal[0, 1]]

VIEWS: Mapping[str, View] = {
    "PA": "PA",
    "POSTEROANTERIOR": "PA",
    "AP": "AP",
    "ANTEROPOSTERIOR": "AP",
    "AP_HORIZONTAL": "AP",
    "L": "LATERAL",
    "LL": "LATERAL",
    "RL": "LATERAL",
    "LATERAL": "LATERAL",
}
SEXES: Mapping[str, Literal["M", "F", "O"]] = {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F", "O": "O"}


@dataclass
class Tally:
    """What was left out: rows by reason, and labels by reason."""

    rows: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"{count} labels left out: {reason}" for reason, count in sorted(self.labels.items()))


def view_of(text: str) -> View:
    return VIEWS.get(text.strip().upper(), "unknown")


def sex_of(text: str) -> Literal["M", "F", "O", ""]:
    return SEXES.get(text.strip().upper(), "")


def age_of(text: str) -> float | None:
    """Years from "57", "057Y" or "57.0"; None where it is no age a person has."""
    try:
        years = float(text.strip().rstrip("Yy"))
    except ValueError:
        return None
    return years if 0 <= years <= 120 else None


def attributes(**given: object) -> dict[str, str]:
    """The attributes that are known, as text; a whole number without its point."""
    return {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in given.items()
        if value not in (None, "", "unknown")
    }


def table(path: Path, columns: Iterable[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file, plain or gzipped; `columns` have to be there. Raises `BadDataSet`."""
    found = path if path.is_file() else path.with_name(path.name + ".gz")
    try:
        with _opened(found) as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise BadDataSet(
                    f"the file lacks the columns {', '.join(missing)}",
                    where=f"{found}, line 1",
                    way_out="Take the file as it is published, unchanged.",
                )
            for row in reader:
                yield {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
    except (OSError, UnicodeDecodeError, csv.Error, EOFError) as error:
        raise unreadable(found, error) from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def unreadable(path: Path, error: Exception) -> BadDataSet:
    why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return BadDataSet(
        f"a file of the data set cannot be read: {why}",
        where=str(path),
        way_out="Point the adapter to the folder that holds the published files.",
    )


def first_folder(root: Path, *names: str) -> Path:
    """The first of the folders that exists: published layouts differ in places. Raises `BadDataSet`."""
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise BadDataSet(
        f"none of the folders {', '.join(names)} is there",
        where=str(root),
        way_out="Point the adapter to the folder that holds the published files.",
    )


def files_by_name(root: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Every file below, by its name; of files with one name the first in order of path."""
    found: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in suffixes and path.is_file():
            found.setdefault(path.name, path)
    return found


def data_set(name: str, cases: Iterable[Case], tally: Tally, licence: str, notes: Sequence[str] = ()) -> DataSet:
    """In the order of the case ids. Raises `BadDataSet` where no case is left."""
    ordered = tuple(sorted(cases, key=lambda case: case.case_id))
    if not ordered:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(tally.rows.items())) or "there was no row"
        raise BadDataSet(f"no case is left: {reasons}", where=name, way_out="Check the folder and the options.")
    return DataSet(
        name=name,
        cases=ordered,
        excluded=dict(sorted(tally.rows.items())),
        digest=digest(ordered),
        licence=licence,
        notes=(*notes, *tally.notes),
    )


def digest(cases: Iterable[Case]) -> str:
    """Of all that is held to be true of the cases, and of the bytes of their images; not of where they lie."""
    total = hashlib.sha256()
    for case in cases:
        known = case.model_dump(mode="json", exclude={"images", "prior", "changed"})
        known["changed"] = None if case.changed is None else sorted(case.changed)
        known["images"] = [_file_digest(path) for path in case.images]
        known["prior"] = None if case.prior is None else [_file_digest(path) for path in case.prior]
        total.update(json.dumps(known, sort_keys=True).encode())
    return total.hexdigest()


def one_side(words: Iterable[str]) -> Laterality:
    """The side that words name; unspecified where they name none."""
    named = {word for word in words if word in {"left", "right", "bilateral"}}
    if "bilateral" in named or {"left", "right"} <= named:
        return "bilateral"
    return "left" if "left" in named else "right" if "right" in named else "unspecified"


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
