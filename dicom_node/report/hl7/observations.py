"""The OBX segments: first how far the report may be relied on, then its sentences, its coded findings, what it is."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dicom_node.report import codes, uids
from dicom_node.report.document import FINDINGS, NARRATIVE
from dicom_node.report.hl7.er7 import Component, Field, segment
from dicom_node.report.hl7.people import name_and_id
from dicom_node.report.life_cycle import StateName
from dicom_node.report.presentation import present
from dicom_node.report.statements import Statement, content
from dicom_node.report.version import Version
from dicom_node.report.withdrawn import numbers, withdrawn
from dicom_node.report.words import percent
from medvlm.vocabulary import Code, term

STATUSES: Mapping[StateName, str] = MappingProxyType(
    {"draft": "P", "edited": "P", "signed": "F", "addended": "C", "rejected": "D"}
)
"""OBX-11, table 0085."""

DELETED = "D"
STUDY_UID = ("110180", "Study Instance UID", "DCM")


@dataclass(frozen=True)
class Obx:
    """One observation. `group` (OBX-4) ties what belongs to one finding; `status` "" is the report's."""

    kind: str
    concept: tuple[str, ...]
    value: Field
    group: str = ""
    units: tuple[Component, ...] = ()
    status: str = ""
    observer: tuple[Component, ...] = ()
    device: tuple[Component, ...] = ()


def observations(version: Version, pdf: bytes) -> list[str]:
    rows = [*_sentences(version), *_findings(version), *_identity(version), *_printed(pdf)]
    return [_segment(number, row, STATUSES[version.state]) for number, row in enumerate(rows, 1)]


def _segment(number: int, row: Obx, status: str) -> str:
    fields: dict[int, Field] = {
        1: str(number),
        2: row.kind,
        3: row.concept,
        4: row.group,
        5: row.value,
        6: row.units,
        11: row.status or status,
        16: row.observer,
        18: row.device,
    }
    return segment("OBX", [fields.get(place, "") for place in range(1, 19)])


def _sentences(version: Version) -> Iterator[Obx]:
    """One line an OBX: no receiver has to know how lines break."""
    view = present(version)
    findings = [view.banner, view.evaluation, *view.acts, *(line.whole for line in view.findings), view.not_assessed]
    yield from _lines(codes.FINDINGS_SECTION, [*findings, *(f"Warning: {line}" for line in view.warnings)])
    yield from _lines(codes.IMPRESSIONS_SECTION, [line.whole for line in view.impression])
    yield from _lines(codes.ADDENDUM_SECTION, [line for act in view.addenda for line in act])


def _lines(section: Code, lines: list[str]) -> Iterator[Obx]:
    for line in lines:
        for part in line.splitlines():
            if part.strip():
                yield Obx("TX", _coded(section), part.strip())


def _findings(version: Version) -> Iterator[Obx]:
    number = numbers(version)
    device = ("", "", uids.device_uid(version.draft.equipment, version.draft.reading.model), "ISO")
    for finding in content(version).statements:
        yield from _finding(finding, str(number[finding.tracking_uid]), device)
    for finding in withdrawn(version):
        yield Obx("CWE", _name(finding), "", group=str(number[finding.tracking_uid]), status=DELETED)


def _finding(finding: Statement, group: str, device: tuple[Component, ...]) -> Iterator[Obx]:
    observer = name_and_id(finding.person) if finding.person else ()
    yield Obx(
        "CWE",
        _name(finding),
        _coded(codes.PRESENCES[finding.presence]),
        group=group,
        observer=observer,
        device=device if finding.by_model else (),
    )
    if side := codes.LATERALITIES.get(finding.laterality):
        yield Obx("CWE", _coded(codes.LATERALITY), _coded(side), group=group)
    if finding.probability is not None:
        value = percent(finding.probability)
        yield Obx("NM", _coded(codes.CERTAINTY), value, group=group, units=_coded(codes.PERCENT), device=device)


def _name(finding: Statement) -> tuple[str, ...]:
    """The finding's code, or its words alone where none is confirmed."""
    known = term(finding.name)
    return _coded(known.code) if known.code else ("", known.display)


def _identity(version: Version) -> Iterator[Obx]:
    """The DICOM objects that say the same. DICOM has no code for their UIDs as such: they are named in words."""
    yield Obx("ST", STUDY_UID, version.draft.reading.study_uid)
    for kind in (FINDINGS, NARRATIVE):
        yield Obx("ST", ("", f"SOP Instance UID of the {kind.name} SR"), uids.version_uid(version, kind))


def _printed(pdf: bytes) -> Iterator[Obx]:
    if pdf:
        content_ = base64.b64encode(pdf).decode()
        yield Obx("ED", _coded(codes.DIAGNOSTIC_IMAGING_REPORT), ("", "application", "pdf", "Base64", content_))


def _coded(code: Code) -> tuple[str, ...]:
    return (code.value, code.meaning, code.scheme)
