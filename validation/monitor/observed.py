"""What monitoring keeps of a study: what the model stated and what stands, without patient or person.

Made from a report as `GET /api/v1/reports/{id}` of the node answers it. A key in place of the report's id, which
holds a Study Instance UID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from medvlm.contract import FindingName, Laterality, ModelIdentity, Presence, Refusal
from validation.cases import Frozen
from validation.errors import BadExport

Standing = Literal["open", "signed", "rejected", "refused"]
State = Literal["draft", "edited", "signed", "addended", "rejected"]


class Statement(Frozen):
    """`stated` is the model's, None where a person added the finding; `stands` is what was signed, None: removed."""

    name: FindingName
    stated: Presence | None
    stands: Presence | None
    side_stated: Laterality = "unspecified"
    side_stands: Laterality = "unspecified"
    probability: float | None = None


class ObservedStudy(Frozen):
    """`closed` is when it was signed or rejected; None while it is open. `rewritten`: the words are a person's."""

    key: str
    version: int
    arrived: datetime
    standing: Standing
    closed: datetime | None = None
    model: str
    model_name: str
    statements: tuple[Statement, ...] = ()
    rewritten: bool = False


class Answered(BaseModel):
    """A part of the node's answer; what monitoring does not need is passed over, and never kept."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Stated(Answered):
    presence: Presence
    laterality: Laterality = "unspecified"


class _Finding(Answered):
    tracking_uid: str
    name: FindingName
    presence: Presence
    laterality: Laterality = "unspecified"
    probability: float | None = None
    decision: Literal["accepted", "changed", "rejected", "added"] | None = None
    model: _Stated | None = None


class _Narrative(Answered):
    own: bool = False


class _Signature(Answered):
    at: datetime


class AnsweredReport(Answered):
    """The node's `Report`."""

    id: str
    version: int
    state: State
    drafted: datetime
    changed: datetime
    model: ModelIdentity
    hidden: bool = False
    findings: tuple[_Finding, ...] = ()
    narrative: _Narrative = _Narrative()
    refusal: Refusal | None = None
    signed_by: _Signature | None = None


def key_of(report_id: str) -> str:
    """Names a report without naming its study."""
    return hashlib.sha256(report_id.encode()).hexdigest()[:24]


def observed(
    report: AnsweredReport, arrived: datetime | None = None, draft: AnsweredReport | None = None
) -> ObservedStudy:
    """`draft` is the version that nobody had changed: it has the probabilities that a change of presence hides."""
    standing: Standing = "open"
    if report.refusal:
        standing = "refused"
    elif report.state in ("signed", "addended"):
        standing = "signed"
    elif report.state == "rejected":
        standing = "rejected"
    stated = {each.tracking_uid: each.probability for each in draft.findings} if draft else {}
    decided = standing == "signed"
    return ObservedStudy(
        key=key_of(report.id),
        version=report.version,
        arrived=arrived or report.drafted,
        standing=standing,
        closed=_closed(report) if standing in ("signed", "rejected") else None,
        model=report.model.digest,
        model_name=f"{report.model.name} {report.model.version}",
        statements=tuple(_statement(each, stated.get(each.tracking_uid)) for each in report.findings)
        if decided
        else (),
        rewritten=decided and report.narrative.own,
    )


def lacks_probability(report: AnsweredReport) -> bool:
    """Whether the draft has to be asked for, too."""
    return any(each.probability is None and each.decision != "added" for each in report.findings)


def _closed(report: AnsweredReport) -> datetime:
    return report.signed_by.at if report.signed_by else report.changed


def _statement(found: _Finding, probability: float | None) -> Statement:
    by_model = found.decision != "added"
    stated = found.model or _Stated(presence=found.presence, laterality=found.laterality)
    return Statement(
        name=found.name,
        stated=stated.presence if by_model else None,
        stands=None if found.decision == "rejected" else found.presence,
        side_stated=stated.laterality if by_model else "unspecified",
        side_stands=found.laterality,
        probability=found.probability if found.probability is not None else probability,
    )


def read_export(path: Path) -> tuple[ObservedStudy, ...]:
    """A file of lines, each a report as the node's API answers it, or one that monitoring kept. Raises `BadExport`."""
    return tuple(_line(text, f"{path}, line {number}") for number, text in _lines(path))


def read_kept(path: Path) -> tuple[ObservedStudy, ...]:
    """What earlier runs kept; nothing where there is no file yet. Raises `BadExport`."""
    return read_export(path) if path.exists() else ()


def keep(path: Path, studies: Sequence[ObservedStudy]) -> None:
    """All of them, oldest first, whole or not at all."""
    beside = path.with_name(path.name + ".part")
    ordered = sorted(studies, key=lambda each: (each.arrived, each.key))
    beside.write_text("".join(each.model_dump_json() + "\n" for each in ordered), "utf-8")
    beside.replace(path)


def newest(studies: Iterable[ObservedStudy]) -> tuple[ObservedStudy, ...]:
    """One of each key: the highest version."""
    found: dict[str, ObservedStudy] = {}
    for each in studies:
        if each.key not in found or found[each.key].version <= each.version:
            found[each.key] = each
    return tuple(found.values())


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        # Not splitlines(): it would also cut at separators that JSON allows inside a text (U+2028).
        texts = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise _bad(f"the reports cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        raise _bad("the file is not UTF-8", str(path)) from error
    return [(number, text) for number, text in enumerate(texts, start=1) if text.strip()]


def _line(text: str, where: str) -> ObservedStudy:
    try:
        return ObservedStudy.model_validate_json(text)
    except ValidationError:
        try:
            return observed(AnsweredReport.model_validate_json(text))
        except ValidationError as error:
            # The values that pydantic quotes may be a patient's: only the key and the rule are passed on.
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            key = ".".join(map(str, first["loc"])) or "the line"
            raise _bad(f"no report: {key}: {first['msg']}", where) from error


def _bad(what: str, where: str) -> BadExport:
    return BadExport(what, where=where, way_out="Write one report a line, as GET /api/v1/reports/{id} answers it.")
