"""Replacements under a secret, and dates."""

from __future__ import annotations

import pytest

from dicom_node.deidentify import Key
from dicom_node.deidentify.dates import moved
from dicom_node.report.sr_lint.attributes import UID
from tests.unit.deidentify.studies import KEY


def test_the_same_secret_gives_the_same_replacement_and_another_gives_another() -> None:
    same, other = Key(KEY.secret), Key(b"another secret of thirty-two by.")
    assert (same.uid("1.2"), same.pseudonym("a"), same.days("a")) == (KEY.uid("1.2"), KEY.pseudonym("a"), KEY.days("a"))
    assert len({KEY.uid("1.2"), other.uid("1.2"), KEY.uid("1.3")}) == 3
    assert KEY.pseudonym("a") != other.pseudonym("a")


def test_a_new_uid_is_a_valid_one() -> None:
    for number in range(200):
        uid = KEY.uid(f"1.2.{number}")
        assert UID.fullmatch(uid)
        assert len(uid) <= 64


def test_no_date_stays_and_none_lies_in_the_future() -> None:
    assert {KEY.days(str(number)) < 0 for number in range(500)} == {True}


def test_the_secret_is_in_no_representation() -> None:
    assert "secret" not in repr(KEY)


@pytest.mark.parametrize(
    ("vr", "value", "days", "after"),
    [
        ("DA", "20240301", -1, "20240229"),
        ("DT", "20240301101500.123+0100", -366, "20230301101500.123+0100"),
        ("TM", "101500", -7, "101500"),
        ("DA", "", -7, ""),
        ("DA", "2024", -7, None),
        ("DA", "20240230", -7, None),
        ("DA", "20240101-20240201", -7, None),
        ("DA", "00010101", -7, None),
        ("DT", "2024", -7, None),
    ],
)
def test_dates_move_by_days(vr: str, value: str, days: int, after: str | None) -> None:
    assert moved(vr, value, days) == after
