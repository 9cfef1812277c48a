"""The embedded model as a family: FastVLM's class with the turns that `medvlm train` trained.

<user> image tokens, question, <assistant>, answer, <end>. Other models of this class have turns of their own and need a
profile of their own.
"""

from __future__ import annotations

from medvlm.families.embedded import ASSISTANT, END, IMAGE, NO, PADDING, USER, YES
from medvlm.families.profile import Control, Family, ImageBudget, Picture, PictureMarkup, Pieces, StudyParts, words


def _prefix(parts: StudyParts) -> Pieces:
    """The images alone: this model is never shown text of a request."""
    return (Control(USER), *(Picture(index) for index in range(len(parts.pictures))))


def _turn(text: str, trusted: bool) -> Pieces:
    return words(text, trusted), Control(ASSISTANT)


def _report(parts: StudyParts) -> Pieces:
    return _turn("Describe the film.", True)


FASTVLM = Family(
    name="embedded",
    title="medvlm's embedded model (FastVLM)",
    architectures=("FastVlmForConditionalGeneration",),
    model_types=("fast_vlm",),
    loader="native",
    licence="Apache-2.0",
    research_only=False,
    source="medvlm/embedded/MODEL_CARD.md",
    order="user token, image, question, assistant token",
    images=ImageBudget(side=0, tokens=0, most=1),
    picture=PictureMarkup(IMAGE),
    boxes=None,
    prefix=_prefix,
    turn=_turn,
    report=_report,
    where=None,
    control_markers=(PADDING, USER, ASSISTANT, END, IMAGE),
    stop_tokens=(END,),
    yes=(YES,),
    no=(NO,),
    trained_on_log_odds=True,
    closed_hint="",
)
