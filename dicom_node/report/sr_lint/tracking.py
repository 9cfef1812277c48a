"""Tracking and observation UIDs: what makes a lesion, and a statement, one thing over versions (TID 1410, C.17.3.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dicom_node.report import codes
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Item, Subject


def groups_are_tracked(subject: Subject) -> Iterator[Fault]:
    for group in subject.everywhere(codes.MEASUREMENT_GROUP):
        if not any(item.text("UID") for item in group.named(codes.TRACKING_UID)):
            yield Fault("the group has no Tracking Unique Identifier", group.where)
        if not any(item.text() for item in group.named(codes.TRACKING_IDENTIFIER)):
            yield Fault("the group has no Tracking Identifier", group.where)


def tracking_uids_are_unique(subject: Subject) -> Iterator[Fault]:
    items = subject.everywhere(codes.TRACKING_UID)
    count = Counter(item.text("UID") for item in items)
    for item in items:
        if count[item.text("UID")] > 1:
            yield Fault("the Tracking Unique Identifier is used more than once", item.where)


def observations_are_identified(subject: Subject) -> Iterator[Fault]:
    """Every drawn finding, and every one at report level, has its own Observation UID; the whole image needs none."""
    stated = [item for item in _observations(subject) if item.dataset.get("ObservationUID") is not None]
    count = Counter(read_text(item.dataset, "ObservationUID") for item in stated)
    for item in _observations(subject):
        uid = read_text(item.dataset, "ObservationUID")
        if not uid:
            yield Fault("the finding has no Observation UID", item.where)
        elif count[uid] > 1:
            yield Fault("the Observation UID is used more than once", item.where)


def _observations(subject: Subject) -> Iterator[Item]:
    for group in subject.everywhere(codes.MEASUREMENT_GROUP):
        if group.named(codes.PRESENCE):
            yield group
    for listed in subject.everywhere(codes.QUALITATIVE_EVALUATIONS):
        yield from (item for item in listed.children if item.value_type == "CODE")
