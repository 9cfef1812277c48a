"""Our table of audit codes against the standard's context groups as pydicom holds them."""

from __future__ import annotations

import pytest
from pydicom.sr._concepts_dict import concepts

from dicom_node.audit import codes
from dicom_node.audit.codes import Code

GROUPS = {400: codes.EVENTS, 401: codes.EVENT_TYPES, 402: codes.ROLES, 404: codes.OBJECT_IDS, 405: (codes.URI_MEDIA,)}


@pytest.mark.parametrize(
    ("group", "code"), [(group, code) for group, rows in GROUPS.items() for code in rows], ids=lambda it: str(it)[:40]
)
def test_a_code_has_the_standards_meaning_and_is_of_its_group(group: int, code: Code) -> None:
    meant = {value: (meaning, groups) for by in concepts["DCM"].values() for value, (meaning, groups) in by.items()}
    meaning, groups = meant[code.value]
    assert (code.scheme, code.meaning) == ("DCM", meaning)
    assert group in groups


def test_no_two_codes_share_a_value() -> None:
    rows = [row for row in vars(codes).values() if isinstance(row, Code)] + list(codes.PERSON_ROLES.values())
    assert len({(row.value, row.scheme) for row in rows}) == len(rows)
