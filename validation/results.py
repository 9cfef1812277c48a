"""The result of a validation: figures, verdicts, curves, failures, and what is needed to get them again.

The JSON of `Run` is the record; the HTML report and JUnit XML are made from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from medvlm.contract import ModelIdentity
from validation.cases import Frozen

SCHEMA: Literal["medvlm-validation/2"] = "medvlm-validation/2"

Outcome = Literal["met", "not met", "undecided"]
CurveKind = Literal["roc", "reliability", "risk_coverage", "robustness", "precision_recall"]


class Figure(Frozen):
    """One number. `value` and bounds are None where `words` say why; `finding` and `subgroup` are "" for all of them.

    `acceptance` is False for text metrics: they compare with papers and carry no verdict.
    """

    metric: str
    task: str
    finding: str = ""
    subgroup: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    method: str = ""
    n: int = 0
    positives: int | None = None
    patients: int = 0
    words: str = ""
    acceptance: bool = True


class CriterionResult(Frozen):
    """A criterion and its verdict; `needed` is how many positives would decide what is undecided."""

    id: str
    metric: str
    finding: str = ""
    bound: Literal["lower", "upper"]
    threshold: float
    value: float | None = None
    low: float | None = None
    high: float | None = None
    outcome: Outcome
    words: str = ""
    n: int = 0
    positives: int | None = None
    patients: int = 0
    needed: int | None = None


class Curve(Frozen):
    """`points` are rows of numbers, `labels` name their columns (robustness: the first column is the level)."""

    kind: CurveKind
    task: str
    finding: str = ""
    points: tuple[tuple[float, ...], ...]
    labels: tuple[str, ...] = ()


class Failure(Frozen):
    """One case that went wrong, for the gallery. `image` stays on this machine: it is left out of what is passed on."""

    case_id: str
    task: str
    finding: str = ""
    words: str
    image: Path | None = None
    probability: float | None = None
    truth: str = ""


class Run(Frozen):
    """One run of a locked protocol on one model. `protocol` is the document as it was locked."""

    schema_version: Literal["medvlm-validation/2"] = SCHEMA
    protocol: Mapping[str, Any]
    protocol_hash: str
    model: ModelIdentity
    data: Mapping[str, str]
    started: datetime
    finished: datetime
    seed: int
    versions: Mapping[str, str]
    machine: Mapping[str, str] = {}
    figures: tuple[Figure, ...]
    criteria: tuple[CriterionResult, ...] = ()
    curves: tuple[Curve, ...] = ()
    failures: tuple[Failure, ...] = ()
    counts: Mapping[str, int] = {}
    disjointness: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Not met where one is not met; else undecided where one is, or where there is no criterion."""
        outcomes = {each.outcome for each in self.criteria}
        if "not met" in outcomes:
            return "not met"
        return "met" if outcomes == {"met"} else "undecided"
