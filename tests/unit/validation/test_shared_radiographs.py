"""The adapter of packed NIH films, on a small tree made in its layout."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from validation.datasets import shared_radiographs
from validation.datasets.shared_radiographs import read
from validation.errors import BadDataSet

NIH = sorted({column for columns in shared_radiographs.COLUMNS.values() for column in columns})


def tree(root: Path) -> Path:
    for folder in ("cxr", "vqa/images", "out_of_scope", "paediatric"):
        (root / folder).mkdir(parents=True)
    rows = [
        film("00000001_000.png", "1", "test", Effusion=1, Infiltration=1),
        film("00000001_001.png", "1", "test"),
        film("00000002_000.png", "2", "train", Mass=1),
        film("00000003_000.png", "3", "test", pixels=64, archive="nih64-train.zip"),
        film("00000004_000.png", "4", "test", age=414, view="AP", sex="F", Pneumonia=1),
    ]
    table(root / "cxr" / "labels.csv", rows)
    box = {"image": "00000001_000.png", "patient": "1", "finding": "Effusion", "x": 512, "y": 256, "w": 128, "h": 64}
    table(root / "cxr" / "boxes.csv", [box])
    pack(root / "cxr" / "nih128-test.zip", [Path(str(row["image"])).stem + ".webp" for row in rows])
    asked = {"image_case_url": "case=1", "image_name": "a.jpg", "question": " Is it? ", "answer_type": "CLOSED "}
    (root / "vqa" / "test.json").write_text(
        json.dumps(
            [{**asked, "qid": 1, "answer": "yes "}, {**asked, "qid": 2, "answer": "lung", "answer_type": "OPEN"}]
        )
    )
    (root / "vqa" / "images" / "a.jpg").write_bytes(encoded("JPEG"))
    strangers = [{"image": f"{kind}.jpg", "kind": kind} for kind in ("hip", "fundus", "ankle")]
    table(root / "out_of_scope" / "labels.csv", strangers)
    for row in strangers:
        (root / "out_of_scope" / row["image"]).write_bytes(encoded("JPEG"))
    table(root / "paediatric" / "labels.csv", [{"image": "c.jpg", "patient": "c", "label": "normal", "split": "test"}])
    pack(root / "paediatric" / "paediatric-test.zip", ["c.jpg"])
    return root


def film(image: str, patient: str, split: str, **changes: object) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(NIH, 0)
    basics = {"image": image, "patient": patient, "sex": "M", "age": 50, "view": "PA", "pixels": 128, "split": split}
    row.update(basics, archive=f"nih128-{split}.zip")
    row.update(changes)
    row["No_Finding"] = int(not any(row[name] for name in NIH))
    return row


def table(path: Path, rows: list[dict[str, object]] | list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def encoded(kind: str) -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(held, kind)
    return held.getvalue()


def pack(path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, encoded("WEBP" if name.endswith("webp") else "JPEG"))


def test_films_of_the_split_have_labels_boxes_and_context(tmp_path: Path) -> None:
    found = read(tree(tmp_path / "data"), unpack_to=tmp_path / "images")
    assert [case.case_id for case in found.cases] == ["00000001_000", "00000001_001", "00000004_000"]
    assert found.excluded == {"not of split test": 2}
    first, second, third = found.cases
    labels = {name for name, label in first.labels.items() if label}
    assert labels == {"abnormality", "effusion", "infiltration", "airspace_opacity"}
    assert not any(second.labels.values())
    box = first.boxes[0]
    assert (box.finding, box.x0, box.y0, box.x1, box.y1) == ("effusion", 64, 32, 80, 40), "scaled to the image's pixels"
    assert (third.context.view, third.context.sex, third.context.age_years) == ("AP", "F", None), "nobody is 414"
    assert all(case.images[0].is_file() for case in found.cases)


def test_the_digest_is_of_labels_and_images_and_not_of_places(tmp_path: Path) -> None:
    root = tree(tmp_path / "data")
    first = read(root, unpack_to=tmp_path / "one")
    assert first.digest == read(root, unpack_to=tmp_path / "two").digest
    text = (root / "cxr" / "labels.csv").read_text()
    (root / "cxr" / "labels.csv").write_text(text.replace("00000001_001.png,1,M", "00000001_001.png,1,F"))
    assert first.digest != read(root, unpack_to=tmp_path / "one").digest


def test_questions_are_grouped_by_image_and_trimmed(tmp_path: Path) -> None:
    (case,) = read(tree(tmp_path / "data"), unpack_to=tmp_path, part="questions").cases
    assert [(each.text, each.answer, each.kind) for each in case.questions] == [
        ("Is it?", "yes", "closed"),
        ("Is it?", "lung", "open"),
    ]


def test_pictures_out_of_scope_that_may_be_trained_on_are_left_out(tmp_path: Path) -> None:
    found = read(tree(tmp_path / "data"), unpack_to=tmp_path, part="out_of_scope")
    assert [(case.kind, case.in_scope) for case in found.cases] == [("fundus", False)]
    assert found.excluded == {"may be trained on": 2}


def test_children_are_out_of_scope(tmp_path: Path) -> None:
    (case,) = read(tree(tmp_path / "data"), unpack_to=tmp_path, part="children").cases
    assert (case.kind, case.in_scope) == ("child", False)


def test_a_folder_without_the_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadDataSet, match="films of split 'test' cannot be read"):
        read(tmp_path, unpack_to=tmp_path)
