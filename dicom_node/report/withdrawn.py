"""What earlier versions stated: a receiver that keeps state must be told what stands no more."""

from __future__ import annotations

from collections.abc import Iterator

from dicom_node.report.statements import Statement, content
from dicom_node.report.version import Version


def withdrawn(version: Version) -> list[Statement]:
    standing = {finding.tracking_uid for finding in content(version).statements}
    earlier = {it.tracking_uid: it for before in _before(version) for it in content(before).statements}
    return [finding for uid, finding in earlier.items() if uid not in standing]


def numbers(version: Version) -> dict[str, int]:
    """Tracking UID -> a number from 1 that a finding keeps through all versions of its draft."""
    ever = (it.tracking_uid for one in (*_before(version), version) for it in content(one).statements)
    return {uid: number for number, uid in enumerate(dict.fromkeys(ever), 1)}


def _before(version: Version) -> Iterator[Version]:
    """The earlier versions, the first first."""
    previous = version.previous
    if previous is not None:
        yield from _before(previous)
        yield previous
