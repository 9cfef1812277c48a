"""Which family a folder of weights is, told by config.json alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medvlm.errors import BadModelFolder
from medvlm.families.registry import families, family_named, family_of


def folder(root: Path, name: str = "weights", **config: object) -> Path:
    (root / name).mkdir()
    (root / name / "config.json").write_text(json.dumps(config))
    return root / name


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_every_family_is_found_by_its_architecture(family, tmp_path: Path) -> None:
    name = "-".join(("x", *family.name_hints))
    assert family_of(folder(tmp_path, name, architectures=[family.architectures[0]])) == family


def test_a_derivative_is_told_from_its_base_by_its_name(tmp_path: Path) -> None:
    architectures = ["Qwen2_5_VLForConditionalGeneration"]
    assert family_of(folder(tmp_path, "Lingshu-7B", architectures=architectures)).name == "lingshu"
    assert family_of(folder(tmp_path, "ours", architectures=architectures)).name == "qwen2.5-vl"
    named = folder(tmp_path, "copy", architectures=architectures, _name_or_path="nvidia/NV-Reason-CXR-3B")
    assert family_of(named).name == "nv-reason-cxr"


def test_a_config_without_architectures_is_told_by_its_model_type(tmp_path: Path) -> None:
    assert family_of(folder(tmp_path, model_type="gemma3")).name == "medgemma"


def test_an_unknown_architecture_is_refused_with_the_known_ones_named(tmp_path: Path) -> None:
    with pytest.raises(BadModelFolder, match=r"no family is known for MambaForCausalLM.*medgemma .*maira-2") as refused:
        family_of(folder(tmp_path, architectures=["MambaForCausalLM"], model_type="gemma3"))
    assert refused.value.where == str(tmp_path / "weights")


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_config_that_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BadModelFolder, match=r"config\.json"):
        family_of(tmp_path)


def test_a_name_that_is_no_family_is_refused() -> None:
    with pytest.raises(BadModelFolder, match="Known: embedded"):
        family_named("gpt")


def test_every_family_states_its_licence_and_its_source() -> None:
    assert all(family.licence and family.source and family.order for family in families())
    assert {family.name for family in families() if family.research_only} >= {"chexagent", "maira-2", "llava-rad"}
