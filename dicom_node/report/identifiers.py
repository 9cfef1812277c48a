"""Whose identifiers the study's are, and what was asked for: issuers and requests as the source image has them."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_node.report.header import identifier, read_items, read_text
from dicom_node.report.words import one_line

ISSUER = ("LocalNamespaceEntityID", "UniversalEntityID")
ENTITY_TYPES = ("DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500")
CODE = (("CodeValue", 16), ("CodingSchemeDesignator", 16), ("CodingSchemeVersion", 16), ("CodeMeaning", 64))


def issuers(source: Dataset) -> Dataset:
    """Issuer of Patient ID Qualifiers (C.7.1.1) and Issuer of Accession Number (C.7.2.1), where the source has them."""
    found = Dataset()
    if qualifiers := _issuers(source, "IssuerOfPatientIDQualifiersSequence"):
        found.IssuerOfPatientIDQualifiersSequence = qualifiers
    if of_accession := _issuers(source, "IssuerOfAccessionNumberSequence"):
        found.IssuerOfAccessionNumberSequence = of_accession
    return found


def requests(source: Dataset, study_uid: str) -> list[Dataset]:
    """Referenced Request items (C.17.2): one a requested procedure; none where the source names no request.

    A request is known by its procedure's ID or by the accession number.
    """
    asked = read_items(source, "RequestAttributesSequence") or [source]
    return [_request(one, source, study_uid) for one in asked if _is_known(one, source)]


def _is_known(asked: Dataset, source: Dataset) -> bool:
    return bool(read_text(asked, "RequestedProcedureID") or _accession(asked, source))


def _accession(asked: Dataset, source: Dataset) -> str:
    return identifier(read_text(asked, "AccessionNumber")) or identifier(read_text(source, "AccessionNumber"))


def _request(asked: Dataset, source: Dataset, study_uid: str) -> Dataset:
    request = Dataset()
    request.StudyInstanceUID = study_uid
    request.ReferencedStudySequence = []
    request.AccessionNumber = _accession(asked, source)
    if issuer := _issuers(asked, "IssuerOfAccessionNumberSequence"):
        request.IssuerOfAccessionNumberSequence = issuer
    for keyword in ("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest"):
        setattr(request, keyword, one_line(read_text(source, keyword), 64))
    request.RequestedProcedureID = identifier(read_text(asked, "RequestedProcedureID"))
    request.RequestedProcedureDescription = one_line(read_text(asked, "RequestedProcedureDescription"), 64)
    request.RequestedProcedureCodeSequence = _codes(asked)
    return request


def _issuers(holder: Dataset, keyword: str) -> list[Dataset]:
    """The first item of an HL7v2 Hierarchic Designator (PS3.3 10.14) if it says anything."""
    for received in read_items(holder, keyword)[:1]:
        issuer = Dataset()
        for part in ISSUER:
            if value := identifier(read_text(received, part)):
                setattr(issuer, part, value)
        if "UniversalEntityID" in issuer:
            kind = read_text(received, "UniversalEntityIDType")
            if kind in ENTITY_TYPES:
                issuer.UniversalEntityIDType = kind
            else:
                del issuer.UniversalEntityID
        return [issuer] if len(issuer) else []
    return []


def _codes(asked: Dataset) -> list[Dataset]:
    """The site's own codes of the procedure, unchanged; a code without value, scheme or meaning is none."""
    copies = [_code(received) for received in read_items(asked, "RequestedProcedureCodeSequence")[:1]]
    return [it for it in copies if {"CodeValue", "CodingSchemeDesignator", "CodeMeaning"} <= set(it.dir())]


def _code(received: Dataset) -> Dataset:
    copy = Dataset()
    for keyword, longest in CODE:
        value = one_line(read_text(received, keyword), longest + 1)
        if value and (len(value) <= longest or keyword == "CodeMeaning"):
            setattr(copy, keyword, value[:longest])
    return copy
