"""Systems, codes and statuses of FHIR, by what the report calls them.

Built with fhir.resources' R4B classes and sent as R4 (4.0.1): the elements used here are the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding

from dicom_node.report.life_cycle import StateName
from medvlm.contract import Presence
from medvlm.vocabulary import Code

DICOM_UID = "urn:dicom:uid"
UCUM = "http://unitsofmeasure.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"

SYSTEMS: Mapping[str, str] = MappingProxyType(
    {"SCT": "http://snomed.info/sct", "LN": "http://loinc.org", "DCM": DCM, "UCUM": UCUM}
)
"""Coding scheme designator (PS3.16 table 8-1) -> system of FHIR."""

AI_ASSERTED = Coding(
    system="http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    code="AIAST",
    display="Artificial Intelligence asserted",
)
RADIOLOGY = Coding(system="http://terminology.hl7.org/CodeSystem/v2-0074", code="RAD", display="Radiology")
IMAGING = Coding(system="http://terminology.hl7.org/CodeSystem/observation-category", code="imaging", display="Imaging")
NOT_PERFORMED = Coding(
    system="http://terminology.hl7.org/CodeSystem/data-absent-reason", code="not-performed", display="Not Performed"
)
PARTICIPANTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"


@dataclass(frozen=True)
class Statuses:
    """Diagnostic report and observation in one state."""

    report: str
    observation: str


STATUSES: Mapping[StateName, Statuses] = MappingProxyType(
    {
        # R4's `preliminary` means verified early results: an unverified draft may only say `partial`.
        "draft": Statuses("partial", "preliminary"),
        "edited": Statuses("partial", "preliminary"),
        "signed": Statuses("final", "final"),
        "addended": Statuses("appended", "final"),
        "rejected": Statuses("cancelled", "cancelled"),
    }
)
WITHDRAWN = "cancelled"
"""Status of an observation that stood in an earlier version and stands no more."""

PRESENCES: Mapping[Presence, Code] = MappingProxyType(
    {
        "present": Code(value="52101004", scheme="SCT", meaning="Present", source="PS3.16 CID 240", grade="A"),
        # DICOM's CID 240 has 272519000: the two standards differ on this one concept.
        "absent": Code(value="2667000", scheme="SCT", meaning="Absent", source="findingmodels", grade="B"),
        "indeterminate": Code(
            value="82334004", scheme="SCT", meaning="Indeterminate", source="findingmodels", grade="B"
        ),
    }
)
"""The one map between a presence and FHIR's code of it; `codes.PRESENCES` has DICOM's."""


def coding(code: Code) -> Coding:
    return Coding(system=SYSTEMS[code.scheme], code=code.value, display=code.meaning)


def concept(code: Code | None, text: str = "") -> CodeableConcept:
    """The code, or its words alone where none is confirmed."""
    known = [coding(code)] if code else None
    return CodeableConcept(coding=known, text=text or (code.meaning if code else None))
