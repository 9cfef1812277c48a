"""Qwen2.5-VL and Qwen3-VL, and models tuned from them; the two differ in their boxes.

Sources: the chat templates of the two families; QwenLM/Qwen3-VL issues 721, 866, 676 and 1486 (boxes). Qwen2.5-VL
counts in absolute pixels of the image as its processor resized it; Qwen2-VL and Qwen3-VL in thousandths of the image.
"""

from __future__ import annotations

from dataclasses import replace

from medvlm.families.profile import (
    BoxConvention,
    Control,
    Family,
    ImageBudget,
    Picture,
    PictureMarkup,
    Pieces,
    StudyParts,
    Trusted,
    request_text,
    words,
)

SYSTEM = "You are a helpful assistant."
_CLOSE = Control("<|im_end|>\n<|im_start|>assistant\n")
_REPORT = "Describe the findings in this radiograph as a radiologist would report them."


def with_system(parts: StudyParts) -> Pieces:
    """Qwen2.5-VL's template writes this system turn when none is given."""
    return (Control(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"), *_without_system(parts))


def _without_system(parts: StudyParts) -> Pieces:
    prior = parts.of("prior")
    current = [index for index in range(len(parts.pictures)) if index not in prior]
    said = (Trusted("Image 1 is the prior study, what follows is the current study.\n"),) if prior else ()
    shown = (Picture(index) for index in (*prior, *current))
    return (Control("<|im_start|>user\n"), *shown, *said, *request_text(parts))


def turn(text: str, trusted: bool) -> Pieces:
    return words(text, trusted), _CLOSE


def asked_for(request: str) -> Pieces:
    """A report's request in the family's turn."""
    return Trusted(request), _CLOSE


def _report(parts: StudyParts) -> Pieces:
    return asked_for(_REPORT)


def where(phrase: str, trusted: bool) -> Pieces:
    ask = (Trusted("Locate the "), words(phrase, trusted))
    return (*ask, Trusted(', report the bounding box coordinates in JSON format with "bbox_2d" and "label".'), _CLOSE)


QWEN25_VL = Family(
    name="qwen2.5-vl",
    title="Qwen2.5-VL",
    architectures=("Qwen2_5_VLForConditionalGeneration",),
    model_types=("qwen2_5_vl",),
    loader="native",
    licence="that of the weights: see their card",
    research_only=False,
    source="arXiv:2502.13923 and the model's chat template",
    order="system turn; user turn: earlier film, current films, request text, question",
    images=ImageBudget(side=0, tokens=0, most=16),
    picture=PictureMarkup("<|image_pad|>", "<|vision_start|>", "<|vision_end|>"),
    boxes=BoxConvention(syntax="json_bbox_2d", order="xyxy", scale=0, frame="resized"),
    prefix=with_system,
    turn=turn,
    report=_report,
    where=where,
    control_markers=(
        "<|im_start|>",
        "<|im_end|>",
        "<|endoftext|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|vision_pad|>",
        "<|image_pad|>",
        "<|video_pad|>",
        "<|object_ref_start|>",
        "<|object_ref_end|>",
        "<|box_start|>",
        "<|box_end|>",
        "<tool_call>",
        "</tool_call>",
    ),
    stop_tokens=("<|im_end|>", "<|endoftext|>"),
    system=SYSTEM,
)

QWEN3_VL = replace(
    QWEN25_VL,
    name="qwen3-vl",
    title="Qwen3-VL",
    architectures=("Qwen3VLForConditionalGeneration", "Qwen2VLForConditionalGeneration"),
    model_types=("qwen3_vl", "qwen2_vl"),
    licence="base Apache-2.0; a derivative's own: see its card",
    source="QwenLM/Qwen3-VL and the model's chat template",
    order="user turn: earlier film, current films, request text, question",
    boxes=BoxConvention(syntax="json_bbox_2d", order="xyxy", scale=1000, frame="whole"),
    prefix=_without_system,
    thinking=("<think>", "</think>"),
    system="",
)
