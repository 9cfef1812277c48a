"""What every resource of one bundle shares: ids, references, label, the words of its state."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from html import escape

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.narrative import Narrative
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.resource import Resource
from pydicom.dataset import Dataset

from dicom_node.report.fhir.concepts import AI_ASSERTED, DICOM_UID, IDENTIFIER_TYPES, STATUSES, Statuses
from dicom_node.report.header import clean_header
from dicom_node.report.life_cycle import Person
from dicom_node.report.person_names import name_text
from dicom_node.report.presentation import ReportView, present
from dicom_node.report.version import Version
from dicom_node.report.words import clean_name, printable
from medvlm.contract import Reading


@dataclass(frozen=True)
class Twin:
    version: Version
    patient_id_system: str = ""

    @property
    def reading(self) -> Reading:
        return self.version.draft.reading

    @property
    def statuses(self) -> Statuses:
        return STATUSES[self.version.state]

    @cached_property
    def view(self) -> ReportView:
        return present(self.version)

    @cached_property
    def header(self) -> Dataset:
        return clean_header(self.version.draft.sources[0])

    @property
    def meta(self) -> Meta:
        """The label stays after a signature: an AI did assert it. Provenance has the signature."""
        return Meta(security=[AI_ASSERTED])

    @property
    def study_date(self) -> str | None:
        """The day of the images, without a time: DICOM's has no zone, FHIR's must have one."""
        da = str(self.header.StudyDate)
        return f"{da[:4]}-{da[4:6]}-{da[6:]}" if da else None

    @property
    def subject(self) -> Reference:
        """The patient, by the identifier that the images carry."""
        mine, issuer = str(self.header.PatientID), str(self.header.get("IssuerOfPatientID", ""))
        if not mine:
            return Reference(type="Patient", display=name_text(str(self.header.PatientName)) or "Patient without an ID")
        identifier = Identifier(
            type=identifier_type("MR", "Medical record number"),
            system=self.patient_id_system or None,
            value=mine,
            assigner=Reference(display=issuer) if issuer else None,
        )
        return Reference(type="Patient", identifier=identifier, display=name_text(str(self.header.PatientName)) or None)

    @property
    def line(self) -> tuple[object, ...]:
        """What sets the report apart from those signed before it, which it must not write over."""
        signed = self.version.draft.after_signed
        return ("after signed", signed) if signed else ()

    def id(self, kind: str, *parts: object) -> str:
        """A resource's id: a UUIDv5 in the node's namespace, the same for the same thing."""
        name = "|".join(map(str, ("fhir", kind, self.reading.study_uid, *parts)))
        return str(uuid.uuid5(self.version.draft.equipment.uid_root, name))


def instant(at: datetime) -> datetime:
    """FHIR's instants have a zone; a moment without one is taken as UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def reference(resource: Resource) -> Reference:
    """To a resource of the same bundle."""
    return Reference(reference=f"urn:uuid:{resource.id}", type=resource.get_resource_type())


def dicom_identifier(uid: str) -> Identifier:
    return Identifier(system=DICOM_UID, value=f"urn:oid:{uid}")


def identifier_type(code: str, display: str) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=IDENTIFIER_TYPES, code=code, display=display)])


def practitioner(person: Person) -> Reference:
    identifier = Identifier(value=person.id, assigner=Reference(display=printable(person.organisation)))
    return Reference(type="Practitioner", identifier=identifier, display=name_text(clean_name(person.name)))


def narrative(*paragraphs: str) -> Narrative:
    """The resource in words, for a reader without software that knows it. Every value is escaped."""
    body = "".join(f"<p>{escape(printable(line))}</p>" for line in paragraphs if line.strip())
    return Narrative(status="generated", div=f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>')
