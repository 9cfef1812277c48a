"""NIH ChestX-ray14 films packed in ZIP archives, with VQA-RAD and pictures out of scope beside them.

    cxr/labels.csv          image, patient, sex, age, view, a column a label (0/1), No_Finding, split
    cxr/boxes.csv           image, finding, x, y, w, h in pixels of the 1024 × 1024 film
    cxr/nih128-SPLIT.zip    the member of an image is its stem with `.webp`
    vqa/SPLIT.json          rows as VQA-RAD has them; images in vqa/images
    out_of_scope/labels.csv image, kind; the rows of even place by (kind, image) are those that may be trained on
    paediatric/labels.csv   image, patient, label, split; images in paediatric-SPLIT.zip

The labels are mined from reports (about 90 % right by their authors' estimate). `airspace_opacity` is any of
Infiltration, Consolidation and Pneumonia, which the source uses loosely; `abnormality` is the absence of No Finding.

Source: Wang et al., CVPR 2017; Lau et al., Sci Data 2018;5:180251; Kermany et al., Mendeley Data v2 (children).
"""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from medvlm.contract import FindingName, StudyContext, View
from validation.cases import AskedQuestion, Case, DataSet, LabelledBox
from validation.errors import BadDataSet

Part = Literal["films", "questions", "out_of_scope", "children"]
Row = dict[str, str]

COLUMNS: Mapping[FindingName, tuple[str, ...]] = {
    "airspace_opacity": ("Infiltration", "Consolidation", "Pneumonia"),
    "atelectasis": ("Atelectasis",),
    "cardiomegaly": ("Cardiomegaly",),
    "consolidation": ("Consolidation",),
    "edema": ("Edema",),
    "effusion": ("Effusion",),
    "emphysema": ("Emphysema",),
    "fibrosis": ("Fibrosis",),
    "hernia": ("Hernia",),
    "infiltration": ("Infiltration",),
    "mass": ("Mass",),
    "nodule": ("Nodule",),
    "pleural_thickening": ("Pleural_Thickening",),
    "pneumonia": ("Pneumonia",),
    "pneumothorax": ("Pneumothorax",),
}
BOXED_SIZE = 1024
OLDEST = 110
LICENCE = {
    "films": "NIH Clinical Center: free use; cite Wang et al., CVPR 2017",
    "questions": "CC0 1.0",
    "out_of_scope": "as its labels.csv says, row by row",
    "children": "CC BY 4.0",
}
NOTES = {
    "films": "Labels are mined from reports by text analysis: a weak reference.",
    "questions": "Questions are held apart by case, not by the published split.",
    "out_of_scope": "The half that may be trained on is left out.",
    "children": "Children of 1 to 5 years: outside the population of a model for adults.",
}


def read(root: Path, *, unpack_to: Path, part: Part = "films", split: str = "test") -> DataSet:
    """`unpack_to` is the folder for images that lie in archives. Raises `BadDataSet`."""
    try:
        cases, excluded = _READERS[part](root, split, unpack_to / part / split)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        what = f"{part} of split {split!r} cannot be read: {type(error).__name__}"
        raise BadDataSet(what, where=str(root), way_out="The layout is in this adapter's docstring.") from error
    return DataSet(
        name=f"{part}-{split}",
        cases=cases,
        excluded=excluded,
        digest=_digest(cases),
        licence=LICENCE[part],
        notes=(NOTES[part],),
    )


def _films(root: Path, split: str, folder: Path) -> tuple[tuple[Case, ...], dict[str, int]]:
    rows = _rows(root / "cxr" / "labels.csv")
    archive = f"nih128-{split}.zip"
    chosen = [row for row in rows if row["split"] == split and row["archive"] == archive]
    places = _unpacked(root / "cxr" / archive, folder, (Path(row["image"]).stem + ".webp" for row in chosen))
    boxes = defaultdict(list)
    for row in _rows(root / "cxr" / "boxes.csv"):
        boxes[row["image"]].append(row)
    cases = tuple(_film(row, place, boxes[row["image"]]) for row, place in zip(chosen, places, strict=True))
    return cases, {f"not of split {split}": len(rows) - len(chosen)}


