"""PadChest: 16-bit PNG files in numbered folders (`ImageDir`), one table `PADCHEST_chest_x_ray_images_labels_*.csv`.

Each study is a case with its frontal images. Only rows that a physician labelled are taken. A physician labelled what
a report states, so that a term that is not there counts as absent (said in the notes). Reports are Spanish stems: they
are not taken as reports.

Traps: `Labels` is a Python list as text, at times blank, with stray blanks and empty strings; `exclude`, `suboptimal
study` and `unchanged` are labels too, and say that nothing can be known of the findings; `PatientBirth` is a year with
".0"; folders may be missing.

Source: Bustos et al., Med Image Anal 2020;66:101797; BIMCV terms of use for research.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from medvlm.contract import StudyContext
from validation.cases import Case, DataSet
from validation.datasets.assembly import Labels, Tally, attributes, data_set, sex_of, table, unreadable, view_of

LICENCE = "BIMCV-PadChest terms of use: research"
NOTE = "A finding that the physician's label list does not name counts as absent."
FINDINGS = {
    "atelectasis": "atelectasis",
    "laminar atelectasis": "atelectasis",
    "lobar atelectasis": "atelectasis",
    "round atelectasis": "atelectasis",
    "segmental atelectasis": "atelectasis",
    "total atelectasis": "atelectasis",
    "atelectasis basal": "atelectasis",
    "cardiomegaly": "cardiomegaly",
    "consolidation": "consolidation",
    "pulmonary edema": "edema",
    "pleural effusion": "effusion",
    "loculated pleural effusion": "effusion",
    "loculated fissural effusion": "effusion",
    "emphysema": "emphysema",
    "pulmonary fibrosis": "fibrosis",
    "hiatal hernia": "hernia",
    "infiltrates": "infiltration",
    "mass": "mass",
    "pulmonary mass": "mass",
    "nodule": "nodule",
    "multiple nodules": "nodule",
    "pleural thickening": "pleural_thickening",
    "apical pleural thickening": "pleural_thickening",
    "calcified pleural thickening": "pleural_thickening",
    "pneumonia": "pneumonia",
    "atypical pneumonia": "pneumonia",
    "pneumothorax": "pneumothorax",
    "hydropneumothorax": "pneumothorax",
}
SAY_NOTHING = ("exclude", "suboptimal study", "unchanged")
FRONTAL = {"PA", "AP", "AP_horizontal"}
COLUMNS = (
    "ImageID",
    "ImageDir",
    "StudyDate_DICOM",
    "StudyID",
    "PatientID",
    "PatientBirth",
    "PatientSex_DICOM",
    "Projection",
    "Manufacturer_DICOM",
    "MethodLabel",
    "Labels",
)


def read(root: Path) -> DataSet:
    """Raises `BadDataSet`."""
    tables = sorted(root.glob("PADCHEST_chest_x_ray_images_labels_*.csv*"))
    if not tables:
        raise unreadable(root / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", FileNotFoundError(2, "no file"))
    tally = Tally()
    studies: dict[str, list[tuple[dict[str, str], Path]]] = defaultdict(list)
    for row in table(tables[-1], COLUMNS):
        path = root / row["ImageDir"] / row["ImageID"]
        reason = _left_out(row, path)
        if reason:
            tally.rows[reason] += 1
        else:
            studies[row["StudyID"]].append((row, path))
    cases = [_case(study, rows) for study, rows in studies.items()]
    return data_set("padchest", cases, tally, LICENCE, (NOTE,))


def _left_out(row: dict[str, str], path: Path) -> str:
    """Why this row is no image of a case; empty where it is."""
    if row["MethodLabel"] != "Physician":
        return "not labelled by a physician"
    if row["Projection"] not in FRONTAL:
        return "no frontal view"
    terms = terms_of(row["Labels"])
    if terms is None:
        return "no label list"
    for each in SAY_NOTHING:
        if each in terms:
            return f"labelled {each!r}"
    return "" if path.is_file() else "image is not on this disk"


def terms_of(text: str) -> frozenset[str] | None:
    """The terms of a label list; None where it is blank or no list of text."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        return None
    return frozenset(each.strip() for each in found if each.strip()) or None


def _case(study: str, rows: list[tuple[dict[str, str], Path]]) -> Case:
    row = rows[0][0]
    age, sex = _age(row), sex_of(row["PatientSex_DICOM"])
    view = view_of(row["Projection"])
    return Case(
        case_id=study,
        patient=row["PatientID"],
        images=tuple(path for _, path in rows),
        context=StudyContext(sex=sex, age_years=age, view=view),
        labels=_labels(terms_of(row["Labels"]) or frozenset()),
        attributes=attributes(sex=sex, age_years=age, view=view, manufacturer=row["Manufacturer_DICOM"]),
    )


def _labels(terms: frozenset[str]) -> Labels:
    labels: Labels = dict.fromkeys(FINDINGS.values(), 0)
    labels.update({FINDINGS[term]: 1 for term in terms & FINDINGS.keys()})
    labels["abnormality"] = 0 if terms == {"normal"} else 1
    return labels


def _age(row: dict[str, str]) -> float | None:
    try:
        years = float(row["StudyDate_DICOM"][:4]) - float(row["PatientBirth"])
    except ValueError:
        return None
    return years if 0 <= years <= 120 else None
