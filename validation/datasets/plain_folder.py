"""A folder of one's own: DICOM files at any depth, and a CSV file that says what is true of them.

One column is the key: `SOPInstanceUID`, `StudyInstanceUID`, `AccessionNumber` or `path` (from the folder). Others:

    patient_id            else PatientID of the header
    reader                who labelled: several rows of one key are merged by majority, a tie is no label
    report                the signed report
    site, sex, age_years, view, manufacturer    subgroups; else from the header where it says so
    in_scope              0 for an image that has to be refused, with `kind` for what it is
    effusion …            a finding of the vocabulary: 1, 0, -1 (uncertain: left out, counted) or empty
    effusion_side …       left, right, bilateral

`boxes.csv` beside it is optional: the key, `finding`, `x`, `y`, `w`, `h` in pixels of the source image. A row that
matches no file and a file that matches no row are both counted among what was left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from medvlm.contract import FindingName, Laterality, StudyContext
from medvlm.vocabulary import terms
from validation.cases import Case, DataSet, LabelledBox
from validation.datasets.assembly import Labels, Tally, age_of, attributes, data_set, sex_of, table, view_of
from validation.errors import BadDataSet

Key = Literal["SOPInstanceUID", "StudyInstanceUID", "AccessionNumber", "path"]
SUBGROUPS = ("site", "sex", "age_years", "view", "manufacturer")
KNOWN = {"patient_id", "reader", "report", "in_scope", "kind", *SUBGROUPS}
WAY_OUT = "One key column (SOPInstanceUID, StudyInstanceUID, AccessionNumber or path), then findings with 1, 0, -1 or "
WAY_OUT += "nothing; see the guide for the others."


@dataclass(frozen=True)
class _File:
    """One DICOM file and what its header says."""

    path: Path
    keys: Mapping[str, str]
    patient: str
    attributes: Mapping[str, str]


def read(root: Path, labels: str = "labels.csv", boxes: str = "boxes.csv") -> DataSet:
    """Raises `BadDataSet`."""
    tally = Tally()
    rows = list(table(root / labels, ()))
    key, findings = _columns(rows, root / labels)
    files = _files(root, {labels, boxes}, tally)
    by_key: dict[str, list[_File]] = defaultdict(list)
    for each in files:
        if each.keys[key]:
            by_key[each.keys[key]].append(each)
        else:
            tally.rows[f"file without {key}"] += 1
    marked = _boxes(root / boxes, key, by_key) if (root / boxes).is_file() else {}
    grouped: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    cases = [
        _case(name, each, by_key[name], findings, marked.get(name, ()), tally)
        for name, each in grouped.items()
        if name in by_key
    ]
    tally.rows["row that names no file"] += sum(len(each) for name, each in grouped.items() if name not in by_key)
    tally.rows["file that no row names"] += sum(len(each) for name, each in by_key.items() if name not in grouped)
    tally.rows = +tally.rows
    return data_set(root.name, cases, tally, "", ("Labels are one's own.",))


def _columns(rows: Sequence[Mapping[str, str]], path: Path) -> tuple[Key, tuple[FindingName, ...]]:
    header = list(rows[0]) if rows else []
    keys = [each for each in get_args(Key) if each in header]
    if len(keys) != 1:
        raise BadDataSet("there must be one key column", where=f"{path}, line 1", way_out=WAY_OUT)
    findings = tuple(name for name in header if name in terms())
    sides = {f"{name}_side" for name in findings}
    unknown = [name for name in header if name not in {*keys, *KNOWN, *findings, *sides}]
    if unknown:
        what = f"nothing is known of the columns {', '.join(unknown)}"
        raise BadDataSet(what, where=f"{path}, line 1", way_out=f"{WAY_OUT} Findings: {', '.join(terms())}.")
    for line, row in enumerate(rows, start=2):
        for name in findings:
            if row[name] not in {"", "1", "0", "-1"}:
                raise BadDataSet(f"{name} is neither 1, 0 nor -1", where=f"{path}, line {line}", way_out=WAY_OUT)
    return cast(Key, keys[0]), findings


def _case(
    name: str,
    rows: Sequence[Mapping[str, str]],
    files: Sequence[_File],
    findings: Sequence[FindingName],
    boxes: tuple[LabelledBox, ...],
    tally: Tally,
) -> Case:
    row, first = rows[0], files[0]
    known = {**first.attributes, **{each: row[each] for each in SUBGROUPS if row.get(each)}}
    sex, age, view = sex_of(known.get("sex", "")), age_of(known.get("age_years", "")), view_of(known.get("view", ""))
    return Case(
        case_id=name,
        patient=row.get("patient_id") or first.patient or name,
        images=tuple(each.path for each in files),
        context=StudyContext(sex=sex, age_years=age, view=view),
        labels=_merged(rows, findings, tally),
        sides=_sides(rows, findings),
        boxes=boxes,
        report=row.get("report", ""),
        attributes={**attributes(**{each: known.get(each) for each in ("site", "manufacturer")}),
                    **attributes(sex=sex, age_years=age, view=view)},
        in_scope=row.get("in_scope", "") != "0",
        kind=row.get("kind", ""),
    )  # fmt: skip


def _merged(rows: Sequence[Mapping[str, str]], findings: Iterable[FindingName], tally: Tally) -> Labels:
    labels: Labels = {}
    for finding in findings:
        votes = Counter(row[finding] for row in rows)
        tally.labels["uncertain"] += votes["-1"]
        if votes["1"] != votes["0"]:
            labels[finding] = 1 if votes["1"] > votes["0"] else 0
        elif votes["1"]:
            tally.labels["readers are divided"] += 1
    tally.labels = +tally.labels
    return labels


def _sides(rows: Sequence[Mapping[str, str]], findings: Iterable[FindingName]) -> dict[FindingName, Laterality]:
    """A side that all readers who give one agree on."""
    found: dict[FindingName, Laterality] = {}
    for finding in findings:
        said = {row.get(f"{finding}_side", "").lower() for row in rows} & {"left", "right", "bilateral"}
        if len(said) == 1:
            found[finding] = cast(Laterality, said.pop())
    return found


def _boxes(path: Path, key: Key, by_key: Mapping[str, Sequence[_File]]) -> dict[str, tuple[LabelledBox, ...]]:
    """Of keys that name one image: of a study with several it would not be known which."""
    found: dict[str, list[LabelledBox]] = defaultdict(list)
    for line, row in enumerate(table(path, (key, "finding", "x", "y", "w", "h")), start=2):
        if len(by_key.get(row[key], ())) != 1:
            raise BadDataSet("the box is of no single image", where=f"{path}, line {line}", way_out="Name an image.")
        if row["finding"] not in terms():
            raise BadDataSet("no such finding", where=f"{path}, line {line}", way_out=f"Known: {', '.join(terms())}.")
        x, y, w, h = (float(row[each]) for each in ("x", "y", "w", "h"))
        found[row[key]].append(LabelledBox(finding=row["finding"], x0=x, y0=y, x1=x + w, y1=y + h))
    return {name: tuple(each) for name, each in found.items()}


def _files(root: Path, tables: set[str], tally: Tally) -> list[_File]:
    found = []
    for path in sorted(path for path in root.rglob("*") if path.is_file() and path.name not in tables):
        each = _header(root, path)
        if each is None:
            tally.rows["file that is no DICOM image"] += 1
        else:
            found.append(each)
    return found


def _header(root: Path, path: Path) -> _File | None:
    # Only this adapter reads DICOM: the others must not wait for the import.
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        header = dcmread(path, stop_before_pixels=True)
    except (InvalidDicomError, OSError, ValueError, EOFError):
        return None
    if "SOPInstanceUID" not in header or "Rows" not in header:
        return None
    said = {name: str(header.get(name, "") or "").strip() for name in get_args(Key) if name != "path"}
    return _File(
        path=path,
        keys={**said, "path": path.relative_to(root).as_posix()},
        patient=str(header.get("PatientID", "") or "").strip(),
        attributes={
            "sex": str(header.get("PatientSex", "") or ""),
            "age_years": str(header.get("PatientAge", "") or ""),
            "view": str(header.get("ViewPosition", "") or ""),
            "manufacturer": str(header.get("Manufacturer", "") or ""),
        },
    )
