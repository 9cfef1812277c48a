"""The denylist: every row has its reason, and the reason is true where a check can tell."""

from __future__ import annotations

import pytest

from dicom_node.report.check_digits import is_snomed_ct
from dicom_node.report.denylist import WHOLE_SCHEME, Denied, denial, denylist
from tests.unit.report.standard_codes import MEANINGS


@pytest.mark.parametrize("row", denylist(), ids=lambda row: f"{row.value} {row.scheme}")
def test_every_row_has_a_reason_and_what_was_claimed(row: Denied) -> None:
    assert row.reason.endswith(".")
    assert row.claimed
    assert denial(row.value, row.scheme, row.claimed) == row.reason


@pytest.mark.parametrize(
    "row", [row for row in denylist() if row.scheme == "SCT" and row.value != WHOLE_SCHEME], ids=lambda row: row.value
)
def test_a_row_blames_the_check_digit_exactly_where_it_is_wrong(row: Denied) -> None:
    assert row.reason.startswith("Wrong check digit") == (not is_snomed_ct(row.value))


def test_no_row_stands_twice() -> None:
    assert len({(row.value, row.scheme) for row in denylist()}) == len(denylist())


def test_no_denied_code_is_claimed_with_the_meaning_that_the_standard_gives_it_alone() -> None:
    for row in denylist():
        known = MEANINGS.get((row.scheme, row.value), set())
        assert known != {row.claimed}, row.value


def test_a_code_denied_for_one_meaning_may_leave_with_its_own() -> None:
    assert denial("87433001", "SCT", "Pulmonary emphysema") == ""
    assert denial("87433001", "SCT", "Pulmonary embolism")


def test_a_retired_designator_denies_all_its_codes() -> None:
    assert denial("G-C0E3", "SRT", "Finding Site")
    assert denial("T-28000", "99SDM", "Lung")
