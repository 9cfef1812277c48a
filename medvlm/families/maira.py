"""MAIRA-2: reports on chest radiographs, grounded in boxes, with lateral film, earlier film and earlier report.

Sources: arXiv:2406.04449; `processing_maira2.py` (Maira2Processor) as mirrored, with the wording of its model card's
request ("Provide a description of the findings …"). The system sentence is the paper's; the chat template itself was
not read. "In comparison to the prior frontal image" stands in the request even when there is none: so it was trained.

It was trained to report and to locate phrases, not to answer questions: a closed question is outside its training.
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
    Untrusted,
    words,
)

_SYSTEM = "You are an expert radiology assistant tasked with interpreting a chest X-ray study."
_OPEN = Control(f"<s>{_SYSTEM} USER: ")
_CLOSE = Control(" ASSISTANT:")
_REPORT = (
    " Provide a description of the findings in the radiology study in comparison to the prior frontal image. Each"
    " finding should be described as a self-contained plain-text sentence. If the finding is groundable, locate the"
    " finding in the current frontal chest X-ray image, with bounding boxes indicating all locations where it can be"
    " seen in the current frontal image. Otherwise, generate just the ungrounded finding without bounding boxes."
)
_LOCATE = (
    " Repeat the following finding as a grounded phrase with bounding boxes indicating all locations where it can be"
    " seen in the given chest X-ray image. Finding: "
)


def _prefix(parts: StudyParts) -> Pieces:
    """Frontal, lateral, prior, in this order; the words before each say which others there are."""
    (frontal, *_), lateral, prior = (parts.of("frontal") or (0,)), parts.of("lateral")[:1], parts.of("prior")[:1]
    if not lateral and not prior:
        return _OPEN, Trusted("Given the current frontal image only"), Picture(frontal)
    seen: Pieces = (Trusted("Given the current frontal image"), Picture(frontal))
    if lateral:
        joined = " the current lateral image" if prior else " and the current lateral image"
        seen = (*seen, Trusted(joined), Picture(lateral[0]))
    if prior:
        seen = (*seen, Trusted(" and the prior frontal image"), Picture(prior[0]))
    return (_OPEN, *seen)


def _report(parts: StudyParts) -> Pieces:
    earlier = _field(" PRIOR_REPORT: ", parts.prior_report) if parts.of("prior") else ()
    return (
        *earlier,
        Trusted(_REPORT),
        *_field(" INDICATION: ", parts.indication),
        *_field(" TECHNIQUE: ", parts.technique),
        *_field(" COMPARISON: ", parts.comparison),
        _CLOSE,
    )


def _field(label: str, text: str) -> Pieces:
    return (Trusted(label), Untrusted(text.strip())) if text.strip() else (Trusted(f"{label}N/A"),)


def _turn(text: str, trusted: bool) -> Pieces:
    return Trusted(" "), words(text, trusted), _CLOSE


def _where(phrase: str, trusted: bool) -> Pieces:
    return Trusted(_LOCATE), words(phrase, trusted), _CLOSE


MAIRA = Family(
    name="maira-2",
    title="MAIRA-2",
    architectures=("Maira2ForConditionalGeneration",),
    model_types=("maira2",),
    loader="hub_code",
    licence="Microsoft Research licence (MSRLA): research only",
    research_only=True,
    source="arXiv:2406.04449, processing_maira2.py",
    order="frontal, lateral, prior; then PRIOR_REPORT, request, INDICATION, TECHNIQUE, COMPARISON; nothing said: N/A",
    images=ImageBudget(side=518, tokens=1369, most=3),
    picture=PictureMarkup("<image>"),
    boxes=BoxConvention(syntax="maira", order="xyxy", scale=100, frame="centre_crop", bins=True),
    prefix=_prefix,
    turn=_turn,
    report=_report,
    where=_where,
    control_markers=("<s>", "</s>", "<unk>", "<image>", "<obj>", "</obj>", "<box>", "</box>"),
    stop_tokens=("</s>",),
    system=_SYSTEM,
    unconfirmed=(
        "the chat template around the prompt (system sentence, USER:, ASSISTANT:)",
        "the length of its context",
        "answers to closed questions: it was not trained on any",
    ),
)
