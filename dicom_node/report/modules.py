"""The modules round the content tree of a structured report (PS3.3 A.35: Patient to SOP Common)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import coded
from dicom_node.report.document import DocumentKind, Draft, State
from dicom_node.report.header import clean_header
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.moments import Moment, moment
from dicom_node.report.words import one_line, printable
from medvlm.contract import ModelIdentity


def document(draft: Draft, kind: DocumentKind, state: State, root: Dataset) -> Dataset:
    """The whole data set: modules from draft and state, and the content tree `root`."""
    images = source_images(draft)
    made = moment(draft.reading.created, draft.sources[0])
    modules = (
        clean_header(draft.sources[0]),
        _document_series(draft, kind, state),
        _general_equipment(draft),
        _document_general(draft, kind, state, made, images),
        _sop_common(draft, kind, state, made),
        root,
    )
    whole = Dataset()
    for module in modules:
        whole.update(module)
    return whole


def _document_series(draft: Draft, kind: DocumentKind, state: State) -> Dataset:
    """SR Document Series (C.17.1) and the study that it belongs to."""
    series = Dataset()
    series.StudyInstanceUID = draft.reading.study_uid
    series.Modality = "SR"
    series.SeriesInstanceUID = uids.series_uid(draft, kind)
    series.SeriesNumber = kind.series_number
    series.SeriesDescription = state.series_description
    series.ReferencedPerformedProcedureStepSequence = []
    return series


def _general_equipment(draft: Draft) -> Dataset:
    """General Equipment (C.7.5.1): the node, not the modality."""
    node = draft.equipment
    equipment = Dataset()
    equipment.Manufacturer = one_line(node.manufacturer, 64)
    equipment.ManufacturerModelName = one_line(node.model_name, 64)
    equipment.DeviceSerialNumber = one_line(node.device_serial_number, 64)
    equipment.SoftwareVersions = one_line(node.software_version, 64)
    equipment.StationName = one_line(node.station_name, 16)
    return equipment


def _document_general(
    draft: Draft, kind: DocumentKind, state: State, made: Moment, images: tuple[SourceImage, ...]
) -> Dataset:
    """SR Document General (C.17.2)."""
    general = Dataset()
    general.InstanceNumber = draft.version
    general.CompletionFlag = state.completion
    general.CompletionFlagDescription = state.description
    general.VerificationFlag = state.verification
    general.PreliminaryFlag = state.preliminary
    general.ContentDate = made.date
    general.ContentTime = made.time
    general.PerformedProcedureCodeSequence = []
    general.CurrentRequestedProcedureEvidenceSequence = [_evidence(images)]
    general.ParticipantSequence = [_source_participant(draft, made)]
    if predecessors := _predecessors(draft, kind):
        general.PredecessorDocumentsSequence = [predecessors]
    return general


def _sop_common(draft: Draft, kind: DocumentKind, state: State, made: Moment) -> Dataset:
    """SOP Common (C.12.1)."""
    common = Dataset()
    common.SpecificCharacterSet = "ISO_IR 192"
    common.SOPClassUID = kind.sop_class_uids[0]
    common.SOPInstanceUID = uids.document_uid(draft, kind, state)
    common.InstanceCreationDate = made.date
    common.InstanceCreationTime = made.time
    if made.offset:
        common.TimezoneOffsetFromUTC = made.offset
    common.ContributingEquipmentSequence = [_contributing_equipment(draft, made)]
    return common


def _contributing_equipment(draft: Draft, made: Moment) -> Dataset:
    """The model: a changed adapter is a changed device."""
    model = draft.reading.model
    device = Dataset()
    device.PurposeOfReferenceCodeSequence = [coded(codes.PROCESSING_EQUIPMENT)]
    device.Manufacturer = one_line(draft.equipment.manufacturer, 64)
    device.ManufacturerModelName = one_line(model.name, 64)
    device.StationName = one_line(draft.equipment.station_name, 16)
    device.SoftwareVersions = [one_line(part, 64) for part in (draft.equipment.software_version, *model_parts(model))]
    device.DeviceUID = uids.device_uid(draft.equipment, model)
    device.ContributionDateTime = made.date_time
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


def _source_participant(draft: Draft, made: Moment) -> Dataset:
    """The AI as source of the content. It stays so in every later version."""
    source = Dataset()
    source.ParticipationType = "SOURCE"
    source.ParticipationDateTime = made.date_time
    source.ObserverType = "DEV"
    source.Manufacturer = one_line(draft.equipment.manufacturer, 64)
    source.ManufacturerModelName = one_line(draft.reading.model.name, 64)
    source.StationName = one_line(draft.equipment.station_name, 16)
    source.DeviceUID = uids.device_uid(draft.equipment, draft.reading.model)
    source.InstitutionName = ""
    source.InstitutionCodeSequence = []
    return source


def _evidence(images: tuple[SourceImage, ...]) -> Dataset:
    references = ((image.series_instance_uid, image.sop_class_uid, image.sop_instance_uid) for image in images)
    return _hierarchy(images[0].study_instance_uid, references)


def _predecessors(draft: Draft, kind: DocumentKind) -> Dataset | None:
    own = [earlier for earlier in dict.fromkeys(draft.predecessors) if earlier.sop_class_uid in kind.sop_class_uids]
    if not own:
        return None
    references = ((it.series_instance_uid, it.sop_class_uid, it.sop_instance_uid) for it in own)
    study = _hierarchy(draft.reading.study_uid, references)
    for series in study.ReferencedSeriesSequence:
        for reference in series.ReferencedSOPSequence:
            reference.PurposeOfReferenceCodeSequence = [coded(codes.REPLACED_REPORT)]
    return study


def _hierarchy(study_uid: str, references: Iterable[tuple[str, str, str]]) -> Dataset:
    """Hierarchical SOP Instance Reference (C.17.2.1) of (series, class, instance)."""
    study = Dataset()
    study.StudyInstanceUID = study_uid
    by_series: dict[str, list[Dataset]] = {}
    for series_uid, sop_class_uid, sop_instance_uid in references:
        reference = Dataset()
        reference.ReferencedSOPClassUID = sop_class_uid
        reference.ReferencedSOPInstanceUID = sop_instance_uid
        by_series.setdefault(series_uid, []).append(reference)
    study.ReferencedSeriesSequence = [_series(uid, instances) for uid, instances in by_series.items()]
    return study


def _series(series_uid: str, instances: list[Dataset]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = series_uid
    series.ReferencedSOPSequence = instances
    return series
