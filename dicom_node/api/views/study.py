"""A study's rows as the API answers them, for whoever asks."""

from __future__ import annotations

from dicom_node.api import reveal
from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies.base import moment
from dicom_node.api.bodies.studies import DeliveryCount, ReportStanding, StudySummary
from dicom_node.api.node import ApiNode
from dicom_node.archive.worklist import Entry, Standing


def summary(node: ApiNode, by: Principal, entry: Entry) -> StudySummary:
    hidden = reveal.hides_standing(node.engine, node.settings, by, entry.report)
    return StudySummary(
        study_uid=entry.uid,
        state=entry.state,
        reason=entry.reason,
        priority="stat" if entry.priority == "stat" else "routine",
        patient_name=entry.patient_name,
        patient_id=entry.patient_id,
        patient_birth_date=entry.patient_birth_date,
        patient_sex=entry.patient_sex,
        accession_number=entry.accession_number,
        study_date=entry.study_date,
        study_time=entry.study_time,
        modalities=entry.modalities,
        description=entry.description,
        referring_physician=entry.referring_physician,
        instances=entry.instances,
        images=entry.images,
        first_received=moment(entry.first_received),
        last_received=moment(entry.last_received),
        warnings=entry.report.reading.warnings if entry.report and not hidden else (),
        report=_standing(entry.report, hidden) if entry.report else None,
        deliveries=DeliveryCount.model_validate(dict(entry.deliveries)),
    )


def _standing(standing: Standing, hidden: bool) -> ReportStanding:
    return ReportStanding(
        id=standing.reading_id,
        state=standing.state,
        version=standing.version,
        undecided=0 if hidden else standing.undecided,
    )
