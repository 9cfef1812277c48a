"""The protocol as a document: every key, its meaning and its limits. Unknown keys are errors.

The JSON Schema is `Protocol.model_json_schema(by_alias=True)`. A new key means a new `schema`, so that the hash of an
old protocol stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from medvlm.contract import FindingName
from medvlm.vocabulary import terms
from validation.metrics.subgroups import SmallGroups
from validation.probing import Probing
from validation.protocol.metrics import METRICS, TEXT_METRICS, Bound

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Level = Annotated[float, Field(gt=0.5, lt=1)]
Task = Literal["detection", "draft", "questions", "grounding", "refusal", "faithfulness", "robustness"]
Method = Literal["delong", "wilson", "exact", "clustered_bootstrap", "paired_delong", "paired_bootstrap", "sandwich"]
Scalar = str | int | float | bool


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ModelUnderTest(Part):
    """The model by its digests, as `medvlm.contract.ModelIdentity` gives them; empty: none."""

    weights: Digest
    adapter: Digest | Literal[""] = ""
    profile: str = "default"
    calibration: str = ""


class Data(Part):
    """One data set: its adapter and options, and the digest that it must have when it is read."""

    name: Id
    adapter: str
    digest: Digest
    split: str = ""
    options: Mapping[str, Scalar] = {}
    training_manifest: Digest | Literal[""] = ""
    """Of the list of what the model was trained on; without it disjointness cannot be shown, and the report says so."""


class Exclusion(Part):
    """Cases that are left out. A case whose attribute is not known is kept."""

    attribute: str
    is_: Annotated[Literal["below", "at_least", "equal", "not_equal"], Field(alias="is")]
    value: Scalar
    reason: Words

    @model_validator(mode="after")
    def _numbers_compare(self) -> Exclusion:
        if self.is_ in {"below", "at_least"} and not isinstance(self.value, int | float):
            raise ValueError(f"{self.is_} needs a number")
        return self

    def leaves_out(self, attributes: Mapping[str, str]) -> bool:
        known = attributes.get(self.attribute, "")
        if not known:
            return False
        if self.is_ in {"equal", "not_equal"}:
            return (known == str(self.value)) == (self.is_ == "equal")
        try:
            below = float(known) < float(self.value)
        except ValueError:
            return False
        return below == (self.is_ == "below")


class Subgroups(Part):
    """Attributes that figures are given by; `small` says which groups are too small to be judged."""

    attributes: tuple[str, ...] = ("sex", "age", "view", "manufacturer", "site")
    age_bands: tuple[int, ...] = (0, 18, 40, 65, 80)
    small: SmallGroups = SmallGroups()


class Statistics(Part):
    """`gatekeeping`: the criteria in their order, each of which has to be met, so that none is corrected."""

    seed: int
    draws: Annotated[int, Field(ge=200)] = 2000
    level: Level = 0.95
    cluster: Literal["patient"] = "patient"
    family: Literal["gatekeeping"] = "gatekeeping"


class Criterion(Part):
    """One criterion, judged by the bound of the interval and never by the point.

    `threshold`, or for a difference `margin` (above 0) and `against` (hash of the run compared with): met where the
    lower bound is above −margin. `at` is the operating point. `method` and `level` fix the interval; else any of the
    figure at the level of the statistics will do.
    """

    id: Id
    metric: str
    finding: FindingName | Literal[""] = ""
    subgroup: str = ""
    at: Annotated[float, Field(gt=0, lt=1)] | None = None
    bound: Bound
    threshold: float | None = None
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None
    against: Digest | Literal[""] = ""
    method: Method | None = None
    level: Level | None = None
    reason: Words

    @model_validator(mode="after")
    def _can_be_judged(self) -> Criterion:
        if self.metric in TEXT_METRICS:
            raise ValueError(f"{self.metric} is a text metric: it compares with papers and carries no verdict")
        if self.metric not in METRICS:
            raise ValueError(f"no metric is called {self.metric!r}; known: {', '.join(METRICS)}")
        metric = METRICS[self.metric]
        if self.bound != metric.bound:
            raise ValueError(f"{self.metric} is judged by its {metric.bound} bound")
        if self.finding and self.finding not in terms():
            raise ValueError(f"no finding is called {self.finding!r}; known: {', '.join(terms())}")
        if metric.by_finding and not self.finding:
            raise ValueError(f"{self.metric} needs a finding")
        if metric.at_threshold != (self.at is not None):
            raise ValueError(f"{self.metric} {'needs' if metric.at_threshold else 'has no'} operating point (at)")
        if metric.paired != (self.margin is not None) or metric.paired == (self.threshold is not None):
            raise ValueError(f"{self.metric} needs {'a margin and no threshold' if metric.paired else 'a threshold'}")
        if metric.paired != bool(self.against):
            raise ValueError(f"{self.metric} {'needs' if metric.paired else 'has no'} run to stand against")
        return self

    @property
    def bar(self) -> float:
        """What the bound has to clear."""
        return self.threshold if self.threshold is not None else -(self.margin or 0.0)

    @property
    def figure(self) -> str:
        """The name of its figure: the metric, with the operating point where there is one ("sensitivity@0.31")."""
        return self.metric if self.at is None else f"{self.metric}@{self.at:g}"


class SampleSize(Part):
    """Why the data are enough: what was assumed, and how many positives that asks for."""

    positives: Annotated[int, Field(ge=1)]
    assumed: float
    power: Annotated[float, Field(gt=0, lt=1)]
    method: Words


class Replaced(Part):
    """The protocol that this one replaces. `after_results`: results of the old one were known by then."""

    id: Id
    sha256: Digest
    after_results: bool
    reason: Words


class Lock(Part):
    """Written by `lock`: the hash of all but this, and when."""

    sha256: Digest
    locked: datetime


class Protocol(Part):
    schema_version: Annotated[Literal["medvlm-protocol/1"], Field(alias="schema")]
    id: Id
    purpose: Literal["go-live", "model-change", "quarterly", "development"]
    intended_use: Words
    model: ModelUnderTest
    data: Annotated[tuple[Data, ...], Field(min_length=1)]
    exclusions: tuple[Exclusion, ...] = ()
    tasks: Annotated[tuple[Task, ...], Field(min_length=1)]
    probing: Probing = Probing()
    subgroups: Subgroups = Subgroups()
    statistics: Statistics
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    sample_size: Mapping[str, SampleSize] = {}
    replaces: Replaced | None = None
    lock: Lock | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> Protocol:
        for what, names in (
            ("data", [each.name for each in self.data]),
            ("criteria", [each.id for each in self.criteria]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"two {what} have the same name")
        unknown = self.sample_size.keys() - {each.id for each in self.criteria}
        if unknown:
            raise ValueError(f"sample_size names no criterion: {', '.join(sorted(unknown))}")
        if self.replaces and self.replaces.id == self.id:
            raise ValueError("a protocol that replaces another needs an id of its own")
        return self
