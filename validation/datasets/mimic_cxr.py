"""MIMIC-CXR 2 (DICOM and reports) and MIMIC-CXR-JPG 2.1: `files/p10/p10000032/s50414267/<dicom_id>.dcm` or `.jpg`.

Tables (gzipped or not): `mimic-cxr-2.0.0-metadata.csv`, `-split.csv`, `-chexpert.csv` or `-negbio.csv`; the hand-read
`mimic-cxr-2.1.0-test-set-labeled.csv`. Reports: `files/p10/p10000032/s50414267.txt`. Each study is a case; the prior is
the patient's study before it by date and time.

Traps: the hand-read file has `study_id` only and says Airspace Opacity for Lung Opacity, and is one radiologist reading
reports, not images; label files lack studies with nothing to label; ids are random, so that order is by date.

Source: Johnson et al., Sci Data 2019;6:317; PhysioNet credentialed licence: never passed on, never sent to an outside
service.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from medvlm.contract import StudyContext
from validation.cases import Case, DataSet
from validation.datasets.assembly import Labels, Tally, attributes, data_set, table, unreadable, view_of
from validation.datasets.chexpert import FINDINGS, labels_of
from validation.errors import BadDataSet

LICENCE = "PhysioNet credentialed health data licence 1.5.0"
FRONTAL = {"PA", "AP"}
LABELS = {
    "chexpert": "mimic-cxr-2.0.0-chexpert.csv",
    "negbio": "mimic-cxr-2.0.0-negbio.csv",
    "radiologist": "mimic-cxr-2.1.0-test-set-labeled.csv",
}
Reference = Literal["chexpert", "negbio", "radiologist"]


@dataclass(frozen=True)
class _Study:
    study: str
    patient: str
    when: str
    images: tuple[Path, ...]
    view: str
    report: str


def read(root: Path, split: str = "test", reference: Reference = "chexpert", views: str = "frontal") -> DataSet:
    """`split` is test, validate, train or all; `reference` says whose labels. Raises `BadDataSet`."""
    if reference not in LABELS:
        raise BadDataSet(f"no labels are called {reference!r}", where=str(root), way_out=f"Known: {', '.join(LABELS)}.")
    tally = Tally()
    split_of = {row["dicom_id"]: row["split"] for row in _table(root, "split", ("dicom_id", "split"))}
    studies = _studies(root, split_of, split, views, tally)
    labels = _labels(root / LABELS[reference], tally)
    priors = _priors(studies)
    cases = []
    for study in studies:
        if study.study not in labels:
            tally.rows["study without labels"] += len(study.images)
        else:
            cases.append(_case(study, labels[study.study], priors.get(study.study)))
    note = {"radiologist": "Labels: one radiologist reading reports, not images."}.get(reference, "Mined labels.")
    return data_set("mimic_cxr", cases, tally, LICENCE, (note,))


def _case(study: _Study, labels: Labels, prior: _Study | None) -> Case:
    view = view_of(study.view)
    return Case(
        case_id=f"s{study.study}",
        patient=study.patient,
        images=study.images,
        context=StudyContext(view=view),
        labels=labels,
        report=study.report,
        prior=prior.images if prior else None,
        prior_report=prior.report if prior else "",
        attributes=attributes(view=view),
    )


def _studies(root: Path, split_of: dict[str, str], split: str, views: str, tally: Tally) -> list[_Study]:
    """By date; only images on this disk."""
    rows: dict[str, list[tuple[dict[str, str], Path]]] = defaultdict(list)
    for row in _table(
        root, "metadata", ("dicom_id", "subject_id", "study_id", "ViewPosition", "StudyDate", "StudyTime")
    ):
        image = _image(root, row)
        if split != "all" and split_of.get(row["dicom_id"]) != split:
            tally.rows["in another split"] += 1
        elif views == "frontal" and row["ViewPosition"] not in FRONTAL:
            tally.rows["no frontal view"] += 1
        elif image is None:
            tally.rows["image is not on this disk"] += 1
        else:
            rows[row["study_id"]].append((row, image))
    return sorted((_study(root, each) for each in rows.values()), key=lambda study: (study.patient, study.when))


def _study(root: Path, rows: list[tuple[dict[str, str], Path]]) -> _Study:
    row = rows[0][0]
    report = _folder(root, row).with_suffix(".txt")
    return _Study(
        study=row["study_id"],
        patient=row["subject_id"],
        # The time is a decimal whose leading zeros are lost: "93015.5" is half past nine.
        when=f"{row['StudyDate']} {row['StudyTime'].split('.')[0].zfill(6)}",
        images=tuple(image for _, image in rows),
        view=row["ViewPosition"],
        report=report.read_text("utf-8", "replace").strip() if report.is_file() else "",
    )


def _priors(studies: list[_Study]) -> dict[str, _Study]:
    return {later.study: before for before, later in pairwise(studies) if before.patient == later.patient}


def _labels(path: Path, tally: Tally) -> dict[str, Labels]:
    findings = {**FINDINGS, "Airspace Opacity": "airspace_opacity"}
    return {row["study_id"]: labels_of(row, findings, tally) for row in table(path, ("study_id", "No Finding"))}


def _folder(root: Path, row: dict[str, str]) -> Path:
    patient = f"p{row['subject_id']}"
    return root / "files" / patient[:3] / patient / f"s{row['study_id']}"


def _image(root: Path, row: dict[str, str]) -> Path | None:
    folder = _folder(root, row)
    found = (folder / f"{row['dicom_id']}{suffix}" for suffix in (".dcm", ".jpg"))
    return next((path for path in found if path.is_file()), None)


def _table(root: Path, kind: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    found = sorted(root.glob(f"mimic-cxr-*-{kind}.csv*"))
    if not found:
        raise unreadable(root / f"mimic-cxr-2.0.0-{kind}.csv.gz", FileNotFoundError(2, "no such file"))
    return list(table(found[-1], columns))
