"""CheXpert: `train.csv`, `valid.csv` (or `val.csv`, `test.csv`), folders `patientN/studyK/viewM_frontal.jpg`.

Each study is a case; its images are the frontal ones, or all of them. 1.0 is present, 0.0 absent, -1.0 uncertain
(left out, counted), blank not mentioned, which is not a negative. An abnormality is absent where "No Finding" is 1 and
present where one of the other findings but support devices is.

Traps: the first folder of `Path` is that of the release, not of the disk (`-small`); `valid/` became `val/` later; age
0 means unknown; sex may be "Unknown"; the patient is in the path only.

Source: Irvin et al., AAAI 2019; Stanford research use agreement, non-commercial.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath

from medvlm.contract import StudyContext
from validation.cases import Case, DataSet
from validation.datasets.assembly import Labels, Tally, age_of, attributes, data_set, sex_of, table, view_of
from validation.errors import BadDataSet

LICENCE = "Stanford University dataset research use agreement: non-commercial, not to be passed on"
FINDINGS = {
    "Cardiomegaly": "cardiomegaly",
    "Lung Opacity": "airspace_opacity",
    "Edema": "edema",
    "Consolidation": "consolidation",
    "Pneumonia": "pneumonia",
    "Atelectasis": "atelectasis",
    "Pneumothorax": "pneumothorax",
    "Pleural Effusion": "effusion",
}
"""Of the fourteen those that the vocabulary has; a lung lesion may be a mass or a nodule and is neither for sure."""
ABNORMAL = (*FINDINGS, "Enlarged Cardiomediastinum", "Lung Lesion", "Pleural Other", "Fracture")
COLUMNS = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding", *ABNORMAL, "Support Devices")
TABLES = {"valid": ("valid.csv", "val.csv"), "train": ("train.csv",), "test": ("test.csv", "test_labels.csv")}
OTHER_NAMES = {"valid": "val", "val": "valid"}


def read(root: Path, split: str = "valid", views: str = "frontal") -> DataSet:
    """`split` is valid, train or test; `views` frontal or all. Raises `BadDataSet`."""
    if split not in TABLES or views not in {"frontal", "all"}:
        raise BadDataSet(
            f"no split is called {split!r}, or no views {views!r}",
            where=str(root),
            way_out="Splits: valid, train, test. Views: frontal, all.",
        )
    path = next((root / name for name in TABLES[split] if (root / name).is_file()), root / TABLES[split][0])
    tally = Tally()
    studies: dict[str, list[tuple[dict[str, str], Path]]] = defaultdict(list)
    for row in table(path, COLUMNS):
        image = _image(root, row["Path"])
        if views == "frontal" and row["Frontal/Lateral"] != "Frontal":
            tally.rows["lateral view"] += 1
        elif image is None:
            tally.rows["image is not on this disk"] += 1
        else:
            studies["/".join(PurePosixPath(row["Path"]).parts[-3:-1])].append((row, image))
    cases = [_case(name, rows, tally) for name, rows in studies.items()]
    return data_set("chexpert", cases, tally, LICENCE, ("A finding that is not mentioned is not labelled.",))


def labels_of(row: dict[str, str], findings: dict[str, str], tally: Tally) -> Labels:
    """Of one study in the values of the CheXpert labeller."""
    labels: Labels = {}
    for column, name in findings.items():
        value = _value(row.get(column, ""))
        if value == -1:
            tally.labels["uncertain"] += 1
        elif value is not None:
            labels[name] = 1 if value == 1 else 0
    if any(_value(row.get(column, "")) == 1 for column in (*findings, *ABNORMAL)):
        labels["abnormality"] = 1
    elif _value(row.get("No Finding", "")) == 1:
        labels["abnormality"] = 0
    return labels


def _case(name: str, rows: list[tuple[dict[str, str], Path]], tally: Tally) -> Case:
    row = rows[0][0]
    # Age 0 stands for "not known" in this set.
    age, sex, view = age_of(row["Age"]) or None, sex_of(row["Sex"]), view_of(row["AP/PA"])
    return Case(
        case_id=name,
        patient=name.split("/")[0],
        images=tuple(image for _, image in rows),
        context=StudyContext(sex=sex, age_years=age, view=view),
        labels=labels_of(row, FINDINGS, tally),
        attributes=attributes(sex=sex, age_years=age, view=view),
    )


def _image(root: Path, written: str) -> Path | None:
    """The file of a `Path`, whose first folder is that of the release."""
    parts = PurePosixPath(written).parts
    for inside in (parts[1:], (OTHER_NAMES.get(parts[1], parts[1]), *parts[2:]) if len(parts) > 1 else (), parts):
        if inside and root.joinpath(*inside).is_file():
            return root.joinpath(*inside)
    return None


def _value(text: str) -> float | None:
    return float(text) if text else None
