"""Age from what headers really hold."""

from __future__ import annotations

import pytest

from medvlm.patient_age import age_in_years


@pytest.mark.parametrize(
    ("age", "born", "examined", "years"),
    [
        ("042Y", "", "", 42),
        ("006M", "", "", 0.5),
        ("", "19600101", "20260102", 66.0101),
        ("", "19600101", "", None),
        ("42Y", "", "", 42),
        ("42", "", "", None),
        ("", "20300101", "20260102", None),
    ],
)
def test_age_comes_from_the_age_string_or_the_dates_or_is_unknown(
    age: str, born: str, examined: str, years: float | None
) -> None:
    found = age_in_years(age, born, examined)
    assert found == (None if years is None else pytest.approx(years, abs=0.01))
