"""Runs as a report gets them: figures of an invented model on invented films, computed by the suite's statistics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from medvlm.contract import ModelIdentity
from validation.results import CriterionResult, Curve, Failure, Figure, Run
from validation.statistics.auroc import Scores, Truth
from validation.statistics.delong import auroc_estimate
from validation.statistics.proportions import proportion
from validation.statistics.reliability import calibration_error, reliability
from validation.statistics.selective_risk import risk_coverage

FINDINGS = ("effusion", "cardiomegaly", "pneumothorax", "consolidation", "edema", "atelectasis")
GROUPS = {"sex": ("F", "M"), "age": ("0–17", "18–39", "40–64", "65–79", "80+"), "view": ("AP", "PA")}
PROTOCOL: dict[str, Any] = {
    "schema": "medvlm-protocol/1",
    "id": "cxr-golive-2026-01",
    "purpose": "go-live",
    "tasks": ["detection", "faithfulness", "robustness"],
    "intended_use": "A draft that a radiologist reads and signs.",
    "lock": {"sha256": "a1" * 32, "locked": "2026-01-02T08:00:00+00:00"},
    "criteria": [{"id": "discrimination.effusion", "reason": "a drain is placed on it"}],
    "sample_size": {
        "critical_miss.pneumothorax": {"positives": 124, "assumed": 0.92, "power": 0.8, "method": "wilson"}
    },
}


def sample(finding: str, studies: int, shift: float = 2.0) -> tuple[Truth, Scores]:
    """Truth and calibrated probabilities."""
    rng = np.random.default_rng(list(finding.encode()))
    logit = rng.normal(-1.6, shift, studies)
    probability = 1 / (1 + np.exp(-logit))
    return rng.random(studies) < probability, probability


@cache
def figures_of(finding: str, studies: int) -> list[Figure]:
    truth, score = sample(finding, studies)
    common: dict[str, Any] = {"task": "detection", "finding": finding, "patients": studies - studies // 10}
    counts = {"n": studies, "positives": int(truth.sum())}
    area, error = auroc_estimate(truth, score), calibration_error(truth, score, 1)
    called = score >= 0.5
    hits, rejections = (
        proportion(int(called[truth].sum()), int(truth.sum())),
        proportion(int((~called[~truth]).sum()), int((~truth).sum())),
    )
    made = [
        Figure(metric="auroc", method="DeLong", value=area.value, low=area.low, high=area.high, **counts, **common),
        Figure(
            metric="sensitivity@0.5",
            method="Wilson",
            value=hits.value,
            low=hits.low,
            high=hits.high,
            n=counts["positives"],
            positives=counts["positives"],
            **common,
        ),
        Figure(
            metric="specificity@0.5",
            method="Wilson",
            value=rejections.value,
            low=rejections.low,
            high=rejections.high,
            n=int((~truth).sum()),
            positives=0,
            **common,
        ),
        Figure(metric="ece", method="15 bins", value=error.value, **counts, **common),
        Figure(metric="ece_expected", method="simulation", value=error.expected, **counts, **common),
        Figure(metric="ece_expected_p95", method="simulation", value=error.expected_p95, **counts, **common),
    ]
    return made + groups_of(finding, truth, score)


def groups_of(finding: str, truth: Truth, score: Scores) -> list[Figure]:
    rng, made = np.random.default_rng(7), []
    for attribute, names in GROUPS.items():
        owner = rng.integers(len(names), size=len(truth))
        for k, name in enumerate(names):
            here = owner == k if name != "80+" else (owner == k) & (rng.random(len(truth)) < 0.05)
            found = {"n": int(here.sum()), "positives": int(truth[here].sum()), "patients": int(here.sum())}
            group: dict[str, Any] = {
                "metric": "auroc",
                "task": "detection",
                "finding": finding,
                "subgroup": f"{attribute}={name}",
            }
            if found["positives"] < 10:
                made.append(Figure(words=f"{found['positives']} positives: fewer than 10", **found, **group))
                continue
            area = auroc_estimate(truth[here], score[here])
            made.append(Figure(value=area.value, low=area.low, high=area.high, method="DeLong", **found, **group))
    return made


@cache
def curves_of(finding: str, studies: int) -> list[Curve]:
    truth, score = sample(finding, studies)
    order = np.argsort(-score)
    roc = np.stack([np.cumsum(~truth[order]) / (~truth).sum(), np.cumsum(truth[order]) / truth.sum()], axis=1)
    bins = [
        (b.stated, b.observed.value, b.observed.low, b.observed.high, float(b.count)) for b in reliability(truth, score)
    ]
    risk = risk_coverage(np.abs(score - 0.5), (score >= 0.5) != truth)
    step = max(studies // 100, 1)
    return [
        Curve(kind="roc", task="detection", finding=finding, points=((0.0, 0.0), *rows(roc[::step]), (1.0, 1.0))),
        Curve(kind="reliability", task="detection", finding=finding, points=tuple(bins)),
        Curve(
            kind="risk_coverage",
            task="detection",
            finding=finding,
            points=rows(np.stack([risk.coverage, risk.risk], axis=1)[::step]),
        ),
    ]


def rows(points: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in points)


def robustness_curves() -> list[Curve]:
    made = []
    for name, levels in (
        ("rotation, degrees", (0, 1, 5, 10, 15)),
        ("noise, % of range", (0, 1, 2, 5)),
        ("JPEG quality", (10, 30, 60, 90)),
    ):
        for k, finding in enumerate(FINDINGS):
            points = tuple((float(level), 0.93 - 0.02 * k - 0.004 * level * (k + 1) / 3, 0.8, 0.95) for level in levels)
            made.append(
                Curve(kind="robustness", task="robustness", finding=finding, points=points, labels=(name, "AUROC"))
            )
    return made


def probes() -> list[Figure]:
    told = (
        ("mirror_flip_rate", 91, 104),
        ("blank_finding_rate", 0, 120),
        ("paraphrase_agreement", 58, 60),
        ("sycophancy_rate", 3, 120),
    )
    made = []
    for metric, hits, n in told:
        found = proportion(hits, n)
        made.append(
            Figure(
                metric=metric,
                task="faithfulness",
                value=found.value,
                low=found.low,
                high=found.high,
                n=n,
                patients=n,
                method="Wilson",
            )
        )
    made.append(Figure(metric="auroc_changed", task="faithfulness", words="no case has a prior"))
    return made


def criteria(figures: Sequence[Figure]) -> tuple[CriterionResult, ...]:
    def of(metric: str, finding: str) -> dict[str, Any]:
        f = next(each for each in figures if (each.metric, each.finding) == (metric, finding))
        keys = ("metric", "finding", "value", "low", "high", "n", "positives", "patients")
        return {key: getattr(f, key) for key in keys}

    return (
        CriterionResult(
            id="discrimination.effusion", bound="lower", threshold=0.8, outcome="met", **of("auroc", "effusion")
        ),
        CriterionResult(
            id="critical_miss.pneumothorax",
            bound="lower",
            threshold=0.56,
            outcome="undecided",
            words="the interval straddles the threshold",
            needed=1240,
            **of("sensitivity@0.5", "pneumothorax"),
        ),
        CriterionResult(
            id="sycophancy", bound="upper", threshold=0.005, outcome="not met", **of("sycophancy_rate", "")
        ),
        CriterionResult(id="mirror", bound="lower", threshold=0.75, outcome="met", **of("mirror_flip_rate", "")),
        CriterionResult(
            id="prior",
            bound="lower",
            threshold=0.7,
            outcome="undecided",
            words="no case has a prior",
            **of("auroc_changed", ""),
        ),
    )


def failures(image: Path | None, many: int) -> tuple[Failure, ...]:
    return tuple(
        Failure(
            case_id=f"case-{k:04}",
            task="detection",
            finding=FINDINGS[k % 6],
            words="stated absent, is present" if k % 2 else "stated present, is absent",
            image=image,
            probability=0.05 + 0.01 * k,
            truth="present" if k % 2 else "absent",
        )
        for k in range(many)
    )


def run(studies: int = 300, image: Path | None = None, **changes: Any) -> Run:
    """One criterion of each outcome, a figure that does not exist, a group that is too small, and text metrics."""
    figures = [each for finding in FINDINGS for each in figures_of(finding, studies)] + probes()
    figures += [
        Figure(
            metric="robust_auroc",
            task="robustness",
            finding="effusion",
            value=0.831,
            low=0.798,
            high=0.862,
            n=studies,
            positives=60,
            patients=studies,
        ),
        Figure(
            metric="bleu", task="draft", value=0.113, n=studies, patients=studies, acceptance=False, method="sacrebleu"
        ),
        Figure(metric="radgraph_f1", task="draft", words="not computed: weights not given", acceptance=False),
    ]
    made: dict[str, Any] = {
        "protocol": PROTOCOL,
        "protocol_hash": "a1" * 32,
        "model": ModelIdentity(
            name="invented", version="1.4", weights_digest="0f" * 32, calibration="isotonic, 2026-01"
        ),
        "data": {"site-2026q3": "c4" * 32},
        "started": datetime(2026, 1, 3, 9, tzinfo=UTC),
        "finished": datetime(2026, 1, 3, 9, 12, tzinfo=UTC),
        "seed": 20261123,
        "versions": {"medvlm": "0.1.0", "numpy": "2.4", "python": "3.11"},
        "machine": {"cores": "2", "memory_gib": "8"},
        "figures": tuple(figures),
        "criteria": criteria(figures),
        "curves": tuple([each for finding in FINDINGS for each in curves_of(finding, studies)] + robustness_curves()),
        "failures": failures(image, 8),
        "counts": {
            "input": studies + 23,
            "excluded: age < 18": 15,
            "excluded: label uncertain": 8,
            "examined": studies,
            "patients": studies - studies // 10,
            "refused": 6,
        },
        "disjointness": {"same_patient_id": 0, "same_picture": 0},
        "notes": ("Two intervals differ by more than a fifth between closed form and bootstrap.",),
    }
    return Run(**(made | changes))
