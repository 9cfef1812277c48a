"""Result objects: a reading, the headers of its images and what people did with it become DICOM.

In: `Draft` (reading, source headers, version, predecessors, equipment), or a `Version` of it with the acts of people.
Out: findings SR, narrative SR, their companions (presentation state, key objects, page, pictures), their bytes.
Pure: no files, no database, no clock. The same version gives the same bytes in every process.
"""

from dicom_node.report.document import Draft, Equipment, NotReportable, Predecessor
from dicom_node.report.files import to_part10
from dicom_node.report.findings import findings_sr
from dicom_node.report.narrative import narrative_sr
from dicom_node.report.reclass import FALLBACKS, as_sop_class
from dicom_node.report.version import Version

__all__ = [
    "FALLBACKS",
    "Draft",
    "Equipment",
    "NotReportable",
    "Predecessor",
    "Version",
    "as_sop_class",
    "findings_sr",
    "narrative_sr",
    "to_part10",
]
