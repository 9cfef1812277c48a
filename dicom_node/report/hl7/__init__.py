"""The report as an HL7 v2.5.1 message ORU^R01, for sites that still live on it.

In: a version, its PDF, whom it goes to. Out: the message's bytes; the same version gives the same bytes.
"""

from dicom_node.report.hl7.oru import Routing, control_id, oru_r01

__all__ = ["Routing", "control_id", "oru_r01"]
