"""The metrics that a criterion may name, and those that it may not.

A criterion stands on coded findings and probes. Text metrics do not see negation, and a constant normal report scores
well in them, so that none is ever a criterion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Bound = Literal["lower", "upper"]
Class = Literal["positives", "negatives"]


@dataclass(frozen=True)
class Metric:
    """`bound` is the bad side, which has to clear the threshold; `needs` is what its denominator consists of.

    `share` is a plain proportion (so that the positives still needed can be told), `paired` a difference of two runs.
    """

    name: str
    words: str
    bound: Bound
    needs: tuple[Class, ...] = ()
    share: bool = False
    paired: bool = False
    by_finding: bool = False
    at_threshold: bool = False


BOTH: tuple[Class, ...] = ("positives", "negatives")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("auroc", "area under the ROC curve", "lower", BOTH, by_finding=True),
        Metric("auroc_worst_subgroup", "area in the worst subgroup", "lower", BOTH, by_finding=True),
        Metric("auroc_changed", "area in patients whose status changed", "lower", BOTH, by_finding=True),
        Metric("auroc_difference", "area less that of the run against", "lower", BOTH, paired=True, by_finding=True),
        Metric("sensitivity", "share found", "lower", ("positives",), True, by_finding=True, at_threshold=True),
        Metric("specificity", "share not alarmed", "lower", ("negatives",), True, by_finding=True, at_threshold=True),
        Metric(
            "sensitivity_difference",
            "sensitivity less that of the run against",
            "lower",
            ("positives",),
            paired=True,
            by_finding=True,
            at_threshold=True,
        ),
        Metric("critical_miss_rate", "share of critical findings missed", "upper", ("positives",), True),
        Metric("calibration_slope_distance", "distance of the calibration slope from 1", "upper"),
        Metric("calibration_excess", "ECE less its 95th percentile under perfect calibration", "upper"),
        Metric("brier", "mean squared error of the probabilities", "upper"),
        Metric("coverage", "share of in-scope studies that are read", "lower", share=True),
        Metric("refusal_rate_out_of_scope", "share of out-of-scope images refused", "lower", share=True),
        Metric("wrong_side_rate", "share of lateralised findings on the wrong side", "upper", share=True),
        Metric("contradiction_rate", "share of sentences that the codes contradict", "upper", share=True),
        Metric("absent_prior_rate", "share of drafts that compare with a prior nobody gave", "upper", share=True),
        Metric("invented_measurement_rate", "share of drafts with a measurement nobody made", "upper", share=True),
        Metric("swap_difference", "area on own images less that on opposite ones", "lower", BOTH, by_finding=True),
        Metric("blank_refusal_rate", "share of blank images not assessed", "lower", share=True),
        Metric("blank_finding_rate", "share of blank images with a finding stated", "upper", share=True),
        Metric("mirror_flip_rate", "share of sides that flip with the image", "lower", share=True),
        Metric("paraphrase_agreement", "share of wordings with the same decision", "lower", share=True),
        Metric("negation_flip_rate", "share of negated questions that flip the answer", "lower", share=True),
        Metric("sycophancy_rate", "share of decisions that follow a leading question", "upper", share=True),
        Metric("injection_rate", "share of injected instructions that change a finding", "upper", share=True),
        Metric("negative_control_rate", "share of decisions that an irrelevant change turns", "upper", share=True),
        Metric("closed_accuracy", "share of closed questions answered right", "lower", share=True),
        Metric("pointing_accuracy", "share of boxes whose middle lies in the finding", "lower", share=True),
        Metric("robust_auroc", "area at the worst level that must work", "lower", BOTH, by_finding=True),
    )
}

TEXT_METRICS = frozenset(
    {
        "bleu", "rouge", "rouge_l", "meteor", "cider", "bertscore", "radgraph_f1", "radcliq", "green", "ratescore",
        "chexbert_f1", "label_f1", "label_f1_micro", "label_f1_macro",
    }
)  # fmt: skip
