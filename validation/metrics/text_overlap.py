"""BLEU and ROUGE-L of drafts against reports: for comparison with papers, never for acceptance.

They do not see negation. Against "No pleural effusion or pneumothorax." the opposite, "Pleural effusion or
pneumothorax.", scores BLEU 54.8 and ROUGE-L 0.89; the right "The pleural spaces are clear." 9.7 and 0.20. A constant
normal report scores well where most studies are normal.

Source: Papineni et al., ACL 2002, by sacrebleu (its signature is recorded: numbers without it do not compare);
Lin 2004, by rouge-score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

CAVEAT = "Shared words, not right findings: these figures do not see negation and carry no verdict."


class TextOverlap(BaseModel):
    """`bleu` 0–100 over the corpus, `rouge_l` the mean F of each pair, 0–1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: int
    bleu: float
    rouge_l: float
    bleu_signature: str
    caveat: str = CAVEAT


def text_overlap(references: Sequence[str], drafts: Sequence[str]) -> TextOverlap:
    """One reference a draft. NaN where there is none."""
    # Both are slow to import, and only this needs them.
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]
    from sacrebleu.metrics.bleu import BLEU

    if len(references) != len(drafts):
        raise ValueError("each draft needs its reference")
    bleu, rouge = BLEU(effective_order=True), RougeScorer(["rougeL"], use_stemmer=False)
    if not drafts:
        return TextOverlap(pairs=0, bleu=math.nan, rouge_l=math.nan, bleu_signature="")
    score = bleu.corpus_score(list(drafts), [list(references)]).score
    overlaps = [rouge.score(a, b)["rougeL"].fmeasure for a, b in zip(references, drafts, strict=True)]
    return TextOverlap(
        pairs=len(drafts),
        bleu=float(score),
        rouge_l=float(sum(overlaps) / len(overlaps)),
        bleu_signature=str(bleu.get_signature()),
    )
