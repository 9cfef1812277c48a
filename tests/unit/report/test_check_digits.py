"""Check digits: right for every code of the standard but the misprints known by name, wrong for a changed digit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_node.report.check_digits import is_loinc, is_snomed_ct, luhn_digit, verhoeff_checksum
from tests.unit.report.standard_codes import MEANINGS

MISPRINTS = {"115347700", "11524-0"}
"""Serum albumin below reference range (SCT), ECG Report (LN): wrong in the published tables themselves."""


def values(scheme: str) -> set[str]:
    return {value for known, value in MEANINGS if known == scheme}


def test_every_snomed_code_of_the_standard_but_one_misprint_is_right() -> None:
    assert len(values("SCT")) > 8_000
    assert {value for value in values("SCT") if not is_snomed_ct(value)} == MISPRINTS & values("SCT")


def test_every_loinc_number_of_the_standard_but_one_misprint_is_right() -> None:
    numbers = {value for value in values("LN") if re.fullmatch(r"[0-9]+-[0-9]", value)}
    assert len(numbers) > 300
    assert {value for value in numbers if not is_loinc(value)} == MISPRINTS & values("LN")


def test_the_misprints_are_in_the_tables_or_the_list_must_shrink() -> None:
    assert values("SCT") | values("LN") >= MISPRINTS


@given(st.integers(10**5, 10**17 - 1), st.data())
def test_a_changed_digit_is_noticed(stem: int, data: st.DataObject) -> None:
    digit = next(it for it in range(10) if verhoeff_checksum(f"{stem}{it}") == 0)
    number = f"{stem}{digit}"
    assert is_snomed_ct(number)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([it for it in "0123456789" if it != number[place]]))
    assert not is_snomed_ct(number[:place] + other + number[place + 1 :])


@given(st.integers(10**5, 10**17 - 1), st.data())
def test_two_neighbours_exchanged_are_noticed(stem: int, data: st.DataObject) -> None:
    digit = next(it for it in range(10) if verhoeff_checksum(f"{stem}{it}") == 0)
    number = f"{stem}{digit}"
    place = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert is_snomed_ct(swapped) == (swapped == number)


@given(st.integers(1, 9_999_999))
def test_one_digit_and_no_other_makes_a_loinc_number(stem: int) -> None:
    assert [digit for digit in range(10) if is_loinc(f"{stem}-{digit}")] == [luhn_digit(str(stem))]


@pytest.mark.parametrize("value", ["", "12345", "0060046008", "60046008 ", "6004600８", "RID12", "60046008x", "1" * 19])
def test_what_is_no_number_of_the_right_length_is_no_snomed_code(value: str) -> None:
    assert not is_snomed_ct(value)


@pytest.mark.parametrize("value", ["", "18748", "18748-", "-4", "18748-44", "018748-4", "LP18748-4", "187484"])
def test_what_is_not_written_as_a_loinc_number_is_none(value: str) -> None:
    assert not is_loinc(value)
