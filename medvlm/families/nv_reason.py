"""NV-Reason-CXR-3B: Qwen2.5-VL tuned to reason about chest radiographs before it answers.

Source: the model's card. An answer is `<think>…</think><answer>…</answer>`: what stands before `</think>` is no answer.
Because it thinks first, its first token says nothing of a closed question: expect its probabilities to be refused.
"""

from __future__ import annotations

from dataclasses import replace

from medvlm.families.profile import Pieces, StudyParts
from medvlm.families.qwen_vl import QWEN25_VL, asked_for


def _report(parts: StudyParts) -> Pieces:
    return asked_for("Find abnormalities and support devices.")


NV_REASON = replace(
    QWEN25_VL,
    name="nv-reason-cxr",
    title="NV-Reason-CXR",
    licence="NVIDIA OneWay Non-Commercial",
    research_only=True,
    source="card of NV-Reason-CXR-3B",
    boxes=None,
    report=_report,
    where=None,
    control_markers=(*QWEN25_VL.control_markers, "<think>", "</think>", "<answer>", "</answer>"),
    thinking=("<think>", "</think>"),
    name_hints=("nv-reason",),
    unconfirmed=("the text of its licence",),
)
