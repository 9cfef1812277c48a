"""The FHIR R4 twin of a report: one transaction Bundle that says what the SR says, in step with its state.

In: a version, its PDF. Out: `Bundle` and its JSON; posting it twice changes nothing.
"""

from dicom_node.report.fhir.bundle import fhir_bundle, fhir_json

__all__ = ["fhir_bundle", "fhir_json"]
