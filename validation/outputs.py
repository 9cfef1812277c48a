"""What a model said of a case under a probe: stored before any figure is looked at.

`key` is the SHA-256 of all that the answer depends on, so that an output found in a store need not be made again.
"""

from __future__ import annotations

from typing import Protocol

from medvlm.contract import Answer, Reading
from validation.cases import Frozen

PLAIN = "plain"
"""The probe that changes nothing."""


class GivenAnswer(Frozen):
    """The answer to the question `id`, as it was put: a probe may word it otherwise."""

    id: str
    question: str
    answer: Answer


class Output(Frozen):
    """`error` says why there is neither reading nor answers; it is empty where there is either."""

    case_id: str
    probe: str
    key: str
    reading: Reading | None = None
    answers: tuple[GivenAnswer, ...] = ()
    error: str = ""


class Said(Protocol):
    """What was said, by probe and case: read from a store, or made from another `Said`."""

    def get(self, probe: str, case_id: str) -> Output | None:
        """None where it was not asked."""
        ...

    def probes(self, case_id: str) -> frozenset[str]:
        """Under which probes the case was put to the model."""
        ...
