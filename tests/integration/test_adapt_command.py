"""`medvlm adapt` as it is typed: what cannot be learnt from ends with status 2 and names the rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def adapt(data: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "medvlm.cli", "adapt", str(data), "--out", str(out), "--threads", "1"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pictures_of_nothing_are_out_of_scope_and_every_row_is_named(tmp_path: Path) -> None:
    lines = ["image,pacemaker"]
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (96, 96), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{number % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    run = adapt(tmp_path, tmp_path / "out")
    assert run.returncode == 2
    assert all(f"(row {row})" in run.stderr for row in (2, 3, 4, 5))
    assert "Out of scope" in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_bad_table_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,pacemaker\nnone.png,3\n")
    run = adapt(tmp_path, tmp_path / "out")
    assert run.returncode == 2
    assert "pacemaker must be 0, 1 or empty (row 2)" in run.stderr
