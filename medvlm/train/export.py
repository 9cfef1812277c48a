"""The folder of weights: model, tokenizer and processor as stock transformers files, in half precision."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from transformers import FastVlmForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from medvlm.engine.network import WEIGHTS_FILE
from medvlm.families.embedded import DEVIATION, IMAGE, MEAN, STRIDE
from medvlm.train.tokenizer import CHAT_TEMPLATE


def export_model(
    model: FastVlmForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, folder: Path, image_size: int
) -> None:
    """Writes float16 weights; they are read back as float32, so every figure is taken after this step."""
    folder.mkdir(parents=True, exist_ok=True)
    half = copy.deepcopy(model).half()
    infinite = [name for name, tensor in half.state_dict().items() if not torch.isfinite(tensor).all()]
    if infinite:
        raise ValueError(f"out of the range of float16: {', '.join(infinite)}")
    half.save_pretrained(folder)
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for its owner only
    _processor(tokenizer, image_size).save_pretrained(folder)


def _processor(tokenizer: PreTrainedTokenizerFast, image_size: int) -> LlavaProcessor:
    """The back-end is named, so that pixels do not depend on whether torchvision is installed."""
    images = CLIPImageProcessorPil(
        size={"height": image_size, "width": image_size},
        do_center_crop=False,
        image_mean=[MEAN] * 3,
        image_std=[DEVIATION] * 3,
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=STRIDE,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=0,
        image_token=IMAGE,
        chat_template=CHAT_TEMPLATE,
    )
