"""`dicom-node read` on every real file at hand: a result or a stated refusal, never a traceback, and a draft about a
chest only for a chest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.data import shared_data

DATA = shared_data()
CHESTS = {"cr_chest_pa_j2k.dcm", "cr_chest_pa_mono1_10bit.dcm", "sc_chest_pa_jpeg.dcm"}
# The polarity tag of this film was changed: a draft, if any, must come with a warning; a refusal is better.
INVERTED = "sc_chest_pa_mono1_jpeg.dcm"

needs_data = pytest.mark.skipif(DATA is None, reason="the real files are not at hand")


def read(paths: Sequence[Path], out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dicom_node.cli", "read", "--json", "--out", str(out), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)


def study_of(file: Path) -> str:
    header = dcmread(file, force=True, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
    return str(header.get("StudyInstanceUID", ""))


def rounds(files: Sequence[Path]) -> list[list[Path]]:
    """No two files of one study in a round: some are the same film, differently encoded or tampered with."""
    made: list[list[Path]] = []
    for file in files:
        without = [one for one in made if study_of(file) not in map(study_of, one)]
        if without:
            without[0].append(file)
        else:
            made.append([file])
    return made


@needs_data
def test_every_real_file_gives_a_result_or_a_stated_refusal(tmp_path: Path) -> None:
    assert DATA is not None
    drafted = set()
    for number, files in enumerate(rounds(sorted((DATA / "dicom").glob("*.dcm")))):
        run = read(files, tmp_path / str(number))
        assert "Traceback" not in run.stderr + run.stdout
        studies = {row["study_uid"]: row for row in map(json.loads, run.stdout.splitlines())}
        for file in files:
            row = studies.get(study_of(file))
            if row is None:
                assert file.name in run.stderr, f"{file.name} is neither read nor refused"
            elif row.get("scope", {}).get("kind") == "in_scope":
                drafted.add(file.name)
            else:
                assert row.get("detail") or row["scope"]["reason"], file.name
    assert drafted <= CHESTS | {INVERTED}
    assert drafted >= CHESTS


@needs_data
@pytest.mark.parametrize("series", ["ct_head_gantry_tilt", "mr_head_t1"])
def test_a_head_is_refused_in_words(series: str, tmp_path: Path) -> None:
    assert DATA is not None
    run = read([DATA / "volumes" / series], tmp_path / "out")
    assert run.returncode == 1, run.stderr
    (row,) = map(json.loads, run.stdout.splitlines())
    assert row["scope"]["kind"] == "refusal"
    assert row["scope"]["reason"]
    assert not list((tmp_path / "out").rglob("*.dcm"))
    stated = {warning["code"] for warning in row["warnings"]}
    assert stated == ({"gantry_tilt", "irregular_spacing"} if series == "ct_head_gantry_tilt" else set())


def test_a_file_that_is_no_dicom_is_named_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "letter.dcm"
    file.write_text("Dear colleague")
    run = read([file], tmp_path / "out")
    assert run.returncode == 2
    assert "letter.dcm" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_path_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    run = read([tmp_path / "nothing.dcm"], tmp_path / "out")
    assert (run.returncode, "no such file" in run.stderr) == (2, True)
