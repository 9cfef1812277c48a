"""The resources beside the observations: the model, the study, the report, who did what."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from fhir.resources.R4B.attachment import Attachment
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.device import Device, DeviceDeviceName, DeviceVersion
from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.imagingstudy import ImagingStudy
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.provenance import Provenance, ProvenanceAgent, ProvenanceEntity
from fhir.resources.R4B.reference import Reference

from dicom_node.report import codes, uids
from dicom_node.report.document import EVALUATION_ONLY, FINDINGS, NARRATIVE
from dicom_node.report.fhir.concepts import DCM, PARTICIPANTS, RADIOLOGY, concept
from dicom_node.report.fhir.observations import device_id, study_id
from dicom_node.report.fhir.twin import (
    Twin,
    dicom_identifier,
    identifier_type,
    instant,
    narrative,
    practitioner,
    reference,
)
from dicom_node.report.images import source_images
from dicom_node.report.modules import model_parts


def device(twin: Twin) -> Device:
    """The model: its Device UID changes with weights, adapter, profile and calibration."""
    node, model = twin.version.draft.equipment, twin.reading.model
    parts = model_parts(model, digits=64)
    return Device(
        id=device_id(twin),
        meta=twin.meta,
        identifier=[dicom_identifier(uids.device_uid(node, model))],
        status="active",
        manufacturer=node.manufacturer or None,
        deviceName=[DeviceDeviceName(name=model.name, type="model-name")],
        version=[DeviceVersion(value=part) for part in (f"node {node.software_version}", *parts)],
        type=CodeableConcept(text="Radiology vision-language model"),
        text=narrative(f"{model.name}, {', '.join(parts)}.", EVALUATION_ONLY),
    )


def imaging_study(twin: Twin) -> ImagingStudy:
    kinds = dict.fromkeys(image.modality for image in source_images(twin.version.draft) if image.modality)
    return ImagingStudy(
        id=study_id(twin),
        meta=twin.meta,
        identifier=[dicom_identifier(twin.reading.study_uid)],
        status="available",
        subject=twin.subject,
        started=twin.study_date,
        basedOn=_order(twin),
        modality=[Coding(system=DCM, code=kind) for kind in kinds] or None,
        description=str(twin.header.get("StudyDescription", "")) or None,
        text=narrative(twin.view.title),
    )


def diagnostic_report(twin: Twin, stated: Sequence[Observation], pdf: bytes) -> DiagnosticReport:
    """The report; the same id in every version, so that a server holds it once, in its newest state."""
    version, view = twin.version, twin.view
    impression = [line.whole for line in view.impression]
    addenda = [line for act in view.addenda for line in act]
    return DiagnosticReport(
        id=twin.id("DiagnosticReport", *twin.line),
        meta=twin.meta,
        identifier=[dicom_identifier(uids.version_uid(version, kind)) for kind in (NARRATIVE, FINDINGS)],
        basedOn=_order(twin),
        status=twin.statuses.report,
        category=[CodeableConcept(coding=[RADIOLOGY])],
        code=concept(codes.DIAGNOSTIC_IMAGING_REPORT),
        subject=twin.subject,
        effectiveDateTime=twin.study_date,
        issued=instant(version.at),
        resultsInterpreter=[practitioner(version.acts[-1].person)] if version.is_verified else None,
        result=[reference(one) for one in stated] or None,
        imagingStudy=[Reference(reference=f"urn:uuid:{study_id(twin)}", type="ImagingStudy")],
        conclusion="\n".join([view.banner, view.evaluation, *view.acts, *impression, *addenda]),
        presentedForm=[_printed(twin, pdf)] if pdf else None,
        text=narrative(*_lines(twin)),
    )


def provenance(twin: Twin, stated: Sequence[Observation]) -> Provenance:
    """Who made this version: the model assembled it, people edited, signed or rejected it. One for each version."""
    version = twin.version
    targets = [f"urn:uuid:{it}" for it in (twin.id("DiagnosticReport", *twin.line), *(one.id for one in stated))]
    sources = [uids.version_uid(version, kind) for kind in (FINDINGS, NARRATIVE)]
    return Provenance(
        id=twin.id("Provenance", sources[1]),
        meta=twin.meta,
        target=[Reference(reference=target) for target in targets],
        recorded=instant(version.at),
        agent=[
            ProvenanceAgent(
                type=_participant("assembler", "Assembler"),
                who=Reference(reference=f"urn:uuid:{device_id(twin)}", type="Device"),
            ),
            *_people(twin),
        ],
        entity=[ProvenanceEntity(role="source", what=Reference(identifier=dicom_identifier(uid))) for uid in sources],
        text=narrative(twin.view.banner, *twin.view.acts),
    )


ROLES = {
    "edit": ("enterer", "Enterer"),
    "sign": ("author", "Author"),
    "addend": ("author", "Author"),
    "reject": ("performer", "Performer"),
}


def _people(twin: Twin) -> list[ProvenanceAgent]:
    acted = dict.fromkeys((act.kind, act.person) for act in twin.version.acts)
    return [ProvenanceAgent(type=_participant(*ROLES[kind]), who=practitioner(person)) for kind, person in acted]


def _participant(code: str, display: str) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=PARTICIPANTS, code=code, display=display)])


def _order(twin: Twin) -> list[Reference] | None:
    accession = str(twin.header.AccessionNumber)
    if not accession:
        return None
    identifier = Identifier(type=identifier_type("ACSN", "Accession ID"), value=accession)
    return [Reference(type="ServiceRequest", identifier=identifier)]


def _printed(twin: Twin, pdf: bytes) -> Attachment:
    return Attachment(
        contentType="application/pdf", data=b64encode(pdf), title=twin.view.banner, creation=instant(twin.version.at)
    )


def _lines(twin: Twin) -> list[str]:
    view = twin.view
    return [
        view.banner,
        view.evaluation,
        *view.acts,
        *(line.whole for line in (*view.findings, *view.impression)),
        *(line for act in view.addenda for line in act),
        view.not_assessed,
        *(f"Warning: {line}" for line in view.warnings),
    ]
