"""F1 of report labels, as papers of chest reports print it: each label, micro and macro, over 5 and over 14.

    F1 = 2 TP / (2 TP + FP + FN);   micro: TP, FP, FN summed over labels first;   macro: mean over labels

A label that neither side names has no F1. It is left out of the macro mean and counted, not set to 0 as some
libraries do. Uncertain mentions count as positive or as negative: both habits exist, so the record says which.
For comparison with papers; no criterion of acceptance stands on it.

Source: Irvin et al., AAAI 2019 (labels, the five); Smit et al., EMNLP 2020 (CheXbert, micro and macro).

Worked example: truth + + − −, said + − + −: TP 1, FP 1, FN 1, F1 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from validation.metrics.operating_point import f1

State = Literal["positive", "negative", "uncertain"]
Uncertain = Literal["positive", "negative"]

FOURTEEN = (
    "enlarged_cardiomediastinum",
    "cardiomegaly",
    "lung_lesion",
    "lung_opacity",
    "edema",
    "consolidation",
    "pneumonia",
    "atelectasis",
    "pneumothorax",
    "pleural_effusion",
    "pleural_other",
    "fracture",
    "support_devices",
    "no_finding",
)
FIVE = ("atelectasis", "cardiomegaly", "consolidation", "edema", "pleural_effusion")


class LabelScore(BaseModel):
    """One label; `f1` is NaN where neither side names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    positives: int
    called: int
    hits: int
    f1: float


class LabelF1(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    uncertain: Uncertain
    labels: tuple[LabelScore, ...]
    micro: float
    macro: float
    left_out: int
    """Labels that neither side names: not in the macro mean."""


def label_f1(
    truth: Sequence[Mapping[str, State]],
    said: Sequence[Mapping[str, State]],
    names: Sequence[str] = FOURTEEN,
    uncertain: Uncertain = "positive",
) -> LabelF1:
    """One mapping a report; a label that is not in it was not mentioned, which is not positive."""
    scores = tuple(_score(name, truth, said, uncertain) for name in names)
    defined = [each.f1 for each in scores if not math.isnan(each.f1)]
    return LabelF1(
        uncertain=uncertain,
        labels=scores,
        micro=f1(*(sum(getattr(each, part) for each in scores) for part in ("hits", "positives", "called"))),
        macro=sum(defined) / len(defined) if defined else math.nan,
        left_out=len(scores) - len(defined),
    )


def _score(
    name: str, truth: Sequence[Mapping[str, State]], said: Sequence[Mapping[str, State]], uncertain: Uncertain
) -> LabelScore:
    counted = ("positive", "uncertain") if uncertain == "positive" else ("positive",)
    true = [each.get(name) in counted for each in truth]
    called = [each.get(name) in counted for each in said]
    hits = sum(a and b for a, b in zip(true, called, strict=True))
    return LabelScore(
        label=name, positives=sum(true), called=sum(called), hits=hits, f1=f1(hits, sum(true), sum(called))
    )
