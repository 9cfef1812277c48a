"""VinDr-CXR 1.0.0: `train/<image_id>.dicom`, `test/<image_id>.dicom`, `annotations/image_labels_{train,test}.csv` and
`annotations/annotations_{train,test}.csv`.

Each image is a case. In train three readers label each image, and a finding is present where at least two say so;
test is the consensus of five. Boxes: those of the consensus in test; in train those of every reader of a finding that
has the majority.

Traps: files end in `.dicom`; `Other diseases` in train is `Other disease` in test; "Nodule/Mass" present says neither
which; there is no usable patient, so that each image is its own patient (said in the notes).

Source: Nguyen et al., Sci Data 2022;9:429; PhysioNet credentialed licence.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from medvlm.contract import StudyContext
from validation.cases import Case, DataSet, LabelledBox
from validation.datasets.assembly import Labels, Tally, attributes, data_set, table
from validation.errors import BadDataSet

LICENCE = "PhysioNet credentialed health data licence 1.5.0"
NOTE = "No patient is given: each image counts as a patient, so that intervals may be too narrow."
FINDINGS = {
    "Atelectasis": ("atelectasis",),
    "Cardiomegaly": ("cardiomegaly",),
    "Consolidation": ("consolidation",),
    "Edema": ("edema",),
    "Emphysema": ("emphysema",),
    "Infiltration": ("infiltration",),
    "Lung Opacity": ("airspace_opacity",),
    "Nodule/Mass": ("nodule", "mass"),
    "Pleural effusion": ("effusion",),
    "Pleural thickening": ("pleural_thickening",),
    "Pneumonia": ("pneumonia",),
    "Pneumothorax": ("pneumothorax",),
    "Pulmonary fibrosis": ("fibrosis",),
}
Votes = dict[str, list[bool]]


def read(root: Path, split: str = "test") -> DataSet:
    """`split` is test or train. Raises `BadDataSet`."""
    if split not in {"test", "train"}:
        raise BadDataSet(f"no split is called {split!r}", where=str(root), way_out="Known: test, train.")
    tally = Tally()
    votes = _votes(root / "annotations" / f"image_labels_{split}.csv", tally)
    boxes = _boxes(root / "annotations" / f"annotations_{split}.csv")
    cases = []
    for image_id, each in votes.items():
        path = root / split / f"{image_id}.dicom"
        if path.is_file():
            cases.append(_case(image_id, path, each, boxes.get(image_id, ()), tally))
        else:
            tally.rows["image is not on this disk"] += 1
    return data_set("vindr_cxr", cases, tally, LICENCE, (NOTE,))


def _case(image_id: str, path: Path, votes: Votes, boxes: tuple[LabelledBox, ...], tally: Tally) -> Case:
    labels = _labels(votes, tally)
    return Case(
        case_id=image_id,
        patient=image_id,
        images=(path,),
        context=StudyContext(view="PA"),
        labels=labels,
        boxes=tuple(box for box in boxes if labels.get(box.finding) == 1),
        attributes=attributes(view="PA"),
    )


def _labels(votes: Votes, tally: Tally) -> Labels:
    labels: Labels = {"abnormality": 0 if _majority(votes["No finding"]) else 1}
    for column, names in FINDINGS.items():
        present = _majority(votes[column])
        if present and len(names) > 1:
            # A nodule or a mass, which of them is not said.
            tally.labels[f"{column} does not say which"] += 1
        else:
            labels.update(dict.fromkeys(names, 1 if present else 0))
    return labels


def _majority(votes: list[bool]) -> bool:
    return 2 * sum(votes) > len(votes)


def _votes(path: Path, tally: Tally) -> dict[str, Votes]:
    """By image; one vote a row, three rows in train."""
    found: dict[str, Votes] = defaultdict(lambda: defaultdict(list))
    for row in table(path, ("image_id", "No finding", *FINDINGS)):
        for column in ("No finding", *FINDINGS):
            found[row["image_id"]][column].append(float(row[column] or 0) == 1)
    for votes in found.values():
        if len(votes["No finding"]) > 1:
            tally.rows["merged with the other readers of the image"] += len(votes["No finding"]) - 1
    return found


def _boxes(path: Path) -> dict[str, tuple[LabelledBox, ...]]:
    found: dict[str, list[LabelledBox]] = defaultdict(list)
    for row in table(path, ("image_id", "class_name", "x_min", "y_min", "x_max", "y_max")):
        names = FINDINGS.get(row["class_name"], ())
        if len(names) == 1 and row["x_min"]:
            x0, y0, x1, y1 = (float(row[key]) for key in ("x_min", "y_min", "x_max", "y_max"))
            found[row["image_id"]].append(LabelledBox(finding=names[0], x0=x0, y0=y0, x1=x1, y1=y1))
    return {image: tuple(each) for image, each in found.items()}
