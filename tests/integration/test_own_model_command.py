"""`medvlm draft`, `ask` and `serve` with a folder of one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from medvlm.contract import Answer, ImageSource, ModelIdentity, Reading, StudyInput
from medvlm.engine.load_settings import LoadSettings, adapter_paths
from medvlm.engine.serving import ReadyModel
from medvlm.errors import BadModelFolder
from medvlm.serve import served
from tests.integration.test_family_sessions import lora, picture
from tests.tiny_models import save_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_folder(tmp_path_factory.mktemp("own") / "llava", "llava")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.png"
    Image.fromarray((picture(1) * 255).astype(np.uint8)).save(path)
    return path


def medvlm(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "medvlm.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def test_draft_states_nothing_and_says_why(folder: Path, film: Path) -> None:
    run = medvlm("draft", "--json", "--model", folder, film)
    reading = Reading.model_validate_json(run.stdout)
    assert (run.returncode, reading.model.name, reading.findings) == (0, "llava", ())
    assert "not_validated" in {warning.code for warning in reading.warnings}


def test_ask_under_an_adapter_names_it(folder: Path, film: Path, tmp_path: Path) -> None:
    adapter = lora(folder, tmp_path / "adapter", 1)
    asked = ("ask", "--json", "--model", folder, "--adapter", f"heart={adapter}", film, "What of the bones?")
    run = medvlm(*asked)
    answer = Answer.model_validate_json(run.stdout)
    assert answer.model.adapter_digest
    assert run.returncode in (0, 1)


def test_a_server_has_each_adapter_under_its_name(folder: Path, film: Path, tmp_path: Path) -> None:
    adapters = {name: lora(folder, tmp_path / name, seed) for seed, name in enumerate(("one", "two"))}
    study = StudyInput(study_uid="1.2.3", images=(ImageSource(uri=str(film)),))
    with ReadyModel(folder, None, settings=LoadSettings(adapters=adapters)) as ready:
        client = TestClient(served(ready))
        cards = [client.get(f"{place}/v1/model").json() for place in ("", "/adapters/one", "/adapters/two")]
        assert len({ModelIdentity(**card["identity"]).digest for card in cards}) == 3
        drafted = client.post("/adapters/two/v1/draft", json=study.model_dump(mode="json"))
        assert (
            Reading.model_validate_json(drafted.content).model.adapter_digest
            == (cards[2]["identity"]["adapter_digest"])
        )


def test_an_adapter_without_a_name_is_bad_input() -> None:
    with pytest.raises(BadModelFolder, match="NAME=PATH"):
        adapter_paths(["somewhere"])
