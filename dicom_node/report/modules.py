"""The modules that every result object has: patient and study, equipment, the model's part in it, references."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import coded
from dicom_node.report.document import DocumentKind, Draft
from dicom_node.report.header import clean_header
from dicom_node.report.identifiers import issuers
from dicom_node.report.images import SourceImage
from dicom_node.report.moments import Moment, moment
from dicom_node.report.version import Version
from dicom_node.report.words import one_line, printable
from medvlm.contract import ModelIdentity

PART = 1000


def merged(*modules: Dataset) -> Dataset:
    """One data set of all modules; later ones win."""
    whole = Dataset()
    for module in modules:
        whole.update(module)
    return whole


def made_at(version: Version) -> Moment:
    """When the version came to be, in the zone of its study."""
    return moment(version.at, version.draft.sources[0])


def patient_and_study(version: Version) -> Dataset:
    """Patient (C.7.1.1) and General Study (C.7.2.1) as the first source image has them."""
    source = version.draft.sources[0]
    module = merged(clean_header(source), issuers(source))
    module.StudyInstanceUID = version.draft.reading.study_uid
    return module


def series(version: Version, kind: DocumentKind, modality: str) -> Dataset:
    """The series of a kind of object (C.7.3.1): all versions share it."""
    module = Dataset()
    module.Modality = modality
    module.SeriesInstanceUID = uids.series_uid(version.draft, kind)
    module.SeriesNumber = kind.series_number
    module.SeriesDescription = version.flags.series_description
    return module


def instance_number(version: Version, part: int = 0) -> int:
    """Grows from version to version; the objects of a kind that needs several are far apart."""
    return version.number + PART * part


def general_equipment(draft: Draft) -> Dataset:
    """General Equipment (C.7.5.1): the node, not the modality."""
    node = draft.equipment
    equipment = Dataset()
    equipment.Manufacturer = one_line(node.manufacturer, 64)
    equipment.ManufacturerModelName = one_line(node.model_name, 64)
    equipment.DeviceSerialNumber = one_line(node.device_serial_number, 64)
    equipment.SoftwareVersions = one_line(node.software_version, 64)
    equipment.StationName = one_line(node.station_name, 16)
    return equipment


def sop_common(version: Version, kind: DocumentKind, part: int = 0) -> Dataset:
    """SOP Common (C.12.1). The model is contributing equipment in every version."""
    made = made_at(version)
    common = Dataset()
    common.SpecificCharacterSet = "ISO_IR 192"
    common.SOPClassUID = kind.sop_class_uids[0]
    common.SOPInstanceUID = uids.version_uid(version, kind, part)
    common.InstanceCreationDate = made.date
    common.InstanceCreationTime = made.time
    if made.offset:
        common.TimezoneOffsetFromUTC = made.offset
    common.ContributingEquipmentSequence = [_contributing_equipment(version.draft)]
    return common


def _contributing_equipment(draft: Draft) -> Dataset:
    """The model: a changed adapter is a changed device."""
    model = draft.reading.model
    device = Dataset()
    device.PurposeOfReferenceCodeSequence = [coded(codes.PROCESSING_EQUIPMENT)]
    device.Manufacturer = one_line(draft.equipment.manufacturer, 64)
    device.ManufacturerModelName = one_line(model.name, 64)
    device.StationName = one_line(draft.equipment.station_name, 16)
    device.SoftwareVersions = [one_line(part, 64) for part in (draft.equipment.software_version, *model_parts(model))]
    device.DeviceUID = uids.device_uid(draft.equipment, model)
    device.ContributionDateTime = moment(draft.reading.created, draft.sources[0]).date_time
    device.ContributionDescription = printable("; ".join(model_parts(model, digits=64)))[:1024]
    return device


def model_parts(model: ModelIdentity, digits: int = 32) -> tuple[str, ...]:
    """What makes the identity of a model, each part named; `digits` of a digest, so that a part fits into LO."""
    parts = (
        ("version", model.version),
        ("weights", model.weights_digest.rpartition(":")[2][:digits]),
        ("adapter", model.adapter_digest.rpartition(":")[2][:digits]),
        ("profile", model.profile),
        ("calibration", model.calibration),
    )
    return tuple(f"{name} {value}" for name, value in parts if value)


def reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """SOP Instance Reference (PS3.3 10.8)."""
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item


def evidence(images: Iterable[SourceImage]) -> Dataset:
    """Hierarchical SOP Instance Reference of images of one study (C.17.2.1)."""
    listed = tuple(images)
    triples = ((image.series_instance_uid, image.sop_class_uid, image.sop_instance_uid) for image in listed)
    return hierarchy(listed[0].study_instance_uid, triples)


def hierarchy(study_uid: str, references: Iterable[tuple[str, str, str]]) -> Dataset:
    """Hierarchical SOP Instance Reference (C.17.2.1) of (series, class, instance)."""
    study = Dataset()
    study.StudyInstanceUID = study_uid
    study.ReferencedSeriesSequence = [
        _series(uid, "ReferencedSOPSequence", listed) for uid, listed in _by_series(references).items()
    ]
    return study


def image_hierarchy(images: Iterable[SourceImage]) -> list[Dataset]:
    """Referenced Series items with their images, as presentation states name them (C.11.11)."""
    triples = ((image.series_instance_uid, image.sop_class_uid, image.sop_instance_uid) for image in images)
    return [_series(uid, "ReferencedImageSequence", listed) for uid, listed in _by_series(triples).items()]


def _by_series(references: Iterable[tuple[str, str, str]]) -> dict[str, list[Dataset]]:
    found: dict[str, list[Dataset]] = {}
    for series_uid, sop_class_uid, sop_instance_uid in references:
        found.setdefault(series_uid, []).append(reference(sop_class_uid, sop_instance_uid))
    return found


def _series(series_uid: str, keyword: str, instances: list[Dataset]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = series_uid
    setattr(item, keyword, instances)
    return item
