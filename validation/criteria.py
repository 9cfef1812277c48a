"""What is fixed before results exist, and how a result is judged by it.

Criteria are a TOML file; each bound is judged by the interval, never by the point:

    [auroc]              # least AUROC, to be reached by the lower end of the 95 % interval
    effusion = 0.80
    cardiomegaly = 0.85

met: the lower end reaches the bound; not met: the upper end does not; undecided: the interval straddles the bound,
or the data carry no verdict, and the words say why. An undecided criterion is never rounded up.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medvlm.contract import FindingName
from medvlm.vocabulary import terms
from validation.errors import BadCriteria
from validation.tasks.finding_detection import Detection

# Below these a percentile interval is too narrow to be believed: ours to choose, for want of a standard.
FEWEST_POSITIVES = FEWEST_NEGATIVES = 10
FEWEST_PATIENTS = 20

Outcome = Literal["met", "not met", "undecided"]


class Criteria(BaseModel):
    """Least AUROC by finding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auroc: Annotated[dict[FindingName, Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]


class Verdict(BaseModel):
    """A criterion and what the figures say of it; `words` give the reason where it is undecided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding: FindingName
    bound: float
    outcome: Outcome
    words: str = ""


def read_criteria(path: Path) -> Criteria:
    """Raises `BadCriteria`."""
    try:
        criteria = Criteria.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise _bad(f"the criteria cannot be read: {error.strerror}", str(path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(f"the criteria are no TOML: {error}", str(path)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _bad(first["msg"], f"{path}, key {'.'.join(map(str, first['loc']))}") from error
    for name in criteria.auroc:
        if name not in terms():
            raise _bad(f"no finding is called {name!r}; known: {', '.join(terms())}", f"{path}, key auroc.{name}")
    return criteria


def _bad(what: str, where: str) -> BadCriteria:
    return BadCriteria(what, where=where, way_out="Write `[auroc]` and below it a bound a finding: `effusion = 0.80`.")


def judge(criteria: Criteria, detections: Sequence[Detection]) -> tuple[Verdict, ...]:
    """One verdict a criterion, in the order of the criteria."""
    by_finding = {each.finding: each for each in detections}
    return tuple(_verdict(name, bound, by_finding.get(name)) for name, bound in criteria.auroc.items())


def _verdict(finding: FindingName, bound: float, detection: Detection | None) -> Verdict:
    if detection is None:
        return Verdict(finding=finding, bound=bound, outcome="undecided", words="the labels have no such column")
    words = _carries_no_verdict(detection)
    if detection.auroc is None or words:
        return Verdict(finding=finding, bound=bound, outcome="undecided", words=words)
    if detection.auroc.low >= bound:
        return Verdict(finding=finding, bound=bound, outcome="met")
    if detection.auroc.high < bound:
        return Verdict(finding=finding, bound=bound, outcome="not met")
    return Verdict(finding=finding, bound=bound, outcome="undecided", words="the interval straddles the bound")


def _carries_no_verdict(detection: Detection) -> str:
    if detection.auroc is None:
        return detection.undefined
    for what, count, fewest in (
        ("positives", detection.positives, FEWEST_POSITIVES),
        ("negatives", detection.scored - detection.positives, FEWEST_NEGATIVES),
        ("patients", detection.patients, FEWEST_PATIENTS),
    ):
        if count < fewest:
            return f"{count} {what}: fewer than {fewest} carry no verdict"
    if detection.auroc.low == detection.auroc.high:
        return "every draw gave the same AUROC: resampling cannot tell how sure it is"
    return ""
