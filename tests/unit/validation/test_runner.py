"""A run that was stopped goes on where it was, asks nothing twice, and is the same with one worker or many."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medvlm.client import StoppedWhileAnswering
from medvlm.contract import StudyContext, StudyInput
from tests.unit.validation.examined import examined, protocol
from tests.unit.validation.scripted import IDENTITY, ScriptedModel, ScriptedSession, synthetic_cases
from validation.asking import Asking, Put
from validation.cases import Case
from validation.errors import ModelLost
from validation.outputs import Output
from validation.robustness.alterations import Alteration
from validation.runner.execute import Place, Worker, execute
from validation.runner.keys import key_of
from validation.runner.store import OutputStore
from validation.tasks.catalogue import judge_all

WANTED = protocol(("detection", "draft", "refusal"))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, ...]:
    return synthetic_cases(tmp_path_factory.mktemp("films"), 60)


def test_what_the_store_holds_is_not_asked_again(films: tuple[Case, ...], tmp_path: Path) -> None:
    first, second = ScriptedModel(), ScriptedModel()
    examined(first, films, tmp_path, WANTED)
    examined(second, films, tmp_path, WANTED)
    assert len(first.opened) == len(films)
    assert second.opened == []


def test_one_worker_gives_the_same_figures_as_many(films: tuple[Case, ...], tmp_path: Path) -> None:
    alone = judge_all(WANTED.tasks, *examined(ScriptedModel(), films, tmp_path / "one", WANTED))
    many = judge_all(WANTED.tasks, *examined(ScriptedModel(), films, tmp_path / "four", WANTED, workers=4))
    assert alone == many


def test_a_torn_last_line_is_cut_off_and_its_study_asked_again(films: tuple[Case, ...], tmp_path: Path) -> None:
    examined(ScriptedModel(), films, tmp_path, WANTED)
    path = tmp_path / "outputs.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    again = ScriptedModel()
    examined(again, films, tmp_path, WANTED)
    assert len(again.opened) == 1
    assert len(path.read_bytes().splitlines()) == len(whole.splitlines())


def test_an_output_with_an_error_is_asked_for_anew(tmp_path: Path) -> None:
    with OutputStore(tmp_path / "outputs.jsonl") as store:
        store.append([Output(case_id="a", probe="plain", key="k", error="the model stopped")])
        assert "k" not in store
        assert store.get("k") is not None
    with OutputStore(tmp_path / "outputs.jsonl") as store:
        assert "k" not in store


def test_the_key_holds_all_that_the_answer_depends_on_and_no_name(films: tuple[Case, ...]) -> None:
    asking = Asking(films[0])
    renamed = Asking(films[0].model_copy(update={"case_id": "other"}), probe="other")
    assert key_of(asking, IDENTITY, 1) == key_of(renamed, IDENTITY, 1)
    other_context = films[0].model_copy(update={"context": StudyContext(indication="cough")})
    different = {
        key_of(each, identity, 1)
        for each, identity in (
            (asking, IDENTITY),
            (asking, IDENTITY.model_copy(update={"calibration": "other"})),
            (Asking(films[1]), IDENTITY),
            (Asking(films[0], images=films[2].images), IDENTITY),
            (Asking(other_context), IDENTITY),
            (Asking(films[0], alteration=Alteration("rotation", 5)), IDENTITY),
            (Asking(films[0], alteration=Alteration("rotation", 6)), IDENTITY),
            (Asking(films[0], questions=(Put("q", "Is there an effusion?"),)), IDENTITY),
            (Asking(films[0], draft=False), IDENTITY),
            (Asking(films[0].model_copy(update={"prior": films[1].images})), IDENTITY),
        )
    }
    assert len(different) == 10


class Dying(ScriptedModel):
    """Stops at one study as often as it is asked."""

    def open(self, study: StudyInput) -> ScriptedSession:
        if study.images[0].uri.endswith("film-00003.png"):
            raise StoppedWhileAnswering("the model server stopped while answering")
        return super().open(study)


def test_a_study_that_stops_the_model_twice_is_an_error_of_that_study(films: tuple[Case, ...], tmp_path: Path) -> None:
    with OutputStore(tmp_path / "outputs.jsonl") as store:
        revived: list[bool] = []
        worker = Worker(Dying(), lambda: revived.append(True) is None)
        keys = execute(map(Asking, films[:8]), [worker], IDENTITY, store, Place(tmp_path, 1))
        failed = [case for (_, case), key in keys.items() if (output := store.get(key)) and output.error]
    assert failed == ["film-00003"]
    assert len(revived) == 2


def test_a_model_that_does_not_come_back_ends_the_run_and_keeps_what_was_said(
    films: tuple[Case, ...], tmp_path: Path
) -> None:
    with OutputStore(tmp_path / "outputs.jsonl") as store:
        with pytest.raises(ModelLost):
            execute(map(Asking, films[:8]), [Worker(Dying())], IDENTITY, store, Place(tmp_path, 1))
        assert len(store) == 3


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.unit.validation.examined import examined, protocol
from tests.unit.validation.scripted import ScriptedModel, ScriptedSession, synthetic_cases

class Killed(ScriptedModel):
    def open(self, study):
        if len(self.opened) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().open(study)

folder = Path(sys.argv[1])
examined(Killed(), synthetic_cases(folder / "films", 60), folder, protocol(("detection", "draft", "refusal")))
"""


@pytest.mark.parametrize("after", [3, 40])
def test_a_run_that_is_killed_is_resumed_to_the_same_figures(tmp_path: Path, after: int) -> None:
    killed = tmp_path / "killed"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(killed), str(after)], check=False)
    assert ended.returncode == -signal.SIGKILL
    again = ScriptedModel()
    films = synthetic_cases(killed / "films", 60)
    resumed = judge_all(WANTED.tasks, *examined(again, films, killed, WANTED))
    assert len(again.opened) < len(films) or after < 16, "whole batches were on disk"
    assert len(again.opened) >= len(films) - after
    whole = judge_all(WANTED.tasks, *examined(ScriptedModel(), films, tmp_path / "whole", WANTED))
    assert resumed == whole


def test_the_same_film_altered_for_many_cases_at_once_is_there_for_each(
    films: tuple[Case, ...], tmp_path: Path
) -> None:
    mirror = Alteration("mirror", 1)
    ages = [films[0].model_copy(update={"case_id": f"{k}", "context": StudyContext(age_years=k)}) for k in range(60)]
    askings = [Asking(case, probe=str(mirror), alteration=mirror) for case in ages]
    work = tmp_path / "work"
    with OutputStore(tmp_path / "outputs.jsonl") as store:
        keys = execute(askings, [Worker(ScriptedModel())] * 6, IDENTITY, store, Place(work, 1))
        outputs = [store.get(key) for key in keys.values()]
    assert all(output and not output.error and output.reading for output in outputs)
    assert not any(work.iterdir())
