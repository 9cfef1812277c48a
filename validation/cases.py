"""What a model is examined on: cases with what is held to be true of them, whatever data set they come from.

A label that is missing is not a negative; an uncertain one is left out by the adapter, which counts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from medvlm.contract import FindingName, Laterality, StudyContext


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelledBox(Frozen):
    """Where a finding is: half-open, in pixels of the source image `images[image]`."""

    finding: FindingName
    image: Annotated[int, Field(ge=0)] = 0
    x0: float
    y0: float
    x1: float
    y1: float


class AskedQuestion(Frozen):
    """A question of the data set and the answer held to be right. `closed` has few possible answers."""

    id: str
    text: str
    answer: str
    kind: Literal["closed", "open"]
    finding: FindingName | None = None
    image: int | None = None


class Case(Frozen):
    """One study. `case_id` is unique in its data set; `patient` is whatever is the same in all of a patient's studies.

    `changed` names the findings whose status differs from the prior's: None where that is not known.
    `kind` says what an out-of-scope case is ("hip", "head CT"); such a case has to be refused.
    """

    case_id: str
    patient: str
    images: tuple[Path, ...]
    context: StudyContext = StudyContext()
    labels: Mapping[FindingName, Literal[0, 1]] = {}
    sides: Mapping[FindingName, Laterality] = {}
    boxes: tuple[LabelledBox, ...] = ()
    report: str = ""
    questions: tuple[AskedQuestion, ...] = ()
    prior: tuple[Path, ...] | None = None
    prior_report: str = ""
    changed: frozenset[FindingName] | None = None
    attributes: Mapping[str, str] = {}
    in_scope: bool = True
    kind: str = ""


class DataSet(Frozen):
    """`digest` is of the labels and of each image's SHA-256; `excluded` counts what was left out, by reason."""

    name: str
    cases: tuple[Case, ...]
    excluded: Mapping[str, int] = {}
    digest: str
    licence: str = ""
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_case_once(self) -> DataSet:
        if len({case.case_id for case in self.cases}) != len(self.cases):
            raise ValueError("two cases have the same case_id")
        return self
