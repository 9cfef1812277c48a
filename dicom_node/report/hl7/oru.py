"""ORU^R01 of a version: header, patient, order, then its observations. Chapters 2, 3, 4 and 7 of HL7 v2.5.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.document import NARRATIVE, Draft, NotReportable, require_reportable
from dicom_node.report.header import clean_header
from dicom_node.report.hl7.er7 import Component, header, message, segment
from dicom_node.report.hl7.observations import observations
from dicom_node.report.hl7.people import name_and_id, names
from dicom_node.report.images import source_images
from dicom_node.report.life_cycle import StateName
from dicom_node.report.version import Version, version_of

VERSION = "2.5.1"


@dataclass(frozen=True)
class Routing:
    """MSH-4 to MSH-6: from which facility to which application and facility; each may be empty."""

    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""


REPORT_STATUSES: Mapping[StateName, str] = MappingProxyType(
    {"draft": "P", "edited": "P", "signed": "F", "addended": "C", "rejected": "X"}
)
"""OBR-25, table 0123."""


def oru_r01(report: Draft | Version, routing: Routing = Routing(), *, pdf: bytes = b"") -> bytes:
    """The message, UTF-8, segments ended by CR. `pdf` is the version's printed page, sent along where given.

    Raises `NotReportable` as the documents do, and for a patient without an ID: nobody could file the message.
    """
    version = version_of(report)
    require_reportable(version.draft)
    patient = clean_header(version.draft.sources[0])
    if not str(patient.PatientID):
        raise NotReportable(
            "an HL7 message needs a patient ID, and the images have none",
            where=version.draft.reading.study_uid,
            way_out="Have the images corrected and sent again.",
        )
    return message([_msh(version, routing), _pid(patient), _obr(version, patient), *observations(version, pdf)])


def control_id(version: Version) -> str:
    """MSH-10, at most 20 characters: the same for the same version."""
    return uids.version_uid(version, NARRATIVE).removeprefix("2.25.")[-20:]


def timestamp(version: Version) -> str:
    return version.at.strftime("%Y%m%d%H%M%S%z")


def _msh(version: Version, routing: Routing) -> str:
    return header(
        [
            version.draft.equipment.station_name,
            routing.sending_facility,
            routing.receiving_application,
            routing.receiving_facility,
            timestamp(version),
            "",
            ("ORU", "R01", "ORU_R01"),
            control_id(version),
            "P",
            VERSION,
            *("", "", "", "", ""),
            "UNICODE UTF-8",
        ]
    )


def _pid(patient: Dataset) -> str:
    issuer = str(patient.get("IssuerOfPatientID", ""))
    identifier: tuple[Component, ...] = (str(patient.PatientID), "", "", issuer, "MR")
    sex = str(patient.PatientSex) or "U"
    return segment(
        "PID", ["1", "", identifier, "", names(str(patient.PatientName)), "", str(patient.PatientBirthDate), sex]
    )


def _filler(version: Version, order: str) -> str:
    """Filler Order Number: something must name the order, without an accession number the study.

    A draft after a signed report is another result: under the same number it would write over the signed one.
    """
    number, signed = order or version.draft.reading.study_uid, version.draft.after_signed
    return f"{number}.{signed}" if signed else number


def _obr(version: Version, patient: Dataset) -> str:
    procedure = codes.PROCEDURES.get(source_images(version.draft)[0].modality, codes.XR)
    order = str(patient.AccessionNumber)
    fields: dict[int, str | tuple[Component, ...]] = {
        1: "1",
        2: order,
        3: _filler(version, order),
        4: (procedure.value, procedure.meaning, procedure.scheme),
        7: _performed(patient),
        22: timestamp(version),
        24: "RAD",
        25: REPORT_STATUSES[version.state],
        32: (name_and_id(version.acts[-1].person),) if version.is_verified else "",
    }
    return segment("OBR", [fields.get(number, "") for number in range(1, 33)])


def _performed(patient: Dataset) -> str:
    day, time = str(patient.StudyDate), str(patient.StudyTime)
    # HL7 has four decimals of a second and hours without minutes only with the day: seconds are enough.
    return f"{day}{time.partition('.')[0]}" if day and len(time) >= 4 else day