def _film(row: Row, place: Path, boxes: Iterable[Row]) -> Case:
    view: View = "AP" if row["view"] == "AP" else "PA"
    age = float(row["age"]) if row["age"] and float(row["age"]) <= OLDEST else None
    labels = {name: _any(row, columns) for name, columns in COLUMNS.items()}
    scale = float(row["pixels"]) / BOXED_SIZE
    return Case(
        case_id=Path(row["image"]).stem,
        patient=row["patient"],
        images=(place,),
        context=StudyContext(sex="M" if row["sex"] == "M" else "F", age_years=age, view=view),
        labels={"abnormality": 1 if row["No_Finding"] == "0" else 0, **labels},
        boxes=tuple(_box(each, scale) for each in boxes),
        attributes={"sex": row["sex"], "view": view, "age_years": "" if age is None else row["age"]},
    )


def _any(row: Row, columns: Iterable[str]) -> Literal[0, 1]:
    return 1 if any(row[column] == "1" for column in columns) else 0


def _box(row: Row, scale: float) -> LabelledBox:
    x, y, width, height = (float(row[key]) * scale for key in ("x", "y", "w", "h"))
    return LabelledBox(finding=row["finding"].lower(), x0=x, y0=y, x1=x + width, y1=y + height)


def _questions(root: Path, split: str, _folder: Path) -> tuple[tuple[Case, ...], dict[str, int]]:
    asked: dict[str, list[AskedQuestion]] = defaultdict(list)
    patients: dict[str, str] = {}
    for row in json.loads((root / "vqa" / f"{split}.json").read_text("utf-8")):
        kind: Literal["closed", "open"] = "closed" if str(row["answer_type"]).strip() == "CLOSED" else "open"
        question = AskedQuestion(
            id=str(row["qid"]), text=str(row["question"]).strip(), answer=str(row["answer"]).strip(), kind=kind
        )
        asked[row["image_name"]].append(question)
        patients[row["image_name"]] = row["image_case_url"]
    return tuple(
        Case(
            case_id=Path(name).stem,
            patient=hashlib.sha256(patients[name].encode()).hexdigest()[:16],
            images=(root / "vqa" / "images" / name,),
            questions=tuple(asked[name]),
        )
        for name in sorted(asked)
    ), {}


def _out_of_scope(root: Path, split: str, _folder: Path) -> tuple[tuple[Case, ...], dict[str, int]]:
    rows = sorted(_rows(root / "out_of_scope" / "labels.csv"), key=lambda row: (row["kind"], row["image"]))
    chosen = rows[0::2] if split == "train" else rows[1::2]
    cases = tuple(
        Case(
            case_id=Path(row["image"]).stem,
            patient=row["image"],
            images=(root / "out_of_scope" / row["image"],),
            in_scope=False,
            kind=row["kind"],
        )
        for row in chosen
    )
    return cases, {"may be trained on": len(rows) - len(chosen)}


def _children(root: Path, split: str, folder: Path) -> tuple[tuple[Case, ...], dict[str, int]]:
    rows = _rows(root / "paediatric" / "labels.csv")
    chosen = [row for row in rows if row["split"] == split]
    places = _unpacked(root / "paediatric" / f"paediatric-{split}.zip", folder, (row["image"] for row in chosen))
    cases = tuple(
        Case(case_id=place.stem, patient=row["patient"], images=(place,), in_scope=False, kind="child")
        for row, place in zip(chosen, places, strict=True)
    )
    return cases, {f"not of split {split}": len(rows) - len(chosen)}


_READERS = {"films": _films, "questions": _questions, "out_of_scope": _out_of_scope, "children": _children}


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _unpacked(archive: Path, folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """Each member as a file of its own, written once. Only the last part of a member's name is used."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as members:
        stored = {Path(member).name: member for member in members.namelist()}
        for name in names:
            place = folder / name
            if not place.exists():
                place.write_bytes(members.read(stored[name]))
            yield place


def _digest(cases: Iterable[Case]) -> str:
    """Of what is held to be true and of each image's bytes; not of where they lie."""
    total = hashlib.sha256()
    for case in cases:
        truth = case.model_dump_json(exclude={"images", "prior"})
        images = [hashlib.sha256(path.read_bytes()).hexdigest() for path in case.images]
        total.update(json.dumps([truth, images]).encode())
    return total.hexdigest()
