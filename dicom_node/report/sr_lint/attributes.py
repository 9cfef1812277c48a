"""Attributes of every object: UIDs that are UIDs, and UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Subject

UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+", re.ASCII)
LONGEST_UID = 64


def uids_are_valid(subject: Subject) -> Iterator[Fault]:
    """PS3.5 9.1: components without leading zeros, 64 characters at most."""
    for inner in subject.nested:
        for keyword, uid in inner.uids:
            if len(uid) > LONGEST_UID or not UID.fullmatch(uid):
                yield Fault(f"{keyword} is no valid UID", inner.where or keyword)


def text_is_utf_8(subject: Subject) -> Iterator[Fault]:
    if subject.value("SpecificCharacterSet") != "ISO_IR 192":
        yield Fault("the character set is not declared as UTF-8 (ISO_IR 192)", "SpecificCharacterSet")
