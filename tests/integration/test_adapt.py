"""Adapting the shipped weights on made-up pictures: the base stays bit for bit, the adapter reloads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from medvlm.adapt import run
from medvlm.adapt.adapter import adapter_digest, read_taught
from medvlm.adapt.apply import AdaptedModel, load_adapted
from medvlm.adapt.cards import Card
from medvlm.adapt.lesson import Settings
from medvlm.adapt.lora import Asker, Lesson, LoraSettings, fit, targeted, with_lora
from medvlm.adapt.network import as_grids, load_model, load_taught_network
from medvlm.adapt.pool import PoolSettings
from medvlm.adapt.problems import UnusableData
from medvlm.contract import Answer, ImageSource, InScope, Question, Scope, StudyContext, StudyInput
from medvlm.embedded import WEIGHTS
from medvlm.engine.embedded_model import EmbeddedModel, Judged
from medvlm.errors import BadModelFolder, UnknownFinding
from medvlm.imaging.images import Radiograph
from medvlm.imaging.model_frame import to_model_frame

SMALL = Settings(
    pool=PoolSettings(encoded=16, most_copies=2, mixtures=8, drawn=8),
    lora=LoraSettings(steps=4, batch=12, check_every=2, known_a_step=3),
)


def picture(rng: np.random.Generator, marked: bool) -> Image.Image:
    """Soft shapes with two dark fields; a marked one has a bright disc in the middle."""
    y, x = np.mgrid[0:160, 0:160] / 160
    grey = 0.6 + 0.1 * np.sin(6 * x + rng.random()) + 0.05 * rng.standard_normal((160, 160))
    for centre in (0.3, 0.7):
        grey -= 0.45 * np.exp(-(((x - centre) / 0.13) ** 2 + ((y - 0.45) / 0.28) ** 2))
    if marked:
        grey += 0.5 * np.exp(-(((x - 0.5) / 0.1) ** 2 + ((y - 0.6) / 0.1) ** 2))
    return Image.fromarray((255 * grey.clip(0, 0.94)).astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures, six with a disc."""
    data, rng = tmp_path_factory.mktemp("dozen"), np.random.default_rng(0)
    lines = ["image,patient,Bright disc"]
    for number in range(12):
        picture(rng, number % 2 == 0).save(data / f"{number}.png")
        lines.append(f"{number}.png,p{number},{1 - number % 2}")
    (data / "labels.csv").write_text("\n".join(lines))
    return data


@pytest.fixture(scope="module", autouse=True)
def pictures_are_in_scope() -> Iterator[None]:
    """The pictures are no radiographs: only here is the scope check told to pass them."""

    def judge(self: EmbeddedModel, radiograph: Radiograph, context: StudyContext) -> Judged:
        scope: Scope = InScope(view="PA")
        frame = to_model_frame(radiograph, self.network.image_size)
        return Judged(radiograph.source, scope, (), self.network.encode(frame.pixels))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddedModel, "judge", judge)
        yield


