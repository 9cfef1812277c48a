"""The image-text-to-text model around the trained encoder: `FastVlmForConditionalGeneration`, a stock class."""

from __future__ import annotations

import torch
from transformers import FastVlmConfig, FastVlmForConditionalGeneration, PreTrainedTokenizerFast, Qwen2Config

from medvlm.families.embedded import END, IMAGE, PADDING
from medvlm.train.contrastive import DualEncoder
from medvlm.train.encoder import stock_form
from medvlm.train.recipe import TextPart


def new_vlm(dual: DualEncoder, tokenizer: PreTrainedTokenizerFast, part: TextPart) -> FastVlmForConditionalGeneration:
    """A model with stage 1's encoder, a projector started from its heads and a language model from noise."""
    config = FastVlmConfig(
        text_config=_text_config(tokenizer, part),
        vision_config=dual.encoder.config,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=True,
    )
    model = FastVlmForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(stock_form(dual.encoder).state_dict())
    model.model.vision_tower.requires_grad_(False)
    _start_projector(model, dual)
    return model.eval()


def _text_config(tokenizer: PreTrainedTokenizerFast, part: TextPart) -> Qwen2Config:
    end, padding = (tokenizer.convert_tokens_to_ids(token) for token in (END, PADDING))
    return Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=part.width,
        intermediate_size=part.mlp,
        num_hidden_layers=part.layers,
        num_attention_heads=part.heads,
        num_key_value_heads=part.key_value_heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=padding,
    )


@torch.no_grad()
def _start_projector(model: FastVlmForConditionalGeneration, dual: DualEncoder) -> None:
    """First layer = the findings' head, its negative (GELU keeps one side of each), then the shared space."""
    first = model.model.multi_modal_projector.linear_1
    known = torch.cat([dual.head.weight, -dual.head.weight, dual.project.weight])
    first.weight.copy_(known[: first.out_features])
    first.bias.zero_()
