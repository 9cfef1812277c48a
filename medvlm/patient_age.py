"""A patient's age from DICOM attributes: one reading of them, for the node and for the model."""

from __future__ import annotations

import re

OLDEST = 150.0
AGE_STRING = re.compile(r"(\d{1,3})([DWMY])")  # PS3.5 6.2, VR AS; real devices leave out leading zeros
DATE = re.compile(r"\d{8}")  # PS3.5 6.2, VR DA
YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def age_in_years(age: str, birth_date: str, study_date: str) -> float | None:
    """From Patient's Age, else from the two dates (to a few days). None where neither can be read or makes sense."""
    if match := AGE_STRING.fullmatch(age):
        years = int(match[1]) * YEARS[match[2]]
    elif DATE.fullmatch(birth_date) and DATE.fullmatch(study_date):
        years = (int(study_date) - int(birth_date)) / 10_000
    else:
        return None
    return years if 0 <= years <= OLDEST else None
