"""Issuers of identifiers and the request behind a study, as the image has them."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom_node.report import findings_sr, narrative_sr
from dicom_node.report.sr_lint import lint
from tests.unit.report.drafts import STUDY_UID, draft, header


def item(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def test_issuers_of_patient_id_and_accession_number_are_the_image_s() -> None:
    source = header(
        IssuerOfPatientIDQualifiersSequence=[item(UniversalEntityID="1.2.3", UniversalEntityIDType="ISO")],
        IssuerOfAccessionNumberSequence=[item(LocalNamespaceEntityID="RIS")],
    )
    document = findings_sr(draft(sources=(source,)))
    (patient,) = document.IssuerOfPatientIDQualifiersSequence
    assert (patient.UniversalEntityID, patient.UniversalEntityIDType) == ("1.2.3", "ISO")
    (accession,) = document.IssuerOfAccessionNumberSequence
    assert accession.LocalNamespaceEntityID == "RIS"


def test_an_issuer_of_an_unknown_kind_or_without_a_name_is_left_out() -> None:
    for broken in (item(UniversalEntityID="x", UniversalEntityIDType="ODD"), item(), item(UniversalEntityID="x")):
        source = header(IssuerOfPatientIDQualifiersSequence=[broken])
        assert "IssuerOfPatientIDQualifiersSequence" not in findings_sr(draft(sources=(source,)))


def test_the_request_is_the_one_that_the_image_names() -> None:
    source = header(
        FillerOrderNumberImagingServiceRequest="F-1",
        RequestAttributesSequence=[
            item(
                RequestedProcedureID="RP-1",
                RequestedProcedureDescription="Chest, two views",
                RequestedProcedureCodeSequence=[coded("CXR2", "L", "Chest, two views")],
            ),
            item(RequestedProcedureID="RP-2", AccessionNumber="A-2"),
        ],
    )
    made = draft(sources=(source,))
    document = narrative_sr(made)
    first, second = document.ReferencedRequestSequence
    assert (first.StudyInstanceUID, first.AccessionNumber, first.RequestedProcedureID) == (STUDY_UID, "A-1", "RP-1")
    assert first.FillerOrderNumberImagingServiceRequest == "F-1"
    assert first.PlacerOrderNumberImagingServiceRequest == ""
    assert first.RequestedProcedureCodeSequence[0].CodeValue == "CXR2"
    assert (second.AccessionNumber, second.RequestedProcedureID) == ("A-2", "RP-2")
    assert second.RequestedProcedureCodeSequence == []
    assert lint(document, made.sources) == ()


def test_an_accession_number_alone_names_a_request_and_nothing_names_none() -> None:
    (request,) = findings_sr(draft()).ReferencedRequestSequence
    assert (request.AccessionNumber, request.RequestedProcedureID) == ("A-1", "")
    assert "ReferencedRequestSequence" not in findings_sr(draft(sources=(header(AccessionNumber=None),)))


def test_an_incomplete_code_of_the_request_is_left_out() -> None:
    codes = [item(CodeValue="CXR2", CodingSchemeDesignator="L")]
    source = header(RequestAttributesSequence=[item(RequestedProcedureCodeSequence=codes)])
    (request,) = findings_sr(draft(sources=(source,))).ReferencedRequestSequence
    assert request.RequestedProcedureCodeSequence == Sequence()
