"""Models that cheat are caught by name, each by the criterion made for it; the honest one meets them all."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.unit.validation.examined import examined, protocol
from tests.unit.validation.scripted import ScriptedModel, synthetic_cases
from validation.cheats.battery import HONEST, Tried, try_cheats
from validation.cheats.outputs import sharpened

CRITERION = {
    "permuted_images": "discrimination",
    "flipped_laterality": "laterality",
    "always_normal": "miss",
    "parrot": "change",
    "over_confident": "calibration",
    "refuse_all": "coverage",
    "view_reader": "views",
    "image_ignored": "looks",
}

PINNED: Mapping[str, set[str]] = {
    "honest": set(),
    "permuted_images": {"discrimination", "laterality", "miss", "change", "calibration", "views"},
    "flipped_laterality": {"laterality"},
    "always_normal": {"discrimination", "miss", "views", "looks"},
    "parrot": {"discrimination", "miss", "change", "calibration", "looks"},
    "over_confident": {"calibration"},
    "refuse_all": {"coverage"},
    "view_reader": {"discrimination", "change", "calibration", "views", "looks"},
    "image_ignored": {"looks"},
}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Tried]:
    folder = tmp_path_factory.mktemp("cheats")
    wanted = protocol(("detection", "draft", "faithfulness"))
    examination, said = examined(ScriptedModel(), synthetic_cases(folder / "films", 400), folder, wanted)
    return {each.cheat: each for each in try_cheats(wanted, examination, said)}


def test_the_honest_model_meets_every_criterion(tried: Mapping[str, Tried]) -> None:
    assert set(tried[HONEST].outcomes.values()) == {"met"}, tried[HONEST].criteria


@pytest.mark.parametrize(("cheat", "criterion"), CRITERION.items())
def test_each_cheat_fails_the_criterion_made_for_it(tried: Mapping[str, Tried], cheat: str, criterion: str) -> None:
    assert tried[cheat].outcomes[criterion] == "not met"
    assert tried[cheat].caught


def test_the_whole_matrix_is_as_it_was_pinned(tried: Mapping[str, Tried]) -> None:
    """A mutant that fails everything would show that the suite is noisy, not that it is sharp."""
    not_met = {
        name: {c for c, outcome in each.outcomes.items() if outcome == "not met"} for name, each in tried.items()
    }
    assert not_met == PINNED


def test_sharpening_keeps_the_order_and_one_half() -> None:
    probabilities = [0.0, 0.01, 0.3, 0.5, 0.8, 1.0]
    sharp = [sharpened(each) for each in probabilities]
    assert sharp == sorted(sharp)
    assert sharp[3] == pytest.approx(0.5)
    assert sharpened(0.3, by=1) == pytest.approx(0.3)
