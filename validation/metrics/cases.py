"""Studies with one label and one probability each: what most metrics take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from validation.statistics.auroc import Scores, Truth


@dataclass(frozen=True)
class Cases:
    """`truth`, `scores` and `patients` of n studies, in one order. Scores rise with suspicion."""

    truth: Truth
    scores: Scores
    patients: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.truth) == len(self.scores) == len(self.patients):
            raise ValueError("truth, scores and patients must be of the same studies")

    @classmethod
    def of(cls, truth: Sequence[bool], scores: Sequence[float], patients: Sequence[str]) -> Cases:
        return cls(np.array(truth, dtype=bool), np.array(scores, dtype=float), tuple(patients))

    def where(self, chosen: npt.NDArray[np.bool_]) -> Cases:
        kept = tuple(each for each, keep in zip(self.patients, chosen, strict=True) if keep)
        return Cases(self.truth[chosen], self.scores[chosen], kept)

    @property
    def count(self) -> int:
        return len(self.truth)

    @property
    def positives(self) -> int:
        return int(self.truth.sum())

    @property
    def negatives(self) -> int:
        return self.count - self.positives

    @property
    def patient_count(self) -> int:
        return len(set(self.patients))

    @property
    def undefined(self) -> str:
        """Why these cases have no AUROC; empty where they have one."""
        if not self.count:
            return "there is no case"
        if not self.positives:
            return "no case has the finding"
        return "" if self.negatives else "every case has the finding"
