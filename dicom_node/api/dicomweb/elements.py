"""Elements in the DICOM JSON Model, and which of them a search returns (PS3.18 Tables 10.6.3-3 to 10.6.3-5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydicom.datadict import tag_for_keyword

Element = dict[str, Any]
Json = dict[str, Element]


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag for keyword in keywords.split() if (tag := tag_for_keyword(keyword)) is not None)


# What `includefield=all` adds: the Patient, General Study and Patient Study modules (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2).
STUDY_FIELDS: Final = _tags(
    "TimezoneOffsetFromUTC OtherPatientIDsSequence PatientBirthTime OtherPatientNames EthnicGroup PatientComments "
    "PhysiciansOfRecord PhysiciansOfRecordIdentificationSequence NameOfPhysiciansReadingStudy ProcedureCodeSequence "
    "IssuerOfAccessionNumberSequence RequestingServiceCodeSequence ReferencedStudySequence ConsultingPhysicianName "
    "AdmittingDiagnosesDescription PatientAge PatientSize PatientWeight MedicalAlerts Allergies SmokingStatus "
    "PregnancyStatus Occupation AdditionalPatientHistory ReferringPhysicianIdentificationSequence "
    "ReasonForPerformedProcedureCodeSequence IssuerOfPatientIDQualifiersSequence"
)
DEFAULT_SERIES_FIELDS: Final = _tags(
    "Modality TimezoneOffsetFromUTC SeriesDescription SeriesNumber SeriesDate SeriesTime "
    "PerformedProcedureStepStartDate PerformedProcedureStepStartTime RequestAttributesSequence"
)
# General Series and General Equipment (PS3.3 C.7.3.1, C.7.5.1).
SERIES_FIELDS: Final = STUDY_FIELDS | _tags(
    "SeriesDescriptionCodeSequence PerformingPhysicianName ProtocolName OperatorsName "
    "ReferencedPerformedProcedureStepSequence RelatedSeriesSequence BodyPartExamined PatientPosition Laterality "
    "SmallestPixelValueInSeries LargestPixelValueInSeries PerformedProcedureStepID PerformedProcedureStepDescription "
    "PerformedProtocolCodeSequence CommentsOnThePerformedProcedureStep Manufacturer InstitutionName "
    "InstitutionAddress StationName InstitutionalDepartmentName ManufacturerModelName DeviceSerialNumber "
    "SoftwareVersions FrameOfReferenceUID PositionReferenceIndicator"
)
DEFAULT_INSTANCE_FIELDS: Final = _tags(
    "SOPClassUID SOPInstanceUID TimezoneOffsetFromUTC StudyInstanceUID SeriesInstanceUID InstanceNumber Rows Columns "
    "BitsAllocated NumberOfFrames AvailableTransferSyntaxUID"
)


def element(vr: str, *values: object) -> Element:
    """Without a value where all are empty (PS3.18 F.2.5)."""
    present = [value for value in values if value not in ("", None)]
    return {"vr": vr, "Value": present} if present else {"vr": vr}


def person_name(name: str) -> Element:
    """PN in its component groups (PS3.18 F.2.2)."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False)
    present = {group: text for group, text in groups if text}
    return {"vr": "PN", "Value": [present]} if present else {"vr": "PN"}


def first_text(found: Mapping[str, Any] | None) -> str:
    """The first value as text; "" where there is none."""
    values = (found or {}).get("Value") or [""]
    return "" if values[0] is None else str(values[0])


def study_elements(row: Mapping[Any, Any], url: str) -> dict[int, Element]:
    """What the index knows of a study. `url` "" where another level's Retrieve URL follows."""
    found = {
        0x00080005: element("CS", "ISO_IR 192"),
        0x00080020: element("DA", row["study_date"]),
        0x00080030: element("TM", row["study_time"]),
        0x00080050: element("SH", row["accession_number"]),
        0x00080056: element("CS", "ONLINE"),
        0x00080090: person_name(row["referring_physician"]),
        0x00081030: element("LO", row["description"]),
        0x00081190: element("UR", url),
        0x00100010: person_name(row["patient_name"]),
        0x00100020: element("LO", row["patient_id"]),
        0x00100030: element("DA", row["patient_birth_date"]),
        0x00100040: element("CS", row["patient_sex"]),
        0x0020000D: element("UI", row["uid"]),
        0x00200010: element("SH", row["study_id"]),
    }
    if row["issuer"]:
        found[0x00100021] = element("LO", row["issuer"])
    return found
