"""`medvlm` on files, with the weights that are shipped: results, refusals, exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medvlm.contract import Answer, Reading, Refusal
from tests.builders import ct_slice, write
from tests.data import shared_data

DATA = shared_data()
needs_data = pytest.mark.skipif(DATA is None, reason="the real films are not at hand")


def medvlm(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "medvlm.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@needs_data
def test_a_film_and_a_volume_give_a_draft_and_a_refusal_in_the_order_given(tmp_path: Path) -> None:
    assert DATA is not None
    film = DATA / "cxr_large" / "00029855_001.png"
    volume = write(ct_slice(), tmp_path)
    run = medvlm("draft", "--json", volume, film)
    refused, drafted = map(Reading.model_validate_json, run.stdout.splitlines())
    assert run.returncode == 1
    assert isinstance(refused.scope, Refusal)
    assert refused.scope.code == "unsupported_modality"
    assert drafted.scope.kind == "in_scope"
    assert {finding.name for finding in drafted.findings}.isdisjoint(drafted.not_assessed)


@needs_data
def test_questions_are_answered_or_refused_in_words() -> None:
    assert DATA is not None
    film = DATA / "cxr_large" / "00029855_001.png"
    run = medvlm("ask", "--json", film, "Is there a pleural effusion?", "What is the weather like?")
    effusion, weather = map(Answer.model_validate_json, run.stdout.splitlines())
    assert (effusion.finding, effusion.kind) == ("effusion", "yes_no")
    assert effusion.probability is not None
    assert (weather.kind, weather.probability) == ("refusal", None)
    assert run.returncode == 1


def test_a_picture_without_an_image_in_it_is_refused(tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.fromarray(np.full((256, 256), 128, np.uint8)).save(blank)
    run = medvlm("draft", "--json", blank)
    assert run.returncode == 1
    assert json.loads(run.stdout)["scope"]["kind"] == "refusal"


def test_a_file_that_cannot_be_read_is_bad_input_and_says_so(tmp_path: Path) -> None:
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"\x89PNG\r\n\x1a\n")
    run = medvlm("draft", torn)
    assert run.returncode == 2
    assert "not read" in run.stdout
    assert "Traceback" not in run.stderr


def test_a_path_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    run = medvlm("draft", tmp_path / "nothing.dcm")
    assert (run.returncode, "no such file" in run.stderr) == (2, True)


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    file = write(ct_slice(), tmp_path / "in")
    run = medvlm("draft", "--model", tmp_path, file)
    assert run.returncode == 2
    assert str(tmp_path) in run.stderr
    assert "Traceback" not in run.stderr
