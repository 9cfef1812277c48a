"""NIH ChestX-ray14: `Data_Entry_2017*.csv`, `BBox_List_2017.csv`, the list of the split, PNG files in any folders.

Each image is a case: labels are per image. They are mined from reports: a subset under a panel of radiologists is the
better reference. All fourteen are labelled in every row; "No Finding" is the absence of an abnormality among them.

Traps: the headers have commas inside brackets; the box file says Infiltrate; `Patient Gender` became `Patient Sex`;
first-release ages carry a Y and reach 414. Boxes are in the pixels of the 1024² PNG, which is the source image here.

Source: Wang et al., CVPR 2017; NIH Clinical Center, files of the release.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from medvlm.contract import StudyContext
from validation.cases import Case, DataSet, LabelledBox
from validation.datasets.assembly import (
    Labels,
    Tally,
    age_of,
    attributes,
    data_set,
    files_by_name,
    sex_of,
    table,
    unreadable,
    view_of,
)
from validation.errors import BadDataSet

LICENCE = "NIH Clinical Center: free to use, with a citation and a link"
FINDINGS = {
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly",
    "Consolidation": "consolidation",
    "Edema": "edema",
    "Effusion": "effusion",
    "Emphysema": "emphysema",
    "Fibrosis": "fibrosis",
    "Hernia": "hernia",
    "Infiltration": "infiltration",
    "Infiltrate": "infiltration",
    "Mass": "mass",
    "Nodule": "nodule",
    "Pleural_Thickening": "pleural_thickening",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothorax",
}
LISTS = {"test": "test_list.txt", "train": "train_val_list.txt"}


def read(root: Path, split: str = "test") -> DataSet:
    """`split` is test, train, or all. Raises `BadDataSet`."""
    tally = Tally()
    wanted = _listed(root, split)
    boxes = _boxes(root)
    images = files_by_name(root, (".png",))
    entries = sorted(root.glob("Data_Entry_2017*.csv*"))
    if not entries:
        raise unreadable(root / "Data_Entry_2017_v2020.csv", FileNotFoundError(2, "no such file"))
    cases = []
    for row in table(entries[-1], ("Image Index", "Finding Labels", "Patient ID", "View Position")):
        name = row["Image Index"]
        if wanted is not None and name not in wanted:
            tally.rows["in another split"] += 1
        elif name not in images:
            tally.rows["image is not on this disk"] += 1
        else:
            cases.append(_case(row, images[name], boxes.get(name, ()), tally))
    return data_set("nih_chest_xray14", cases, tally, LICENCE, ("Labels are mined from reports.",))


def _case(row: dict[str, str], image: Path, boxes: tuple[LabelledBox, ...], tally: Tally) -> Case:
    age, sex = age_of(row.get("Patient Age", "")), sex_of(row.get("Patient Sex") or row.get("Patient Gender", ""))
    view = view_of(row["View Position"])
    return Case(
        case_id=row["Image Index"],
        patient=row["Patient ID"],
        images=(image,),
        context=StudyContext(sex=sex, age_years=age, view=view),
        labels=_labels(row["Finding Labels"], tally),
        boxes=boxes,
        attributes=attributes(sex=sex, age_years=age, view=view),
    )


def _labels(text: str, tally: Tally) -> Labels:
    named = set(text.split("|"))
    for unknown in named - FINDINGS.keys() - {"No Finding"}:
        tally.labels[f"{unknown} is not one of the fourteen"] += 1
    labels: Labels = dict.fromkeys(FINDINGS.values(), 0)
    labels.update({FINDINGS[each]: 1 for each in named & FINDINGS.keys()})
    labels["abnormality"] = 0 if named == {"No Finding"} else 1
    return labels


def _listed(root: Path, split: str) -> set[str] | None:
    if split == "all":
        return None
    if split not in LISTS:
        raise BadDataSet(f"no split is called {split!r}", where=str(root), way_out="Known: test, train, all.")
    try:
        return set((root / LISTS[split]).read_text("utf-8").split())
    except OSError as error:
        raise unreadable(root / LISTS[split], error) from error


def _boxes(root: Path) -> dict[str, tuple[LabelledBox, ...]]:
    """The file may be absent. Its header is cut at the commas inside `Bbox [x,y,w,h]`."""
    path = root / "BBox_List_2017.csv"
    if not path.is_file() and not path.with_name(path.name + ".gz").is_file():
        return {}
    found: dict[str, list[LabelledBox]] = defaultdict(list)
    for row in table(path, ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]")):
        found[row["Image Index"]].extend(_box(row))
    return {name: tuple(each) for name, each in found.items()}


def _box(row: dict[str, str]) -> Iterator[LabelledBox]:
    x, y, w, h = (float(row[key]) for key in ("Bbox [x", "y", "w", "h]"))
    if row["Finding Label"] in FINDINGS:
        yield LabelledBox(finding=FINDINGS[row["Finding Label"]], x0=x, y0=y, x1=x + w, y1=y + h)
