"""Before the reading: write each series' metadata once, so that viewers get it as a file (`archive.series_metadata`).

A help, never a condition: what cannot be written now is made when somebody asks for it.
"""

from __future__ import annotations

import structlog

from dicom_node.archive.series_metadata import SeriesMetadata
from dicom_node.archive.served import by_series, served
from dicom_node.archive.studies import Work
from dicom_node.workflow.node import Node

log = structlog.get_logger()


def describe(node: Node, work: Work) -> None:
    """Run again it finds everything there."""
    metadata = SeriesMetadata(node.root)
    try:
        for instances in by_series(served(node.engine, work.study_uid)).values():
            metadata.write(instances)
    except OSError as error:
        log.warning("metadata.not_written", study=work.study_uid, cause=type(error).__name__)
