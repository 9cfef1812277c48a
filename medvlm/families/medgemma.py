"""MedGemma 4B and 27B (1.0) and 1.5 4B, and other Gemma 3 models of the same class.

Sources: arXiv:2507.05201 (1.0), arXiv:2604.05081 (1.5), Google's notebooks for localisation, longitudinal films and
high-dimensional CT, `processing_gemma3.py` of transformers 5.23. Google's cards show both orders of image and text (1.0
text first, 1.5 image first); images come first here, so that one encoding serves every question.
"""

from __future__ import annotations

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

_OPEN = Control("<bos><start_of_turn>user\n")
_CLOSE = Control("<end_of_turn>\n<start_of_turn>model\n")
_REPORT = "Describe this X-ray"
_LOCALISE = (
    "Instructions:\nThe following user query will require outputting bounding boxes. The format of bounding boxes"
    " coordinates is [y0, x0, y1, x1] where (y0, x0) must be top-left corner and (y1, x1) the bottom-right corner. This"
    " implies that x0 < x1 and y0 < y1. Always normalize the x and y coordinates the range [0, 1000], meaning that a"
    " bounding box starting at 15% of the image width would be associated with an x coordinate of 150. You MUST output"
    " a single parseable json list of objects enclosed into ```json...``` brackets, for instance"
    ' ```json[{"box_2d": [800, 3, 840, 471], "label": "car"}, {"box_2d": [400, 22, 600, 73], "label": "dog"}]``` is a'
    " valid output. Now answer to the user query.\n\n"
    'Remember "left" refers to the patient\'s left side where the heart is and sometimes underneath an L in the upper'
    " right corner of the image.\n\nQuery:\nWhere is the "
)
_LOCALISE_END = (
    '? Don\'t give a final answer without reasoning. Output the final answer in the format "Final Answer: X" where X is'
    ' a JSON list of objects. The object needs a "box_2d" and "label" key. Answer:'
)


def _prefix(parts: StudyParts) -> Pieces:
    """One user turn. An earlier film stands before the current one; each slice is followed by its number."""
    if parts.of("slice"):
        shown = [piece for index in parts.of("slice") for piece in _slice(parts, index)]
        return (_OPEN, *shown, Trusted("\n\n"), *request_text(parts))
    prior = parts.of("prior")
    current = [index for index in range(len(parts.pictures)) if index not in prior]
    said = (Trusted("Image 1 is the prior study, what follows is the current study.\n"),) if prior else ()
    return (_OPEN, *(Picture(index) for index in (*prior, *current)), *said, *request_text(parts))


def _slice(parts: StudyParts, index: int) -> Pieces:
    return Picture(index), Trusted(f"SLICE {parts.pictures[index].number}")


def _turn(text: str, trusted: bool) -> Pieces:
    return words(text, trusted), _CLOSE


def _report(parts: StudyParts) -> Pieces:
    if parts.of("slice"):
        return Trusted("Describe the findings in the slices provided above."), _CLOSE
    return Trusted(_REPORT), _CLOSE


def _where(phrase: str, trusted: bool) -> Pieces:
    return Trusted(_LOCALISE), words(phrase, trusted), Trusted(_LOCALISE_END), _CLOSE


MEDGEMMA = Family(
    name="medgemma",
    title="MedGemma (Gemma 3)",
    architectures=("Gemma3ForConditionalGeneration",),
    model_types=("gemma3",),
    loader="native",
    licence="Health AI Developer Foundations terms: not open source, with conditions on clinical use",
    research_only=False,
    source="arXiv:2507.05201, arXiv:2604.05081",
    order="one user turn: earlier film, current films or slices each followed by its number, request text, question",
    images=ImageBudget(side=896, tokens=256, most=85),
    picture=PictureMarkup("<image_soft_token>", "\n\n<start_of_image>", "<end_of_image>\n\n"),
    boxes=BoxConvention(syntax="json_box_2d", order="yxyx", scale=1000, frame="padded_square"),
    prefix=_prefix,
    turn=_turn,
    report=_report,
    where=_where,
    control_markers=(
        "<bos>",
        "<eos>",
        "<pad>",
        "<unk>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<start_of_image>",
        "<end_of_image>",
        "<image_soft_token>",
        "<unused94>",
        "<unused95>",
    ),
    stop_tokens=("<end_of_turn>", "<eos>"),
    volumes=True,
    thinking=("<unused94>", "<unused95>"),
    unconfirmed=(
        "the order of the slices of a volume along the body",
        "boxes by versions before 1.5: they score 3 % IoU",
    ),
)
