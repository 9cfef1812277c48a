"""Who speaks in a group: an algorithm under name and version (TID 4019), or a person."""

from __future__ import annotations

from collections.abc import Iterator

from dicom_node.report import codes
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Subject


def algorithm_is_named(subject: Subject) -> Iterator[Fault]:
    """A group that a person stated names that person instead."""
    for group in subject.everywhere(codes.MEASUREMENT_GROUP):
        algorithm = group.named(codes.ALGORITHM_NAME, codes.ALGORITHM_VERSION)
        if not algorithm and any(it.text("PersonName") for it in group.named(codes.PERSON_OBSERVER_NAME)):
            continue
        for row in (codes.ALGORITHM_NAME, codes.ALGORITHM_VERSION):
            if not any(item.text() for item in group.named(row)):
                yield Fault(f"the group has no {row.meaning}", group.where)
