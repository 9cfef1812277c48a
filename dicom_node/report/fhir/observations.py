"""One Observation a finding: as it stands, as it stood and was withdrawn, or as not assessed.

What was not assessed is an Observation without a value and with the reason, not a note: a machine can then tell it
from what was looked for and is absent, finding by finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fhir.resources.R4B.annotation import Annotation
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.observation import Observation, ObservationComponent
from fhir.resources.R4B.quantity import Quantity
from fhir.resources.R4B.reference import Reference

from dicom_node.report import codes, uids
from dicom_node.report.context import not_assessed
from dicom_node.report.fhir.concepts import IMAGING, NOT_PERFORMED, PRESENCES, UCUM, WITHDRAWN, concept
from dicom_node.report.fhir.twin import Twin, dicom_identifier, instant, narrative, practitioner
from dicom_node.report.presentation import sided_name
from dicom_node.report.statements import Statement, content
from dicom_node.report.withdrawn import withdrawn
from dicom_node.report.words import certainty_words, percent, rounded_percent
from medvlm.contract import FindingName
from medvlm.vocabulary import term


@dataclass(frozen=True)
class Stated:
    """`stands` where the report states it; what was withdrawn is sent so that no server keeps the older status."""

    resource: Observation
    stands: bool


def observations(twin: Twin) -> list[Stated]:
    stand = content(twin.version).statements
    told = twin.version.state != "rejected"
    missing = not_assessed(twin.version)
    return [
        *(Stated(_stated(twin, finding), True) for finding in stand),
        *(Stated(_withdrawn(twin, finding), False) for finding in withdrawn(twin.version)),
        *(
            Stated(_not_assessed(twin, name, name in missing), told and name in missing)
            for name in twin.reading.not_assessed
        ),
    ]


def _stated(twin: Twin, finding: Statement) -> Observation:
    return _observation(
        twin,
        finding.name,
        twin.id("Observation", finding.tracking_uid),
        identifier=[dicom_identifier(uids.observation_uid(twin.version.draft, finding))],
        status=twin.statuses.observation,
        bodySite=_body_site(finding),
        performer=[practitioner(finding.person)] if finding.person else None,
        valueCodeableConcept=concept(PRESENCES[finding.presence]),
        component=[*_certainty(finding), *_laterality(finding)] or None,
        text=narrative(twin.view.banner, f"{sided_name(finding)}: {finding.presence}{_in_words(finding)}."),
    )


def _withdrawn(twin: Twin, finding: Statement) -> Observation:
    words = "Withdrawn: the report does not state this finding."
    return _observation(
        twin,
        finding.name,
        twin.id("Observation", finding.tracking_uid),
        identifier=[dicom_identifier(uids.observation_uid(twin.version.draft, finding))],
        status=WITHDRAWN,
        note=[Annotation(text=words)],
        text=narrative(twin.view.banner, words),
    )


def _not_assessed(twin: Twin, name: FindingName, still: bool) -> Observation:
    """`still` while no person has stated it: then it is withdrawn, for a server has it from the draft."""
    words = "not assessed" if still else "assessed by a person; see the finding that the report states"
    return _observation(
        twin,
        name,
        twin.id("Observation", "not assessed", name, *twin.line),
        status=twin.statuses.observation if still else WITHDRAWN,
        dataAbsentReason=CodeableConcept(coding=[NOT_PERFORMED], text="Not assessed by the model"),
        text=narrative(twin.view.banner, f"{term(name).display}: {words}."),
    )


def _observation(twin: Twin, name: FindingName, id_: str, **elements: object) -> Observation:
    known = term(name)
    return Observation(
        id=id_,
        meta=twin.meta,
        category=[CodeableConcept(coding=[IMAGING])],
        code=concept(known.code, known.display),
        subject=twin.subject,
        effectiveDateTime=twin.study_date,
        issued=instant(twin.version.at),
        device=Reference(reference=f"urn:uuid:{device_id(twin)}", type="Device"),
        derivedFrom=[Reference(reference=f"urn:uuid:{study_id(twin)}", type="ImagingStudy")],
        **elements,
    )


def device_id(twin: Twin) -> str:
    return twin.id("Device", uids.device_uid(twin.version.draft.equipment, twin.reading.model))


def study_id(twin: Twin) -> str:
    return twin.id("ImagingStudy")


def _body_site(finding: Statement) -> CodeableConcept | None:
    site = term(finding.name).site
    return concept(site) if site else None


def _certainty(finding: Statement) -> list[ObservationComponent]:
    """The SR's very number. None where a person decided."""
    if finding.probability is None:
        return []
    quantity = Quantity(value=Decimal(percent(finding.probability)), unit="%", system=UCUM, code="%")
    return [ObservationComponent(code=concept(codes.CERTAINTY), valueQuantity=quantity)]


def _laterality(finding: Statement) -> list[ObservationComponent]:
    side = codes.LATERALITIES.get(finding.laterality)
    return [ObservationComponent(code=concept(codes.LATERALITY), valueCodeableConcept=concept(side))] if side else []


def _in_words(finding: Statement) -> str:
    if finding.probability is None:
        return ""
    return f" ({certainty_words(finding.probability)}, {rounded_percent(finding.probability)} %)"
