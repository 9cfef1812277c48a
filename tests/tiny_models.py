"""Real transformers classes at reduced size, with random weights: what a hospital would bring, without its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    FastVlmConfig,
    FastVlmForConditionalGeneration,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3TextConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2VLImageProcessorPil,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    ResNetConfig,
    SiglipVisionConfig,
)

from medvlm.families.profile import Family
from medvlm.families.registry import family_named

Pixels = Callable[[int, int], dict[str, torch.Tensor]]
"""(seed, images) to what an image processor would give."""

SPREAD = 0.3
"""Standard deviation of the random weights: wide, so that an error of the cache shows in the logits."""


@dataclass(frozen=True)
class Tiny:
    """A class at reduced size: `model` builds it for a vocabulary size and the id of its image token."""

    model: Callable[[int, int], PreTrainedModel]
    pixels: Pixels
    other_pixels: Pixels
    """Images of another grid, where the class places image tokens by their grid; else the same."""


def _ready(model: PreTrainedModel, spread: float = SPREAD) -> PreTrainedModel:
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "patch" not in name and "vision" not in name and "visual" not in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * spread / parameter.shape[-1] ** 0.25
    return model.eval()


def gemma3(window: int) -> Callable[[int, int], PreTrainedModel]:
    """MedGemma's class; every second layer slides."""

    def build(vocabulary: int, image_token: int) -> PreTrainedModel:
        torch.manual_seed(0)
        text = Gemma3TextConfig(
            vocab_size=vocabulary, hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, sliding_window=window, max_position_embeddings=2048,
            query_pre_attn_scalar=8,
            layer_types=["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
        )  # fmt: skip
        vision = SiglipVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=56,
            patch_size=14,
        )
        config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
        config.image_token_id = config.image_token_index = image_token
        return _ready(Gemma3ForConditionalGeneration(config))

    return build


def llava(vocabulary: int, image_token: int) -> PreTrainedModel:
    torch.manual_seed(0)
    text = LlamaConfig(
        vocab_size=vocabulary, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048,
    )  # fmt: skip
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, image_size=56, patch_size=14
    )
    config = LlavaConfig(
        text_config=text, vision_config=vision, image_token_index=image_token, image_seq_length=16,
        vision_feature_layer=-2, vision_feature_select_strategy="default",
    )  # fmt: skip
    return _ready(LlavaForConditionalGeneration(config))


def qwen2_5_vl(vocabulary: int, image_token: int) -> PreTrainedModel:
    torch.manual_seed(0)
    text = {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
    }  # fmt: skip
    vision = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "patch_size": 14, "out_hidden_size": 32,
        "fullatt_block_indexes": [1], "window_size": 56, "spatial_merge_size": 2, "temporal_patch_size": 2,
    }  # fmt: skip
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, image_token_id=image_token)
    return _ready(Qwen2_5_VLForConditionalGeneration(config))


def qwen3_vl(vocabulary: int, image_token: int) -> PreTrainedModel:
    torch.manual_seed(0)
    text = {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "head_dim": 8,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "rope_scaling": {"rope_type": "default", "mrope_section": [2, 1, 1]},
    }  # fmt: skip
    vision = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "patch_size": 16, "out_hidden_size": 32,
        "spatial_merge_size": 2, "temporal_patch_size": 2, "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    }  # fmt: skip
    config = Qwen3VLConfig(text_config=text, vision_config=vision, image_token_id=image_token)
    return _ready(Qwen3VLForConditionalGeneration(config))


def fast_vlm(vocabulary: int, image_token: int) -> PreTrainedModel:
    """The class of the embedded default."""
    torch.manual_seed(0)
    vision = ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic")
    vision.hidden_size = 32
    text = Qwen2Config(
        vocab_size=vocabulary, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048,
    )  # fmt: skip
    config = FastVlmConfig(text_config=text, vision_config=vision, image_token_index=image_token)
    config.image_token_id = image_token
    return _ready(FastVlmForConditionalGeneration(config))


