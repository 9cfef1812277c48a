"""The modules round the content tree of a structured report (PS3.3 A.35: Patient to SOP Common)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import coded
from dicom_node.report.document import DocumentKind, Draft, Predecessor
from dicom_node.report.identifiers import requests
from dicom_node.report.images import source_images
from dicom_node.report.life_cycle import StateName
from dicom_node.report.modules import (
    evidence,
    general_equipment,
    hierarchy,
    made_at,
    merged,
    patient_and_study,
    series,
    sop_common,
)
from dicom_node.report.moments import moment
from dicom_node.report.persons import participants, verifying_observers
from dicom_node.report.version import Version
from dicom_node.report.words import one_line
from medvlm.vocabulary import Code

PURPOSES: Mapping[StateName, Code] = MappingProxyType(
    {
        "draft": codes.REPLACED_REPORT,
        "edited": codes.REPLACED_REPORT,
        "signed": codes.PRELIMINARY_REPORT,
        "addended": codes.ADDENDED_REPORT,
        "rejected": codes.REPLACED_REPORT,
    }
)
"""What the predecessor is to a document in that state (CID 7009)."""


def document(version: Version, kind: DocumentKind, root: Dataset) -> Dataset:
    """The whole data set: modules from the version, and the content tree `root`."""
    return merged(
        patient_and_study(version),
        _document_series(version, kind),
        general_equipment(version.draft),
        _document_general(version, kind),
        sop_common(version, kind),
        root,
    )


def _document_series(version: Version, kind: DocumentKind) -> Dataset:
    """SR Document Series (C.17.1)."""
    module = series(version, kind, "SR")
    module.ReferencedPerformedProcedureStepSequence = []
    return module


def _document_general(version: Version, kind: DocumentKind) -> Dataset:
    """SR Document General (C.17.2)."""
    flags, made, draft = version.flags, made_at(version), version.draft
    general = Dataset()
    general.InstanceNumber = version.number
    general.CompletionFlag = flags.completion
    general.CompletionFlagDescription = flags.description
    general.VerificationFlag = flags.verification
    general.PreliminaryFlag = flags.preliminary
    general.ContentDate = made.date
    general.ContentTime = made.time
    general.PerformedProcedureCodeSequence = []
    general.CurrentRequestedProcedureEvidenceSequence = [evidence(source_images(draft))]
    general.ParticipantSequence = [_source_participant(draft), *participants(version)]
    if observers := verifying_observers(version):
        general.VerifyingObserverSequence = observers
    if asked := requests(draft.sources[0], draft.reading.study_uid):
        general.ReferencedRequestSequence = asked
    if earlier := predecessors(version, kind):
        general.PredecessorDocumentsSequence = [_predecessors(version, earlier)]
    return general


def _source_participant(draft: Draft) -> Dataset:
    """The AI as source of the content. It stays so in every later version."""
    source = Dataset()
    source.ParticipationType = "SOURCE"
    source.ParticipationDateTime = moment(draft.reading.created, draft.sources[0]).date_time
    source.ObserverType = "DEV"
    source.Manufacturer = one_line(draft.equipment.manufacturer, 64)
    source.ManufacturerModelName = one_line(draft.reading.model.name, 64)
    source.StationName = one_line(draft.equipment.station_name, 16)
    source.DeviceUID = uids.device_uid(draft.equipment, draft.reading.model)
    source.InstitutionName = ""
    source.InstitutionCodeSequence = []
    return source


def predecessors(version: Version, kind: DocumentKind) -> list[Predecessor]:
    """The documents of this kind that the version follows: of the version before, or those that the draft replaces."""
    known = (version.stored or _computed(version, kind)) if version.acts else version.draft.predecessors
    return [earlier for earlier in dict.fromkeys(known) if earlier.sop_class_uid in kind.sop_class_uids]


def _computed(version: Version, kind: DocumentKind) -> tuple[Predecessor, ...]:
    before = version.previous
    if before is None:
        return ()
    uid = uids.version_uid(before, kind)
    return (Predecessor(kind.sop_class_uids[0], uid, uids.series_uid(version.draft, kind)),)


def _predecessors(version: Version, earlier: list[Predecessor]) -> Dataset:
    references = ((it.series_instance_uid, it.sop_class_uid, it.sop_instance_uid) for it in earlier)
    study = hierarchy(version.draft.reading.study_uid, references)
    for listed in study.ReferencedSeriesSequence:
        for reference in listed.ReferencedSOPSequence:
            reference.PurposeOfReferenceCodeSequence = [coded(PURPOSES[version.state])]
    return study
