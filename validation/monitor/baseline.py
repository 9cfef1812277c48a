"""What monitoring compares with: the rates and probabilities of a time in which the model was watched and found good.

Agreement with signed reports is no accuracy against a reference standard, so that its rates cannot come from a
validation run: they come from the first weeks after go-live, of the model that the run accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from medvlm.contract import FindingName
from validation.cases import Frozen
from validation.errors import BadExport
from validation.monitor.agreement import judged, overridden
from validation.monitor.observed import ObservedStudy
from validation.statistics.estimate import Bounds
from validation.statistics.proportions import proportion

FEWEST = 50
"""Reports below which a rate is too uncertain to be charted: ours to choose, for want of a standard."""
KEPT_VALUES = 1000
CERTAINTY = 0.90
"""Level of the baseline's own interval, by whose ends the limits are widened: each end is passed with 5 %."""


class Rate(Frozen):
    hits: Annotated[int, Field(ge=0)]
    n: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Rate:
        if self.hits > self.n:
            raise ValueError("more hits than trials")
        return self

    @property
    def centre(self) -> float:
        """Never 0 or 1: nothing that was seen always is certain."""
        return (self.hits + 0.5) / (self.n + 1)

    @property
    def bounds(self) -> Bounds:
        return proportion(self.hits, self.n, CERTAINTY)


class Baseline(Frozen):
    """`agreement` is by finding; `override` of signed and rejected reports; `refusal` of all studies that were read."""

    schema_version: Literal["medvlm-monitor-baseline/1"] = "medvlm-monitor-baseline/1"
    model: str
    model_name: str
    since: date
    until: date
    """The first day that is not part of it."""
    agreement: Mapping[FindingName, Rate]
    override: Rate
    refusal: Rate
    probabilities: Mapping[FindingName, tuple[float, ...]]


def make_baseline(studies: Sequence[ObservedStudy], since: date, until: date) -> Baseline:
    """Of the reports signed, and the studies that arrived, in since ≤ day < until. Raises `BadExport`."""
    closed = [each for each in studies if each.closed and since <= each.closed.date() < until]
    models = {each.model: each.model_name for each in closed}
    if len(models) != 1:
        raise BadExport(
            "the baseline needs the reports of one model" if models else "no report was signed in that time",
            where=f"{since} to {until}: {', '.join(sorted(models.values())) or 'no model'}",
            way_out="Choose a time in which one accepted model ran, and reports were signed.",
        )
    ((model, name),) = models.items()
    signed = [each for each in closed if each.standing == "signed"]
    if len(signed) < FEWEST:
        raise BadExport(
            f"{len(signed)} signed reports are too few for a baseline",
            where=f"{since} to {until}",
            way_out=f"Wait for {FEWEST} at least; a rate is known to about ± 3 % from 400 on.",
        )
    arrived = [each for each in studies if each.model == model and since <= each.arrived.date() < until]
    return Baseline(
        model=model,
        model_name=name,
        since=since,
        until=until,
        agreement=_agreement(signed),
        override=_rate(overridden(each) for each in closed),
        refusal=_rate(each.standing == "refused" for each in arrived),
        probabilities=probabilities(signed),
    )


def probabilities(signed: Iterable[ObservedStudy]) -> dict[FindingName, tuple[float, ...]]:
    """By finding, in rising order; of many, as many order statistics as are kept."""
    found: dict[FindingName, list[float]] = {}
    for study in signed:
        for each in judged(study):
            if each.probability is not None:
                found.setdefault(each.name, []).append(each.probability)
    return {name: _thinned(values) for name, values in found.items()}


def read_baseline(path: Path) -> Baseline:
    """Raises `BadExport`."""
    way_out = "Make one with `medvlm-validate monitor-baseline`."
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadExport(f"the baseline cannot be read: {error.strerror}", where=str(path), way_out=way_out) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise BadExport(f"no baseline: {key}: {first['msg']}", where=str(path), way_out=way_out) from error


def _agreement(signed: Sequence[ObservedStudy]) -> dict[FindingName, Rate]:
    found: dict[FindingName, list[bool]] = {}
    for study in signed:
        for each in judged(study):
            found.setdefault(each.name, []).append(each.agreed)
    return {name: _rate(agreed) for name, agreed in found.items()}


def _rate(happened: Iterable[bool]) -> Rate:
    told = list(happened)
    return Rate(hits=sum(told), n=len(told))


def _thinned(values: Sequence[float]) -> tuple[float, ...]:
    ordered = np.sort(values)
    if len(ordered) > KEPT_VALUES:
        ordered = ordered[np.linspace(0, len(ordered) - 1, KEPT_VALUES).round().astype(int)]
    return tuple(float(each) for each in ordered)
