"""Report objects: a reading and the headers of its images become DICOM SR documents.

In: `Draft` (reading, source headers, version, predecessors, equipment). Out: findings SR, narrative SR, their bytes.
Pure: no files, no database, no clock. The same draft gives the same bytes in every process.
"""

from dicom_node.report.document import Draft, Equipment, NotReportable, Predecessor
from dicom_node.report.files import to_part10
from dicom_node.report.findings import findings_sr
from dicom_node.report.narrative import narrative_sr
from dicom_node.report.reclass import FALLBACKS, as_sop_class

__all__ = [
    "FALLBACKS",
    "Draft",
    "Equipment",
    "NotReportable",
    "Predecessor",
    "as_sop_class",
    "findings_sr",
    "narrative_sr",
    "to_part10",
]
