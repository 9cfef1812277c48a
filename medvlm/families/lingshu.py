"""Lingshu 7B and 32B: Qwen2.5-VL tuned on medical images and text.

Sources: arXiv:2506.07044; the report's request is that of the authors' evaluation kit (MedEvalKit,
`get_report_generation_prompt`), which is also where "Please output 'yes' or 'no'" comes from.
"""

from __future__ import annotations

from dataclasses import replace

from medvlm.families.profile import Pieces, StudyParts
from medvlm.families.qwen_vl import QWEN25_VL, asked_for

_REPORT = (
    "You are a helpful assistant. Please generate a report for the given images, including both findings and"
    " impressions. Return the report in the following format: Findings: {} Impression: {}."
)


def _report(parts: StudyParts) -> Pieces:
    return asked_for(_REPORT)


LINGSHU = replace(
    QWEN25_VL,
    name="lingshu",
    title="Lingshu",
    licence="MIT",
    source="arXiv:2506.07044",
    report=_report,
    closed_hint="\nPlease output 'yes' or 'no'(no extra output).",
    name_hints=("lingshu",),
    unconfirmed=("boxes: the base model's convention; the paper trains none",),
)
