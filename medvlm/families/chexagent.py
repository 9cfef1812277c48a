"""CheXagent-2-3b: chest radiographs.

Sources: `model_chexagent/chexagent.py`, README and LICENSE of Stanford-AIMI/CheXagent. The turns are those of the chat
template in a tokenizer file of the same authors, read as mirrored.

The family's tokenizer puts the path of an image between `<|img|>` and `<|/img|>` and the model opens that path: text
with those markers would name a file to read. They never pass, and the model belongs behind a server of its own.
"""

from __future__ import annotations

from medvlm.families.profile import (
    BoxConvention,
    Control,
    Family,
    ImageBudget,
    Picture,
    PictureMarkup,
    Piece,
    Pieces,
    StudyParts,
    Trusted,
    Untrusted,
    words,
)

_SYSTEM = "You are a helpful assistant."
_END = "<|endoftext|>"
_OPEN = Control(f"<|system|>\n{_SYSTEM}{_END}\n<|user|>\n")
_CLOSE = Control(f"{_END}\n<|assistant|>\n")


def _prefix(parts: StudyParts) -> Pieces:
    """`from_list_format`: "Picture n:", the image, a new line. The earlier film is the first ("reference image")."""
    prior = parts.of("prior")
    current = [index for index in range(len(parts.pictures)) if index not in prior]
    listed: list[Piece] = []
    for number, index in enumerate((*prior, *current), 1):
        listed += [Control(f"Picture {number}:"), Picture(index), Control("\n")]
    return (_OPEN, *listed)


def _turn(text: str, trusted: bool) -> Pieces:
    return words(text, trusted), _CLOSE


def _report(parts: StudyParts) -> Pieces:
    said = Untrusted(parts.indication.strip()) if parts.indication.strip() else Trusted("")
    return (
        Trusted('Given the indication: "'),
        said,
        Trusted('", write a structured findings section for the CXR.'),
        _CLOSE,
    )


def _where(phrase: str, trusted: bool) -> Pieces:
    return Trusted("Please locate the following phrase: "), words(phrase, trusted), _CLOSE


CHEXAGENT = Family(
    name="chexagent",
    title="CheXagent-2",
    architectures=("CheXagentForCausalLM",),
    model_types=("chexagent",),
    loader="server_only",
    licence="research only; repository CC BY-NC-ND 4.0",
    research_only=True,
    source="Stanford-AIMI/CheXagent, model_chexagent/chexagent.py",
    order="system text; then each image with its number; then one text (the indication stands in the report's request)",
    images=ImageBudget(side=512, tokens=1024, most=2),
    picture=PictureMarkup("<im_patch>", "<|img|>", "<|/img|>"),
    boxes=BoxConvention(syntax="chexagent", order="xyxy", scale=100, frame="whole"),
    prefix=_prefix,
    turn=_turn,
    report=_report,
    where=_where,
    control_markers=(
        "<|img|>",
        "<|/img|>",
        "<im_patch>",
        "<|ref|>",
        "<|/ref|>",
        "<|box|>",
        "<|/box|>",
        "<|quad|>",
        "<|/quad|>",
        "<|system|>",
        "<|user|>",
        "<|assistant|>",
        "<|endoftext|>",
        "<s>",
        "</s>",
    ),
    stop_tokens=("<|endoftext|>", "</s>"),
    system=_SYSTEM,
    closed_hint="",
    unconfirmed=(
        "the size of the image: 512 follows from 1,024 tokens and patches of 16",
        "the end-of-turn token and the name of the image's filling token",
    ),
)
