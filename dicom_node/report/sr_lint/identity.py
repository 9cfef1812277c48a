"""Whose object it is: patient and study as the images say (PS3.3 C.7.1.1, C.7.2.1)."""

from __future__ import annotations

from collections.abc import Iterator

from dicom_node.report.header import ATTRIBUTES, Attribute, read_text
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Subject, sequence


def study_is_the_sources(subject: Subject) -> Iterator[Fault]:
    own = subject.value("StudyInstanceUID")
    if any(read_text(source, "StudyInstanceUID") != own for source in subject.sources):
        yield Fault("the Study Instance UID is not the images'", "StudyInstanceUID")
    for number, study in enumerate(sequence(subject.document, "CurrentRequestedProcedureEvidenceSequence"), 1):
        if read_text(study, "StudyInstanceUID") != own:
            where = f"CurrentRequestedProcedureEvidenceSequence[{number}].StudyInstanceUID"
            yield Fault("the evidence is of another study", where)


def identity_is_the_sources(subject: Subject) -> Iterator[Fault]:
    if not subject.sources:
        return
    for attribute in ATTRIBUTES:
        if subject.value(attribute.keyword) not in _allowed(attribute, subject):
            yield Fault(f"the {attribute.label} is not the image's", attribute.keyword)


def sources_are_one_patient(subject: Subject) -> Iterator[Fault]:
    if len({value for source in subject.sources if (value := read_text(source, "PatientID"))}) > 1:
        yield Fault("the images carry different patient IDs", "PatientID")


def _allowed(attribute: Attribute, subject: Subject) -> set[str]:
    """What the images say, made valid as the document's header is."""
    said = {attribute.clean(read_text(source, attribute.keyword)) for source in subject.sources}
    return said if attribute.always else said | {""}
