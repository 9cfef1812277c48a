"""Numbers: with a unit of UCUM, and certainties between 0 and 100 percent (PS3.3 C.18.1, TID 300)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dicom_node.report import codes
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import CodeKey, Item, Subject, coded, first, key


def measured(item: Item) -> float | None:
    """The finite number of a NUM item."""
    try:
        number = float(read_text(first(item.dataset, "MeasuredValueSequence"), "NumericValue"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def numbers_have_units(subject: Subject) -> Iterator[Fault]:
    for item in subject.items:
        if item.value_type != "NUM":
            continue
        if measured(item) is None:
            yield Fault("the measurement has no number", item.where)
        if _unit(item)[1] != "UCUM":
            yield Fault("the unit is missing or not one of UCUM", item.where)


def certainties_are_percentages(subject: Subject) -> Iterator[Fault]:
    for item in subject.everywhere(codes.CERTAINTY):
        number = measured(item)
        if number is None or not 0 <= number <= 100:
            yield Fault("the certainty is not between 0 and 100", item.where)
        elif _unit(item)[1] == "UCUM" and _unit(item) != key(codes.PERCENT):
            yield Fault("the certainty is not in percent", item.where)


def _unit(item: Item) -> CodeKey:
    return coded(first(item.dataset, "MeasuredValueSequence"), "MeasurementUnitsCodeSequence")
