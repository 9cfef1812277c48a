"""Files as a validation gets them: readings of an invented model, labels beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from medvlm.contract import Finding, InScope, ModelIdentity, Reading, Refusal

MODEL = ModelIdentity(name="invented", version="1", weights_digest="0" * 64)


@dataclass(frozen=True)
class Case:
    """One study of the files; `probability` None means that the model refused it."""

    study: str
    patient: str
    truth: str
    probability: float | None


def reading(study: str, probabilities: Mapping[str, float] | None, model: ModelIdentity = MODEL) -> Reading:
    created = datetime(2026, 1, 2, tzinfo=UTC)
    if probabilities is None:
        refusal = Refusal(code="not_frontal_chest_radiograph", reason="A hand.")
        return Reading(study_uid=study, model=model, scope=refusal, created=created)
    findings = tuple(
        Finding(name=name, presence="indeterminate", probability=value, calibration="none", tracking_uid="1.2.3")
        for name, value in probabilities.items()
    )
    return Reading(study_uid=study, model=model, scope=InScope(), findings=findings, created=created)


def cases(positives: int = 40, negatives: int = 60, shift: float = 1.5, seed: int = 0) -> list[Case]:
    """One study a patient, scores from two normal curves `shift` standard deviations apart."""
    rng = np.random.default_rng(seed)
    truth = [1] * positives + [0] * negatives
    scores = 1 / (1 + np.exp(-(rng.normal(size=len(truth)) + shift * np.array(truth))))
    return [Case(f"1.2.{k}", f"P{k}", str(truth[k]), float(scores[k])) for k in range(len(truth))]


def write_readings(path: Path, readings: Iterable[Reading]) -> Path:
    path.write_text("".join(each.model_dump_json() + "\n" for each in readings))
    return path


def write_labels(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_cases(folder: Path, chosen: Sequence[Case], finding: str = "effusion") -> tuple[Path, Path]:
    """Readings and labels of one finding."""
    readings = (reading(c.study, None if c.probability is None else {finding: c.probability}) for c in chosen)
    rows = ([c.study, c.patient, c.truth] for c in chosen)
    return (
        write_readings(folder / "readings.jsonl", readings),
        write_labels(folder / "labels.csv", ["study_uid", "patient", finding], rows),
    )