def _square(side: int) -> Pixels:
    def pixels(seed: int, images: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return {"pixel_values": torch.randn(images, 3, side, side, generator=generator)}

    return pixels


def _patches(rows: int, columns: int, patch: int) -> Pixels:
    def pixels(seed: int, images: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        values = torch.randn(images * rows * columns, 3 * 2 * patch**2, generator=generator)
        return {"pixel_values": values, "image_grid_thw": torch.tensor([[1, rows, columns]] * images)}

    return pixels


TINY: Mapping[str, Tiny] = {
    "gemma3, window below the prefix": Tiny(gemma3(16), _square(56), _square(56)),
    "gemma3, window above the prefix": Tiny(gemma3(4096), _square(56), _square(56)),
    "llava": Tiny(llava, _square(56), _square(56)),
    "qwen2_5_vl": Tiny(qwen2_5_vl, _patches(4, 8, 14), _patches(8, 4, 14)),
    "qwen3_vl": Tiny(qwen3_vl, _patches(4, 8, 16), _patches(8, 8, 16)),
    "fast_vlm": Tiny(fast_vlm, _square(32), _square(32)),
}


def plain_inputs(
    model: Any, ids: list[int], image_token: int, pixels: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """What a processor would hand to a call that starts anew; the reference that sessions are compared with."""
    row = torch.tensor([ids])
    of_image = (row == image_token).long()
    kind = model.config.model_type
    marks = {"gemma3": "token_type_ids", "qwen2_5_vl": "mm_token_type_ids", "qwen3_vl": "mm_token_type_ids"}
    types = {marks[kind]: of_image} if kind in marks else {}
    return {"input_ids": row, "attention_mask": torch.ones_like(row), **types, **pixels}


SENTENCES = """Is there a pleural effusion? Yes No yes no YES NO. The heart is enlarged. No pneumothorax is seen.
user model assistant system Describe this X-ray. Answer with yes or no only. Indication Technique Comparison
Earlier report (text of the request, not an instruction): SLICE 1 2 3 You are a helpful assistant.
Where is the opacity? box_2d label"""


def tokenizer(family: Family) -> PreTrainedTokenizerFast:
    """A byte-level BPE of a few hundred entries, trained on a few sentences, with the family's control tokens."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    backend.train_from_iterator([SENTENCES, *["Yes", "No"] * 20], trainer)
    controls = [marker for marker in family.control_markers if not marker.isspace()]
    controls += [token for token in (family.picture.token, *family.stop_tokens) if token not in controls]
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in controls])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=family.stop_tokens[0])


PROCESSORS: Mapping[str, Callable[[], Any]] = {
    "medgemma": lambda: Gemma3ImageProcessorPil(size={"height": 56, "width": 56}),
    "llava": lambda: CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}),
    "qwen2.5-vl": lambda: Qwen2VLImageProcessorPil(patch_size=14, min_pixels=56 * 56, max_pixels=112 * 112),
    "qwen3-vl": lambda: Qwen2VLImageProcessorPil(patch_size=16, min_pixels=64 * 64, max_pixels=128 * 128),
    "embedded": lambda: CLIPImageProcessorPil(size={"height": 32, "width": 32}, do_center_crop=False),
}
CLASSES: Mapping[str, Callable[[int, int], PreTrainedModel]] = {
    "medgemma": gemma3(16),
    "llava": llava,
    "qwen2.5-vl": qwen2_5_vl,
    "qwen3-vl": qwen3_vl,
    "embedded": fast_vlm,
}


def save_folder(folder: Path, family_name: str, says_yes_or_no: bool = False) -> Path:
    """A folder as Hugging Face saves it. `says_yes_or_no`: each answer begins with one of the two, by the image."""
    family = family_named(family_name)
    words = tokenizer(family)
    image_token = words.convert_tokens_to_ids(family.picture.token)
    model = CLASSES[family_name](len(words), image_token)
    if says_yes_or_no:
        with torch.no_grad():
            head = model.get_output_embeddings().weight
            head *= 0.02
            yes, no = (words.encode(word, add_special_tokens=False)[0] for word in ("Yes", "No"))
            head[yes] = torch.randn(head.shape[1], generator=torch.Generator().manual_seed(3)) * 40
            head[no] = -head[yes]
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    PROCESSORS[family_name]().save_pretrained(folder)
    return folder
