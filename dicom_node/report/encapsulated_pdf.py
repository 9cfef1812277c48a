"""The report's page as a DICOM object: Encapsulated PDF (PS3.3 A.45.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import coded
from dicom_node.report.document import FINDINGS, NARRATIVE, PDF, Draft, require_reportable
from dicom_node.report.images import source_images
from dicom_node.report.modules import (
    general_equipment,
    made_at,
    merged,
    patient_and_study,
    reference,
    series,
    sop_common,
)
from dicom_node.report.version import Version, version_of
from dicom_node.report.words import one_line

MIME = "application/pdf"


def encapsulated_pdf(report: Draft | Version, pdf: bytes) -> Dataset:
    """`pdf` is the printed page of this very version. Raises `NotReportable` as the documents do."""
    version = version_of(report)
    require_reportable(version.draft)
    return merged(
        patient_and_study(version),
        series(version, PDF, "DOC"),
        general_equipment(version.draft),
        _document(version, pdf),
        sop_common(version, PDF),
    )


def _document(version: Version, pdf: bytes) -> Dataset:
    """SC Equipment (C.8.6.1) and Encapsulated Document (C.24.2)."""
    made, module = made_at(version), Dataset()
    module.ConversionType = "WSD"
    module.InstanceNumber = version.number
    module.ContentDate = made.date
    module.ContentTime = made.time
    module.AcquisitionDateTime = ""
    module.BurnedInAnnotation = "YES"
    module.SourceInstanceSequence = _sources(version)
    module.DocumentTitle = one_line(version.flags.series_description, 64)
    module.ConceptNameCodeSequence = [coded(codes.DIAGNOSTIC_IMAGING_REPORT)]
    module.VerificationFlag = version.flags.verification
    module.MIMETypeOfEncapsulatedDocument = MIME
    module.EncapsulatedDocumentLength = len(pdf)
    module.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return module


def _sources(version: Version) -> list[Dataset]:
    """The documents that say the same, and the images."""
    documents = [(kind.sop_class_uids[0], uids.version_uid(version, kind)) for kind in (FINDINGS, NARRATIVE)]
    images = [(it.sop_class_uid, it.sop_instance_uid) for it in source_images(version.draft)]
    return [reference(*it) for it in (*documents, *images)]
