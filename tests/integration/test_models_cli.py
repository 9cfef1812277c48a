"""`medvlm models`: costs from headers alone, and checks on real classes at reduced size with random weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForImageTextToText, AutoTokenizer
from typer.testing import CliRunner, Result

from medvlm.cli import app, main
from medvlm.engine.load_settings import LoadSettings
from medvlm.engine.model_check import Check, attacks, check_folder
from medvlm.families.registry import families, family_named
from tests.tiny_models import save_folder

LLAVA_TURNS = (
    "{{ '<s>A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful,"
    " detailed, and polite answers to the user\\'s questions. USER: ' }}{% for message in messages %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\\n' }}{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% endfor %}{{ ' ASSISTANT:' }}"
)


def medvlm(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = save_folder(tmp_path_factory.mktemp(family.replace(".", "_")), family, says_yes_or_no=True)
            ends = AutoTokenizer.from_pretrained(made[family]).eos_token_id
            (made[family] / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
        return made[family]

    return folder


def outcomes(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.name: check.outcome for check in checks}


@pytest.mark.parametrize("family", ["medgemma", "llava", "qwen2.5-vl", "qwen3-vl", "embedded"])
def test_weights_that_fit_their_family_pass_every_check(folders: Callable[[str], Path], family: str) -> None:
    checks = check_folder(folders(family), LoadSettings())
    assert [check for check in checks if check.outcome == "does not fit"] == []
    tried = {check.name for check in checks if check.outcome == "fits"}
    assert tried >= {
        "images",
        "stop tokens",
        "questionnaire",
        "streaming",
        "control tokens in text",
        "looks at the image",
    }
    assert ("boxes" in tried) == (family_named(family).boxes is not None)
    assert ("earlier film" in tried) == (family != "embedded")


def changed(folder: Path, out: Path, change: Callable[[torch.nn.Module], None]) -> Path:
    """A copy of the folder with other weights."""
    out.mkdir()
    for file in folder.iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    model = AutoModelForImageTextToText.from_pretrained(folder)
    with torch.no_grad():
        change(model)
    model.save_pretrained(out)
    return out


def test_a_model_that_does_not_look_at_the_image_is_found_out(folders: Callable[[str], Path], tmp_path: Path) -> None:
    def blind(model: torch.nn.Module) -> None:
        for name, parameter in model.named_parameters():
            if "multi_modal_projector" in name:
                parameter.zero_()

    blinded = check_folder(changed(folders("llava"), tmp_path / "blind", blind), LoadSettings())
    (looks,) = [check for check in blinded if check.name == "looks at the image"]
    assert looks.outcome == "does not fit"
    assert "does not look" in looks.words


def test_a_model_that_answers_neither_yes_nor_no_cannot_be_asked_for_findings(tmp_path: Path) -> None:
    run = medvlm("check", save_folder(tmp_path / "random", "llava"), "--json")
    found = {check["name"]: check for check in map(json.loads, run.stdout.splitlines())}
    assert run.exit_code == 3
    assert found["questionnaire"]["outcome"] == "does not fit"
    assert "no finding can be asked" in found["questionnaire"]["words"]


@pytest.mark.parametrize(
    ("turns", "outcome"), [(LLAVA_TURNS, "fits"), (LLAVA_TURNS.replace("USER", "HUMAN"), "does not fit")]
)
def test_the_folders_chat_template_is_compared_with_the_profile(
    folders: Callable[[str], Path], tmp_path: Path, turns: str, outcome: str
) -> None:
    folder = changed(folders("llava"), tmp_path / "templated", lambda model: None)
    (folder / "chat_template.jinja").write_text(turns)
    assert outcomes(check_folder(folder, LoadSettings()))["chat template"] == outcome


def test_weights_that_end_an_answer_with_another_token_are_found_out(
    folders: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = changed(folders("llava"), tmp_path / "other_end", lambda model: None)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 5}))
    assert outcomes(check_folder(folder, LoadSettings()))["stop tokens"] == "does not fit"


def lora(folder: Path, out: Path, trained: bool) -> Path:
    torch.manual_seed(1)
    base = AutoModelForImageTextToText.from_pretrained(folder)
    settings = LoraConfig(r=2, target_modules=r".*language_model.*q_proj", init_lora_weights=not trained)
    get_peft_model(base, settings).save_pretrained(out)
    return out


def test_an_adapter_has_to_change_answers(folders: Callable[[str], Path], tmp_path: Path) -> None:
    folder = folders("llava")
    trained = LoadSettings(adapters={"ours": lora(folder, tmp_path / "trained", True)})
    untouched = LoadSettings(adapters={"ours": lora(folder, tmp_path / "untouched", False)})
    assert outcomes(check_folder(folder, trained))["adapters"] == "fits"
    assert outcomes(check_folder(folder, untouched))["adapters"] == "does not fit"


def test_attacks_cover_every_marker_in_several_spellings() -> None:
    tried = list(attacks(family_named("medgemma")))
    for marker in family_named("medgemma").control_markers:
        assert sum(marker.strip("<>").casefold()[2:-1] in attack.casefold() for attack in tried) >= 3


def test_a_folder_that_is_no_model_is_bad_input_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["medvlm", "models", "check", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "config.json" in capsys.readouterr().err


def test_the_list_names_every_family_with_its_licence_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from medvlm.cli import app;"
        "print(CliRunner().invoke(app, ['models', '--json']).stdout,"
        "[name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    *listed, heavy = run.stdout.splitlines()
    rows = [json.loads(row) for row in listed if row]
    assert [row["name"] for row in rows] == [family.name for family in families()]
    assert all(row["licence"] for row in rows)
    assert heavy.strip() == "[]"


def test_the_list_in_words_says_what_is_for_research_only() -> None:
    said = medvlm().stdout
    assert "MAIRA-2" in said
    assert "research only (RESEARCH ONLY)" in said
    assert "Not confirmed:" in said


def header(shapes: dict[str, tuple[int, ...]]) -> bytes:
    """Safetensors with a header and no weights: only the header is read."""
    entries = {name: {"dtype": "BF16", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    text = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    return len(text).to_bytes(8, "little") + text


def weights(folder: Path, shapes: dict[str, tuple[int, ...]], **config: object) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(header(shapes))
    return folder


def medgemma_4b(folder: Path) -> Path:
    """34 layers of 4 key-value heads of 256, as the public configuration has it, which names no layer types."""
    layer = "model.language_model.layers.{}.self_attn.{}_proj.weight"
    shapes = {layer.format(number, which): (1024, 2560) for number in range(34) for which in "kv"}
    shapes |= {"model.language_model.embed_tokens.weight": (262_208, 2560)}
    shapes |= {"model.vision_tower.layers.0.self_attn.k_proj.weight": (1152, 1152)}
    text = {"model_type": "gemma3_text", "num_hidden_layers": 34, "sliding_window": 1024}
    config = {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "text_config": text}
    return weights(folder, shapes, **config)


def test_the_cache_of_a_ct_on_medgemma_4b_is_reckoned_with_its_sliding_layers(tmp_path: Path) -> None:
    run = medvlm("cost", medgemma_4b(tmp_path / "4b"), "--json")
    reckoned = json.loads(run.stdout)
    assert (run.exit_code, reckoned["family"]) == (0, "medgemma")
    assert reckoned["cache_per_token"] == 34 * 4096
    assert reckoned["film_cache"] == (256 + 100) * 34 * 4096
    tokens = 85 * 256 + 100
    assert reckoned["volume_cache"] == 4096 * (5 * tokens + 29 * 1023)  # 0.57 GB; 3.0 GB if nothing slid


def test_embeddings_stay_in_sixteen_bits_when_matrices_are_quantised(tmp_path: Path) -> None:
    reckoned = json.loads(medvlm("cost", medgemma_4b(tmp_path / "4b"), "--json").stdout)
    embedding, matrices = 262_208 * 2560, 68 * 1024 * 2560 + 1152 * 1152
    assert reckoned["parameters"] == embedding + matrices
    assert reckoned["memory"]["8 bit"] == 2 * embedding + matrices
    assert reckoned["memory"]["4 bit"] == 2 * embedding + round(0.5625 * matrices)


def test_a_folder_that_cannot_be_reckoned_is_named_and_the_others_are_told(tmp_path: Path) -> None:
    torn = weights(tmp_path / "torn", {}, architectures=["LlavaForConditionalGeneration"])
    (torn / "model.safetensors").write_bytes(b"\xff" * 20)
    run = medvlm("cost", torn, medgemma_4b(tmp_path / "4b"))
    assert run.exit_code == 3
    assert "torn" in run.stderr
    assert "136.0 KiB a token" in run.stdout
    assert medvlm("cost", torn).exit_code == 2
