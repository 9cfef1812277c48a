"""Codes bound to required value sets (FHIR R4): fhir.resources does not check them, and lists them only in part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from fhir.resources.R4B.bundle import Bundle
from fhir_core.fhirabstractmodel import FHIRAbstractModel

from dicom_node.report.document import NotReportable

REQUIRED: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("Bundle", "type"): frozenset({"transaction"}),
        ("BundleEntryRequest", "method"): frozenset({"PUT", "POST"}),
        ("Narrative", "status"): frozenset({"generated", "extensions", "additional", "empty"}),
        ("Device", "status"): frozenset({"active", "inactive", "entered-in-error", "unknown"}),
        ("DeviceDeviceName", "type"): frozenset(
            {
                *("udi-label-name", "user-friendly-name", "patient-reported-name"),
                *("manufacturer-name", "model-name", "other"),
            }
        ),
        ("ImagingStudy", "status"): frozenset({"registered", "available", "cancelled", "entered-in-error", "unknown"}),
        ("Observation", "status"): frozenset(
            {
                *("registered", "preliminary", "final", "amended", "corrected", "cancelled"),
                *("entered-in-error", "unknown"),
            }
        ),
        ("DiagnosticReport", "status"): frozenset(
            {
                *("registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "cancelled"),
                *("entered-in-error", "unknown"),
            }
        ),
        ("ProvenanceEntity", "role"): frozenset({"derivation", "revision", "quotation", "source", "removal"}),
    }
)
"""(class, element) -> its value set. Bundle's and its request's are cut down to what a post of ours may do."""


def require_bound_codes(bundle: Bundle) -> None:
    """Raises `NotReportable` for a code that its value set lacks, or one bound to a set that is not in `REQUIRED`."""
    for owner, element, value in _bound(bundle):
        if value not in REQUIRED.get((owner, element), ()):
            raise NotReportable(f"the code {value!r} is not in the element's value set", where=f"{owner}.{element}")


def _bound(model: FHIRAbstractModel) -> Iterator[tuple[str, str, str]]:
    for name, field in type(model).model_fields.items():
        values = getattr(model, name, None)
        listed = isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("enum_values")
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, FHIRAbstractModel):
                yield from _bound(value)
            elif value is not None and (listed or (type(model).__name__, name) in REQUIRED):
                yield type(model).__name__, name, str(value)
