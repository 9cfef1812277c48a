"""Signed reports of an invented model, week by week, with agreement that a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from validation.monitor.observed import ObservedStudy, Statement

FINDINGS = ("effusion", "cardiomegaly", "pneumothorax", "consolidation")
START = date(2026, 1, 5)
"""A Monday."""
MODEL = {"model": "a" * 64, "model_name": "invented 1.4"}

Agreement = Callable[[int], float]


def study(key: str, at: datetime, statements: Sequence[Statement] = (), **changes: Any) -> ObservedStudy:
    told: dict[str, Any] = {"key": key, "version": 2, "arrived": at, "standing": "signed", "closed": at, **MODEL}
    return ObservedStudy(**(told | {"statements": tuple(statements)} | changes))


def signed_weeks(
    weeks: int,
    agreement: Agreement,
    first: int = 0,
    reports: int = 60,
    seed: int = 0,
    shift: float = 0.0,
    refused: float = 0.05,
) -> list[ObservedStudy]:
    """Weeks `first` … from the start; `agreement(week)` of each finding; `shift` moves the logits of probabilities."""
    rng = np.random.default_rng(seed)
    made = []
    for week in range(first, first + weeks):
        for k in range(reports):
            at = datetime.combine(START, datetime.min.time(), UTC) + timedelta(
                weeks=week, hours=float(rng.uniform(0, 167))
            )
            key = f"{seed}-{week}-{k}"
            if rng.random() < refused:
                made.append(study(key, at, standing="refused", closed=None))
                continue
            made.append(study(key, at, [_statement(name, rng, agreement(week), shift) for name in FINDINGS]))
    return made


def _statement(name: str, rng: np.random.Generator, agreement: float, shift: float) -> Statement:
    probability = float(1 / (1 + np.exp(-rng.normal(-1 + shift, 1.5))))
    stated = "present" if probability > 0.5 else "absent"
    other = "absent" if stated == "present" else "present"
    stands = stated if rng.random() < agreement else other
    return Statement.model_validate({"name": name, "stated": stated, "stands": stands, "probability": probability})