@pytest.fixture(scope="module")
def taught(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    out = tmp_path_factory.mktemp("adapter")
    return out, run.adapt(folder, out, settings=SMALL)


@pytest.fixture(scope="module")
def adapted(taught: tuple[Path, Card]) -> AdaptedModel:
    return load_adapted(None, taught[0])


def study(folder: Path, number: int) -> StudyInput:
    return StudyInput(study_uid="1.2.3", images=(ImageSource(uri=str(folder / f"{number}.png")),))


def answered(model: AdaptedModel, one: StudyInput, text: str) -> Answer:
    answer = list(model.open(one).ask(Question(text=text)))[-1]
    assert isinstance(answer, Answer)
    return answer


def test_the_weights_on_disk_are_only_read(taught: tuple[Path, Card]) -> None:
    assert hashlib.sha256((WEIGHTS / "model.safetensors").read_bytes()).hexdigest() == taught[1].base_weights


def test_fitting_leaves_every_weight_and_running_statistic_of_the_base_bit_for_bit(folder: Path) -> None:
    model, tokenizer = load_model(WEIGHTS)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    grids, asked, known = torch.rand(12, 16, 1280), ("Is it there?",), ("Is there effusion?",)
    kept = torch.zeros(12, 1)
    adapted = with_lora(model, SMALL.lora, 0)
    fit(adapted, tokenizer, Lesson(grids, asked, torch.randn(12, 1), known, kept, 4), SMALL.lora, 0, lambda: None)
    after = {name.replace(".base_layer", ""): tensor for name, tensor in model.state_dict().items()}
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert not any(module.training for module in adapted.modules())


def test_only_projector_and_language_model_carry_an_adapter() -> None:
    model, _ = load_model(WEIGHTS)
    names = targeted(with_lora(model, LoraSettings(), 0))
    assert not any("vision_tower" in name for name in names)
    assert len(names) == 2 + 7 * model.config.get_text_config().num_hidden_layers


def test_a_model_of_other_layers_gets_no_adapter() -> None:
    model, _ = load_model(WEIGHTS)
    model.model.language_model.layers = model.model.language_model.layers[:2]
    with pytest.raises(BadModelFolder):
        with_lora(model, LoraSettings(), 0)


def test_questions_with_gradients_say_what_the_engine_says(folder: Path, adapted: AdaptedModel) -> None:
    model, tokenizer = load_model(WEIGHTS)
    network, asked = adapted.base.network, ["Is there effusion?", "Is there a mass?"]
    encoded = network.encode(np.random.default_rng(1).random((network.image_size,) * 2).astype(np.float32))
    with torch.no_grad():
        ours = Asker(model, tokenizer).log_odds(as_grids(encoded.features), asked)[0]
    assert ours.numpy() == pytest.approx(network.log_odds(encoded.prefix, asked), abs=1e-4)


def test_the_adapter_is_small_and_holds_no_path(taught: tuple[Path, Card], folder: Path) -> None:
    files = sorted(path.name for path in taught[0].iterdir())
    assert files == ["adapter_config.json", "adapter_model.safetensors", "card.json", "card.md", "taught.json"]
    assert sum(path.stat().st_size for path in taught[0].iterdir()) < 3_000_000
    words = "".join((taught[0] / name).read_text("utf-8") for name in files if not name.endswith("safetensors"))
    assert str(folder) not in words
    assert str(WEIGHTS) not in words


def test_an_adapter_reloads_to_equal_answers(taught: tuple[Path, Card], adapted: AdaptedModel, folder: Path) -> None:
    again = load_taught_network(WEIGHTS, taught[0], read_taught(taught[0]))
    features = adapted.base.open(study(folder, 3)).film.encoded
    assert features is not None
    assert again.log_odds(features.features) == adapted.network.log_odds(features.features)


def test_what_is_read_from_the_folder_is_what_peft_reads(taught: tuple[Path, Card], adapted: AdaptedModel) -> None:
    from peft import PeftModel

    model, tokenizer = load_model(WEIGHTS)
    stock = PeftModel.from_pretrained(model, taught[0]).eval()
    grids = torch.rand(1, 16, 1280)
    finding = read_taught(taught[0]).findings[0]
    with torch.no_grad():
        z = Asker(stock.get_base_model(), tokenizer).log_odds(grids, finding.calibration.wordings).mean()
    assert float(z) == pytest.approx(adapted.network.log_odds_of_grids(grids)["bright_disc"], abs=1e-4)


def test_base_and_adapter_in_one_process_do_not_disturb_each_other(adapted: AdaptedModel, folder: Path) -> None:
    one = study(folder, 0)
    before = adapted.base.open(one).draft()
    answered(adapted, one, "Is a bright disc present?")
    assert [finding.probability for finding in adapted.base.open(one).draft().findings] == [
        finding.probability for finding in before.findings
    ]
    assert adapted.open(one).draft().findings == before.findings


def test_the_identity_changes_with_the_adapter(adapted: AdaptedModel, taught: tuple[Path, Card], folder: Path) -> None:
    assert adapted.identity.adapter_digest == adapter_digest(taught[0]) == taught[1].adapter_digest
    assert adapted.identity.digest != adapted.base.identity.digest
    assert adapted.open(study(folder, 0)).draft().model == adapted.identity
    assert answered(adapted, study(folder, 0), "Which view is this?").model == adapted.identity


def test_a_taught_finding_can_be_asked_with_a_warning_and_stands_in_no_draft(
    adapted: AdaptedModel, folder: Path
) -> None:
    one = study(folder, 0)
    answer = answered(adapted, one, "Is there a bright disc?")
    assert answer.finding == "bright_disc"
    assert "not_validated" in {warning.code for warning in answer.warnings}
    (found,) = adapted.open(one).questionnaire(["bright_disc"])
    assert answer.refusal is not None or answer.probability == pytest.approx(found.probability)
    assert "bright_disc" not in adapted.assessed
    assert "bright_disc" not in {finding.name for finding in adapted.open(one).draft().findings}


def test_the_questionnaire_keeps_the_order_and_refuses_what_nobody_taught(adapted: AdaptedModel, folder: Path) -> None:
    session, known = adapted.open(study(folder, 1)), adapted.assessed[0]
    assert [finding.name for finding in session.questionnaire(["bright_disc", known])] == ["bright_disc", known]
    with pytest.raises(UnknownFinding):
        session.questionnaire(["dark_disc"])


def test_an_adapter_on_other_weights_is_refused(taught: tuple[Path, Card], tmp_path: Path) -> None:
    for path in taught[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = json.loads((tmp_path / "taught.json").read_text("utf-8")) | {"base_weights": "0" * 64}
    (tmp_path / "taught.json").write_text(json.dumps(changed))
    with pytest.raises(BadModelFolder, match="other weights"):
        load_adapted(None, tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    with pytest.raises(BadModelFolder, match="lacks"):
        load_adapted(None, tmp_path)


def test_the_card_says_counts_and_that_it_is_no_estimate(taught: tuple[Path, Card]) -> None:
    out, card = taught
    words = (out / "card.md").read_text("utf-8")
    assert (card.films, card.patients, card.taught[0].films_present) == (12, 12, 6)
    assert "not an estimate of performance" in words
    assert card.adapter_digest in words
    assert "p11" not in words
    assert Card.model_validate_json((out / "card.json").read_text("utf-8")) == card


def test_the_same_seed_makes_the_same_adapter(folder: Path, taught: tuple[Path, Card], tmp_path: Path) -> None:
    assert run.adapt(folder, tmp_path, settings=SMALL).adapter_digest == taught[1].adapter_digest
    other = run.adapt(folder, tmp_path / "other", settings=replace(SMALL, seed=1))
    assert other.adapter_digest != taught[1].adapter_digest


def test_unreadable_films_are_named_by_row_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    for path in folder.iterdir():
        (data / path.name).write_bytes(path.read_bytes())
    (data / "4.png").write_bytes(b"no picture")
    with pytest.raises(UnusableData) as caught:
        run.adapt(data, out, settings=SMALL)
    assert [(problem.code, problem.rows) for problem in caught.value.problems] == [("unreadable", (6,))]
    assert not out.exists()
