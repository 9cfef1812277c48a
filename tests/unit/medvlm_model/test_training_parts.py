from pathlib import Path

import pytest
import torch

from medvlm.safeguards.scope_head import REFUSED_AS
from medvlm.train.augment import augment
from medvlm.train.averaging import averaged_copy, step_average
from medvlm.train.checkpoint import resume, save
from medvlm.train.evaluate import Area, FindingFigures, assessed
from medvlm.train.outsiders import spoil
from medvlm.train.recipe import read_recipe


def films(n: int) -> torch.Tensor:
    """Pictures (n, 1, 128, 128) whose left half is bright."""
    pictures = torch.full((n, 1, 128, 128), 0.2)
    pictures[..., :64] = 0.8
    return pictures


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_augmentation_never_swaps_the_sides() -> None:
    seen = augment(films(64), generator())
    assert (seen[..., 16:48].mean((1, 2, 3)) > seen[..., 80:112].mean((1, 2, 3))).all()


def test_augmentation_is_the_same_for_the_same_seed_and_differs_between_films() -> None:
    first, again = augment(films(4), generator(1)), augment(films(4), generator(1))
    assert torch.equal(first, again)
    assert not torch.allclose(first[0], first[1])
    assert float(first.min()) >= 0.0
    assert float(first.max()) <= 1.0


@pytest.mark.parametrize("kind", range(1, 5))
def test_a_spoiled_film_keeps_shape_and_range_and_is_another_picture(kind: int) -> None:
    whole = torch.rand((4, 1, 128, 128), generator=generator(2))
    spoiled = spoil(whole, kind, generator(3))
    assert spoiled.shape == whole.shape
    assert float(spoiled.min()) >= 0.0
    assert float(spoiled.max()) <= 1.0
    assert not torch.allclose(spoiled, whole, atol=0.1), REFUSED_AS[kind - 1]


def test_a_resumed_stage_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    def parts() -> tuple[torch.nn.Linear, torch.optim.AdamW]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1)
        return layer, torch.optim.AdamW(layer.parameters(), 0.1)

    def step(layer: torch.nn.Linear, optimiser: torch.optim.AdamW, seed: int) -> None:
        layer(torch.rand((5, 3), generator=generator(seed))).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()

    straight, stopped, resumed = parts(), parts(), parts()
    for seed in range(4):
        step(*straight, seed)
    for seed in range(2):
        step(*stopped, seed)
    save(tmp_path / "stage.pt", 2, *stopped)
    assert resume(tmp_path / "stage.pt", *resumed) == 2
    for seed in range(2, 4):
        step(*resumed, seed)
    assert torch.equal(straight[0].weight, resumed[0].weight)


def test_without_a_checkpoint_a_stage_starts_at_its_beginning(tmp_path: Path) -> None:
    assert resume(tmp_path / "none.pt") == 0


def test_the_average_follows_weights_and_running_statistics() -> None:
    model = torch.nn.BatchNorm1d(2)
    average = averaged_copy(model)
    with torch.no_grad():
        model.weight.fill_(3.0)
        model.running_mean.fill_(1.0)  # type: ignore[union-attr]
    step_average(average, model, decay=0.5)
    assert average.weight.tolist() == [2.0, 2.0]
    assert average.running_mean.tolist() == [0.5, 0.5]  # type: ignore[union-attr]


def _figures(name: str, low: float | None, positives: int) -> FindingFigures:
    area = Area(value=0.8, low=low, high=0.9, positives=positives, films=1000)
    return FindingFigures(
        name=name, auroc=area, within_pa=area, within_ap=area, encoder_head_auroc=0.8, permuted_auroc=0.5,
        calibration_error=0.01, perfect_calibration_error=0.01, called_present=0, called_present_right=0,
        called_absent=0, called_absent_right=0,
    )  # fmt: skip


def test_a_finding_is_assessed_only_with_positives_enough_and_a_lower_bound_that_clears() -> None:
    figures = (
        _figures("effusion", 0.80, 168), _figures("nodule", 0.55, 44), _figures("hernia", 0.9, 1),
        _figures("edema", None, 30),
    )  # fmt: skip
    assert assessed(figures, read_recipe().validation) == ("effusion",)


def test_a_recipe_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("seed = 1\nspeed = 2\n")
    with pytest.raises(ValueError, match="speed"):
        read_recipe(tmp_path / "recipe.toml")
