"""Predecessor documents: in the same study, never the document itself, each with its purpose (CID 7009)."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from dicom_node.report import codes
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import CodeKey, Subject, coded, key, references, sequence

PREDECESSORS = "PredecessorDocumentsSequence"
CID_7009 = frozenset(
    map(key, (codes.REPLACED_REPORT, codes.ADDENDED_REPORT, codes.PRELIMINARY_REPORT, codes.PARTIAL_REPORT))
)


def no_document_precedes_itself(subject: Subject) -> Iterator[Fault]:
    own = subject.value("SOPInstanceUID")
    for reference in references(sequence(subject.document, PREDECESSORS)):
        if read_text(reference, "ReferencedSOPInstanceUID") == own:
            yield Fault("the document names itself as predecessor", PREDECESSORS)


def predecessors_are_of_the_study(subject: Subject) -> Iterator[Fault]:
    for study in sequence(subject.document, PREDECESSORS):
        if read_text(study, "StudyInstanceUID") != subject.value("StudyInstanceUID"):
            yield Fault("a predecessor is of another study", PREDECESSORS)


def predecessors_have_a_purpose(subject: Subject) -> Iterator[Fault]:
    if any(purpose not in CID_7009 for purpose in purposes(subject.document)):
        yield Fault("a predecessor has no purpose of CID 7009", PREDECESSORS)


def purposes(document: Dataset) -> tuple[CodeKey, ...]:
    """The purpose of every predecessor, ("", "") for one without."""
    studies = sequence(document, PREDECESSORS)
    return tuple(coded(reference, "PurposeOfReferenceCodeSequence") for reference in references(studies))
