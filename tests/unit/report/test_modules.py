"""What surrounds the tree: flags, participants, equipment, evidence, predecessors, times."""

from __future__ import annotations

from datetime import datetime

import pytest
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from dicom_node.report import NotReportable, findings_sr, narrative_sr
from medvlm.contract import Refusal
from tests.unit.report.drafts import IMAGE_UID, SERIES_UID, STUDY_UID, draft, header, predecessor, reading

BUILDERS = (findings_sr, narrative_sr)


@pytest.mark.parametrize("build", BUILDERS)
def test_a_draft_never_looks_verified_or_final(build) -> None:
    document = build(draft())
    assert document.CompletionFlag == "PARTIAL"
    assert document.VerificationFlag == "UNVERIFIED"
    assert document.PreliminaryFlag == "PRELIMINARY"
    assert document.CompletionFlagDescription == "AI-generated draft. Not verified."
    assert document.SeriesDescription.startswith("NOT VERIFIED")
    assert "VerifyingObserverSequence" not in document


@pytest.mark.parametrize("build", BUILDERS)
def test_the_model_is_source_and_contributing_equipment_under_one_device_uid(build) -> None:
    document = build(draft())
    (source,) = document.ParticipantSequence
    (device,) = document.ContributingEquipmentSequence
    observer = next(it for it in document.ContentSequence if it.ConceptNameCodeSequence[0].CodeValue == "121012")
    assert (source.ParticipationType, source.ObserverType) == ("SOURCE", "DEV")
    assert source.InstitutionCodeSequence == []
    assert source.DeviceUID == device.DeviceUID == observer.UID
    assert device.ManufacturerModelName == "medvlm-cxr"
    assert all(len(version) <= 64 for version in device.SoftwareVersions)


def test_evidence_names_every_image_once() -> None:
    second = header(SOPInstanceUID="2.25.9")
    document = findings_sr(draft(sources=(header(), second, header())))
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    assert study.StudyInstanceUID == STUDY_UID
    assert series.SeriesInstanceUID == SERIES_UID
    assert [it.ReferencedSOPInstanceUID for it in series.ReferencedSOPSequence] == [IMAGE_UID, "2.25.9"]


def test_a_document_replaces_only_documents_of_its_own_kind() -> None:
    earlier = (
        predecessor(Comprehensive3DSRStorage, 1),
        predecessor(EnhancedSRStorage, 2),
        predecessor(ComprehensiveSRStorage, 3),
    )
    document = findings_sr(draft(version=2, predecessors=earlier))
    (study,) = document.PredecessorDocumentsSequence
    references = [it for series in study.ReferencedSeriesSequence for it in series.ReferencedSOPSequence]
    assert [it.ReferencedSOPInstanceUID for it in references] == ["2.25.2001", "2.25.2003"]
    assert {it.PurposeOfReferenceCodeSequence[0].CodeValue for it in references} == {"121360"}
    assert document.InstanceNumber == 2
    assert "PredecessorDocumentsSequence" not in findings_sr(draft())


def test_times_come_from_the_reading_in_the_zone_of_the_study() -> None:
    document = findings_sr(draft(sources=(header(TimezoneOffsetFromUTC="+0530"),)))
    assert (document.ContentDate, document.ContentTime) == ("20261123", "150015.250000")
    assert document.TimezoneOffsetFromUTC == "+0530"
    assert document.ParticipantSequence[0].ParticipationDateTime == "20261123150015.250000+0530"


@pytest.mark.parametrize("offset", ["", "-0000", "+2500", "Z", "+1"])
def test_no_zone_is_claimed_for_a_study_that_has_none(offset: str) -> None:
    document = findings_sr(draft(sources=(header(TimezoneOffsetFromUTC=offset),)))
    assert "TimezoneOffsetFromUTC" not in document
    assert document.ContentTime == "093015.250000"
    assert document.ParticipantSequence[0].ParticipationDateTime.endswith("+0000")


def test_a_reading_without_a_zone_keeps_its_wall_clock() -> None:
    naive = draft(reading=reading(created=datetime(2026, 1, 2, 3, 4, 5)))
    assert findings_sr(naive).ParticipantSequence[0].ParticipationDateTime == "20260102030405.000000"


@pytest.mark.parametrize("build", BUILDERS)
def test_a_refused_reading_has_no_document(build) -> None:
    refused = reading(scope=Refusal(code="not_frontal_chest_radiograph", reason="This is a hip."), findings=())
    with pytest.raises(NotReportable, match="not_frontal_chest_radiograph"):
        build(draft(reading=refused))


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize(
    "sources",
    [
        (),
        (header(SeriesInstanceUID=None),),
        (header(SOPInstanceUID=None),),
        (header(StudyInstanceUID="2.25.7"),),
        (header(), header(SOPInstanceUID="2.25.9", SOPClassUID=None)),
    ],
    ids=["none", "no series", "no instance", "other study", "no class"],
)
def test_images_without_identity_are_refused_in_words(build, sources) -> None:
    with pytest.raises(NotReportable):
        build(draft(sources=sources))


def test_not_reportable_is_a_value_error_with_a_way_out() -> None:
    with pytest.raises(ValueError, match="Versions count from 1"):
        findings_sr(draft(version=0))
