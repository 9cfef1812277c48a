"""VQA-RAD: `VQA_RAD Dataset Public.json` and `VQA_RAD Image Folder/synpicNNNNN.jpg`.

Each image is a case with its questions. The official split divides questions, not images: a model tuned on its
training part has met the test images. `split=images` takes instead every fifth image by the digest of its name, with
all of its questions: the honest one where a model may have been tuned on the rest.

Traps: answers may be numbers in the JSON; `answer_type` and `question_type` have stray blanks; a picture has no
patient: each image counts as one (said in the notes).

Source: Lau et al., Sci Data 2018;5:180251; CC0.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from validation.cases import AskedQuestion, Case, DataSet
from validation.datasets.assembly import Tally, attributes, data_set, files_by_name, unreadable
from validation.errors import BadDataSet

LICENCE = "CC0 1.0"
FILE = "VQA_RAD Dataset Public.json"
TEST_PHRASES = {"test_freeform", "test_para"}
NOTE = "No patient is given: each image counts as a patient."


def read(root: Path, split: str = "images", organ: str = "CHEST") -> DataSet:
    """`split` is images, official_test or all; `organ` CHEST, HEAD, ABD, or all. Raises `BadDataSet`."""
    if split not in {"images", "official_test", "all"}:
        raise BadDataSet(f"no split is called {split!r}", where=str(root), way_out="Known: images, official_test, all.")
    images, tally = files_by_name(root, (".jpg", ".jpeg", ".png")), Tally()
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in questions_file(root / FILE):
        reason = _left_out(row, split, organ, images)
        if reason:
            tally.rows[reason] += 1
        else:
            rows[row["image_name"]].append(row)
    cases = [_case(name, each, images[name]) for name, each in rows.items()]
    return data_set("vqa_rad", cases, tally, LICENCE, (NOTE,))


def questions_file(path: Path) -> list[dict[str, Any]]:
    """A JSON list of objects. Raises `BadDataSet`."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadDataSet("the file is no list of questions", where=str(path), way_out="Take the published file.")
    return found


def _left_out(row: dict[str, Any], split: str, organ: str, images: dict[str, Path]) -> str:
    name = str(row.get("image_name", ""))
    if split == "official_test" and str(row.get("phrase_type", "")).strip() not in TEST_PHRASES:
        return "in another split"
    if split == "images" and not held_out(name):
        return "in another split"
    if organ != "all" and str(row.get("image_organ", "")).strip().upper() != organ.upper():
        return f"not of {organ.lower()}"
    if not str(row.get("answer", "")).strip() or not str(row.get("question", "")).strip():
        return "no question or no answer"
    return "" if name in images else "image is not on this disk"


def held_out(name: str) -> bool:
    """Every fifth image, the same ones everywhere."""
    return hashlib.sha256(name.encode()).digest()[0] % 5 == 0


def _case(name: str, rows: list[dict[str, Any]], image: Path) -> Case:
    return Case(
        case_id=name,
        patient=name,
        images=(image,),
        questions=tuple(_question(row) for row in rows),
        attributes=attributes(organ=str(rows[0].get("image_organ", "")).strip().lower()),
    )


def _question(row: dict[str, Any]) -> AskedQuestion:
    return AskedQuestion(
        id=str(row["qid"]),
        text=str(row["question"]).strip(),
        answer=str(row["answer"]).strip(),
        kind="closed" if str(row.get("answer_type", "")).strip().upper() == "CLOSED" else "open",
    )
