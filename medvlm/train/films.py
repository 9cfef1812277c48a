"""The training films: pixels from the zip archives, labels by the vocabulary's names, splits by patient."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Split = Literal["train", "calibration", "test"]

LABELS = {
    "atelectasis": "Atelectasis",
    "cardiomegaly": "Cardiomegaly",
    "consolidation": "Consolidation",
    "edema": "Edema",
    "effusion": "Effusion",
    "emphysema": "Emphysema",
    "fibrosis": "Fibrosis",
    "hernia": "Hernia",
    "infiltration": "Infiltration",
    "mass": "Mass",
    "nodule": "Nodule",
    "pleural_thickening": "Pleural_Thickening",
    "pneumonia": "Pneumonia",
    "pneumothorax": "Pneumothorax",
}
"""Vocabulary name -> column of labels.csv."""

AIRSPACE = ("Infiltration", "Consolidation", "Pneumonia")
FINDINGS = ("abnormality", "airspace_opacity", *LABELS)
"""What is asked, in the vocabulary's order."""


_OLDEST = 100.0
"""Years; the source holds a few ages that cannot be."""


@dataclass(frozen=True)
class Films:
    """`pixels` (n, size, size) uint8; `labels` (n, findings) float32 0/1 in the order of FINDINGS;
    `ap`, `male` (n,) bool; `age` (n,) float32 years; `patients`, `names` (n,) str."""

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.float32]
    ap: npt.NDArray[np.bool_]
    male: npt.NDArray[np.bool_]
    age: npt.NDArray[np.float32]
    patients: npt.NDArray[np.str_]
    names: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.pixels)

    def at(self, rows: npt.NDArray[np.intp]) -> Films:
        return Films(**{field.name: getattr(self, field.name)[rows] for field in fields(Films)})

    def without(self, findings: Sequence[str]) -> Films:
        """The films that show none of these findings."""
        columns = [FINDINGS.index(name) for name in findings]
        return self.at(np.flatnonzero(self.labels[:, columns].sum(1) == 0))


def read_films(data: Path, split: Split, size: int) -> Films:
    """The NIH films of a split. Split `train` holds the 64 px films too, up-sampled.

    `data` holds `cxr/labels.csv` and the archives it names. Split `demo` is in no archive read here.
    """
    with (data / "cxr" / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"].startswith(split)]
    return Films(
        pixels=np.stack(_pixels(data / "cxr", rows, size)),
        labels=np.array([_targets(row) for row in rows], dtype=np.float32),
        ap=np.array([row["view"] == "AP" for row in rows]),
        male=np.array([row["sex"] == "M" for row in rows]),
        age=np.array([min(float(row["age"]), _OLDEST) for row in rows], dtype=np.float32),
        patients=np.array([row["patient"] for row in rows]),
        names=np.array([row["image"] for row in rows]),
    )


def _pixels(folder: Path, rows: list[dict[str, str]], size: int) -> list[npt.NDArray[np.uint8]]:
    archives = {name: zipfile.ZipFile(folder / name) for name in sorted({row["archive"] for row in rows})}
    try:
        return [
            grey_square(archives[row["archive"]].read(str(Path(row["image"]).with_suffix(".webp"))), size)
            for row in rows
        ]
    finally:
        for archive in archives.values():
            archive.close()


def grey_square(encoded: bytes, size: int) -> npt.NDArray[np.uint8]:
    """An encoded picture squeezed to (size, size) grey values, anti-aliased."""
    picture = Image.open(io.BytesIO(encoded)).convert("L")
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _targets(row: dict[str, str]) -> list[float]:
    airspace = any(row[column] == "1" for column in AIRSPACE)
    return [float(row["No_Finding"] == "0"), float(airspace), *(float(row[column]) for column in LABELS.values())]
