"""Codes: in the table, with the table's meaning, not denied, with a right check digit, in a place for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from dicom_node.report import codes
from dicom_node.report.check_digits import is_loinc, is_snomed_ct
from dicom_node.report.denylist import denial
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import CodeKey, StatedCode, Subject, key

Breach = Literal["incomplete", "denied", "check digit", "outside the table", "meaning"]

VALUES: Mapping[CodeKey, frozenset[CodeKey]] = MappingProxyType(
    {
        key(codes.PRESENCE): frozenset(map(key, codes.PRESENCES.values())),
        key(codes.LATERALITY): frozenset(map(key, codes.LATERALITIES.values())),
        key(codes.OBSERVER_TYPE): frozenset({key(codes.DEVICE), key(codes.PERSON)}),
        key(codes.PERSON_OBSERVER_ROLE): frozenset(map(key, codes.ROLES.values())),
        key(codes.ALGORITHM_FAMILY): frozenset({key(codes.ARTIFICIAL_INTELLIGENCE)}),
        key(codes.GEOMETRIC_PURPOSE): frozenset({key(codes.BOUNDED_BY)}),
    }
)
"""Concept name -> the values that it may have."""

FOREIGN = (
    "PersonIdentificationCodeSequence",
    "VerifyingObserverIdentificationCodeSequence",
    "ReferencedRequestSequence",
)
"""Where codes are not ours: people in their organisation's scheme, and the requester's own procedure codes."""


def broken(subject: Subject, breach: Breach) -> Iterator[StatedCode]:
    """The codes of ours of which this is the first thing that is wrong."""
    for it in subject.codes:
        ours = not any(sequence in it.where for sequence in FOREIGN)
        if ours and first_breach(it.value, it.scheme, it.meaning) == breach:
            yield it


@lru_cache(maxsize=4096)
def first_breach(value: str, scheme: str, meaning: str) -> Breach | None:
    if not (value and scheme and meaning):
        return "incomplete"
    if denial(value, scheme, meaning):
        return "denied"
    if (scheme == "SCT" and not is_snomed_ct(value)) or (scheme == "LN" and not is_loinc(value)):
        return "check digit"
    row = codes.code_table().get((value, scheme))
    if row is None:
        return "outside the table"
    return None if row.meaning == meaning else "meaning"


def codes_are_complete(subject: Subject) -> Iterator[Fault]:
    for it in broken(subject, "incomplete"):
        yield Fault("a code lacks its value, scheme or meaning", it.where)


def codes_are_not_denied(subject: Subject) -> Iterator[Fault]:
    for it in broken(subject, "denied"):
        yield Fault(f"code ({it.value}, {it.scheme}) is on the denylist", it.where)


def check_digits_are_right(subject: Subject) -> Iterator[Fault]:
    for it in broken(subject, "check digit"):
        yield Fault(f"code ({it.value}, {it.scheme}) has a wrong check digit", it.where)


def codes_are_in_the_table(subject: Subject) -> Iterator[Fault]:
    for it in broken(subject, "outside the table"):
        yield Fault(f"code ({it.value}, {it.scheme}) is not in the code table", it.where)


def meanings_are_the_tables(subject: Subject) -> Iterator[Fault]:
    for it in broken(subject, "meaning"):
        yield Fault(f"code ({it.value}, {it.scheme}) has another meaning in the code table", it.where)


def values_fit_their_names(subject: Subject) -> Iterator[Fault]:
    for item in subject.items:
        allowed = VALUES.get(item.name)
        if allowed and item.value_type == "CODE" and item.code not in allowed:
            yield Fault("the coded value is not one that this concept takes", item.where)


def uncoded_findings_are_named(subject: Subject) -> Iterator[Fault]:
    """A finding without a confirmed code says in words what it is."""
    slot = key(codes.OTHER_FINDING)
    for item in subject.items:
        named_here = item.name == slot or (item.name == key(codes.FINDING) and item.code == slot)
        if named_here and item.value_type == "CODE" and not any(it.text() for it in item.named(codes.COMMENT)):
            yield Fault("a finding without a code has no words", item.where)
