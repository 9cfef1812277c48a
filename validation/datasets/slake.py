"""SLAKE 1.0: `imgs/xmlabN/source.jpg`, and `train.json`, `validate.json` (or `validation.json`), `test.json`.

Each image is a case with its questions in one language. Images of another modality or place are left out, or kept as
out of scope. `detection.json` marks organs, no findings, and is not read.

Traps: half of the questions are Chinese; one answer is empty; the middle file has two names.

Source: Liu et al., ISBI 2021; CC BY 4.0 on the authors' page.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from validation.cases import AskedQuestion, Case, DataSet
from validation.datasets.assembly import Tally, attributes, data_set, first_folder
from validation.datasets.vqa_rad import questions_file
from validation.errors import BadDataSet

LICENCE = "CC BY 4.0"
SPLITS = {"test": ("test.json",), "validate": ("validate.json", "validation.json"), "train": ("train.json",)}
NOTE = "No patient is given: each image counts as a patient."


def read(root: Path, split: str = "test", language: str = "en", others: bool = False) -> DataSet:
    """`others`: keep images that are no chest X-ray, as out of scope. Raises `BadDataSet`."""
    if split not in SPLITS:
        raise BadDataSet(f"no split is called {split!r}", where=str(root), way_out=f"Known: {', '.join(SPLITS)}.")
    folder, tally = first_folder(root, "imgs"), Tally()
    path = next((root / name for name in SPLITS[split] if (root / name).is_file()), root / SPLITS[split][0])
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in questions_file(path):
        reason = _left_out(row, folder, language, others)
        if reason:
            tally.rows[reason] += 1
        else:
            rows[str(row["img_name"])].append(row)
    cases = [_case(name, each, folder / name) for name, each in rows.items()]
    return data_set("slake", cases, tally, LICENCE, (NOTE,))


def _left_out(row: dict[str, Any], folder: Path, language: str, others: bool) -> str:
    if str(row.get("q_lang", "")).strip() != language:
        return "in another language"
    if not others and not _is_chest_film(row):
        return "no chest X-ray"
    if not str(row.get("answer", "")).strip() or not str(row.get("question", "")).strip():
        return "no question or no answer"
    return "" if (folder / str(row.get("img_name", ""))).is_file() else "image is not on this disk"


def _is_chest_film(row: dict[str, Any]) -> bool:
    return str(row.get("modality", "")).strip() == "X-Ray" and str(row.get("location", "")).strip() in {"Lung", "Chest"}


def _case(name: str, rows: list[dict[str, Any]], image: Path) -> Case:
    first, film = rows[0], _is_chest_film(rows[0])
    kind = f"{first.get('location', '')} {first.get('modality', '')}".strip()
    return Case(
        case_id=name.split("/")[0],
        patient=name.split("/")[0],
        images=(image,),
        questions=tuple(_question(row) for row in rows),
        attributes=attributes(modality=str(first.get("modality", "")).strip()),
        in_scope=film,
        kind="" if film else kind,
    )


def _question(row: dict[str, Any]) -> AskedQuestion:
    return AskedQuestion(
        id=str(row["qid"]),
        text=str(row["question"]).strip(),
        answer=str(row["answer"]).strip(),
        kind="closed" if str(row.get("answer_type", "")).strip().upper() == "CLOSED" else "open",
    )
