"""LLaVA-Rad (7B), and models of the same make: LLaVA 1.5 with the conversation `v1`.

Sources: microsoft/LLaVA-Rad (`llava/utils.py`, `llava/conversation.py`, README). LLaVA-Rad itself is a fork of LLaVA
written for transformers 4.31 and no class of transformers: it runs behind a server in an environment of its own. A
folder converted to `LlavaForConditionalGeneration` loads here.
"""

from __future__ import annotations

from dataclasses import replace

from medvlm.families.profile import (
    Control,
    Family,
    ImageBudget,
    Picture,
    PictureMarkup,
    Pieces,
    StudyParts,
    Trusted,
    Untrusted,
    words,
)

_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_OPEN = Control(f"<s>{_SYSTEM} USER: ")
_CLOSE = Control(" ASSISTANT:")
_REPORT = "Provide a description of the findings in the radiology image"


def _prefix(parts: StudyParts) -> Pieces:
    """The images, each on a line of its own; the indication stands in the request, as it was trained."""
    shown = [piece for index in range(len(parts.pictures)) for piece in (Picture(index), Trusted("\n"))]
    return (_OPEN, *shown)


def _report(parts: StudyParts) -> Pieces:
    reason = " ".join(parts.indication.split())
    if not reason:
        return Trusted(f"{_REPORT}."), _CLOSE
    return Trusted(f"{_REPORT} given the following indication: "), Untrusted(reason), _CLOSE


def _turn(text: str, trusted: bool) -> Pieces:
    return words(text, trusted), _CLOSE


LLAVA_RAD = Family(
    name="llava-rad",
    title="LLaVA-Rad",
    architectures=("LlavaLlamaForCausalLM",),
    model_types=("llava_llama",),
    loader="server_only",
    licence="research only, not for clinical decisions",
    research_only=True,
    source="microsoft/LLaVA-Rad, llava/utils.py",
    order="image, new line, request with the indication (a full stop in its place when there is none)",
    images=ImageBudget(side=518, tokens=1369, most=1),
    picture=PictureMarkup("<image>"),
    boxes=None,
    prefix=_prefix,
    turn=_turn,
    report=_report,
    where=None,
    control_markers=("<s>", "</s>", "<unk>", "<pad>", "<image>", "<im_start>", "<im_end>", "<im_patch>"),
    stop_tokens=("</s>",),
    system=_SYSTEM,
    unconfirmed=("tokens of an image: 1,369 follows from 518 px and patches of 14",),
)

LLAVA = replace(
    LLAVA_RAD,
    name="llava",
    title="LLaVA 1.5, converted",
    architectures=("LlavaForConditionalGeneration",),
    model_types=("llava",),
    loader="native",
    licence="that of the weights: see their card",
    research_only=False,
    source="arXiv:2310.03744 (LLaVA 1.5), microsoft/LLaVA-Rad",
    images=ImageBudget(side=0, tokens=0, most=4),
    unconfirmed=("whether converted weights keep the conversation v1 with its system sentence",),
)
