"""What the object refers to: everything declared, nothing that was not read (PS3.3 C.17.2.3)."""

from __future__ import annotations

from collections.abc import Iterator

from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Subject, evidence

EVIDENCE = "CurrentRequestedProcedureEvidenceSequence"


def references_are_evidence(subject: Subject) -> Iterator[Fault]:
    """Every instance named in the tree is in the evidence, under the same SOP class."""
    declared = {
        (read_text(it, "ReferencedSOPInstanceUID"), read_text(it, "ReferencedSOPClassUID"))
        for it in evidence(subject.document)
    }
    if not declared:
        yield Fault("no evidence is declared", EVIDENCE)
        return
    for item in subject.items:
        if item.value_type not in {"IMAGE", "COMPOSITE", "WAVEFORM"}:
            continue
        reference = item.reference
        named = (read_text(reference, "ReferencedSOPInstanceUID"), read_text(reference, "ReferencedSOPClassUID"))
        if named not in declared:
            yield Fault("the referenced instance is not in the evidence", item.where)


def evidence_is_what_was_read(subject: Subject) -> Iterator[Fault]:
    """Checked only where sources are given."""
    read = {read_text(source, "SOPInstanceUID") for source in subject.sources}
    for reference in evidence(subject.document):
        if read and read_text(reference, "ReferencedSOPInstanceUID") not in read:
            yield Fault("an instance of the evidence is not among the sources", EVIDENCE)
