"""A version as a transaction Bundle (FHIR R4): device, study, observations, report, provenance.

Every id is a UUIDv5 of content. What is ours is put under its id, so a second post writes the same again, and the
next version of a report writes over the one before. The imaging study may be the archive's own: it is only made
where the server has none. Patient and order are named by their identifiers: they are the hospital's to keep.
"""

from __future__ import annotations

from fhir.resources.R4B.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhir.resources.R4B.resource import Resource

from dicom_node.report.document import Draft, require_reportable
from dicom_node.report.fhir.bindings import require_bound_codes
from dicom_node.report.fhir.concepts import DICOM_UID
from dicom_node.report.fhir.observations import observations
from dicom_node.report.fhir.resources import device, diagnostic_report, imaging_study, provenance
from dicom_node.report.fhir.twin import Twin
from dicom_node.report.version import Version, version_of


def fhir_bundle(report: Draft | Version, *, pdf: bytes = b"", patient_id_system: str = "") -> Bundle:
    """The twin of a version. `pdf` is its printed page; `patient_id_system` the URI of the patient IDs' issuer.

    Raises `NotReportable` as the documents do.
    """
    version = version_of(report)
    require_reportable(version.draft)
    twin = Twin(version, patient_id_system)
    stated = observations(twin)
    entries = [
        _put(device(twin)),
        _create(imaging_study(twin), f"identifier={DICOM_UID}|urn:oid:{twin.reading.study_uid}"),
        *(_put(one.resource) for one in stated),
        _put(diagnostic_report(twin, [one.resource for one in stated if one.stands], pdf)),
        _put(provenance(twin, [one.resource for one in stated])),
    ]
    bundle = Bundle(type="transaction", entry=entries)
    require_bound_codes(bundle)
    return bundle


def fhir_json(bundle: Bundle) -> bytes:
    """UTF-8 JSON, as it is posted. The same version gives the same bytes."""
    return bundle.model_dump_json(exclude_none=True).encode()


def _put(resource: Resource) -> BundleEntry:
    kind = resource.get_resource_type()
    return _entry(resource, BundleEntryRequest(method="PUT", url=f"{kind}/{resource.id}"))


def _create(resource: Resource, unless: str) -> BundleEntry:
    """Made only where the search `unless` finds none (conditional create)."""
    return _entry(resource, BundleEntryRequest(method="POST", url=resource.get_resource_type(), ifNoneExist=unless))


def _entry(resource: Resource, request: BundleEntryRequest) -> BundleEntry:
    return BundleEntry(fullUrl=f"urn:uuid:{resource.id}", resource=resource, request=request)
