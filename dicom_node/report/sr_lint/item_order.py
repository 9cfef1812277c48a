"""Content items in the order of their template's rows (TID 1500, 1410, 2000, 2010)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from dicom_node.report import codes
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import CodeKey, Item, Subject, key
from medvlm.vocabulary import Code

OBSERVER = (
    codes.OBSERVER_TYPE,
    codes.PERSON_OBSERVER_NAME,
    codes.PERSON_OBSERVER_ORGANIZATION,
    codes.PERSON_OBSERVER_ROLE,
    codes.DEVICE_OBSERVER_UID,
    codes.DEVICE_OBSERVER_NAME,
    codes.DEVICE_OBSERVER_MANUFACTURER,
    codes.DEVICE_OBSERVER_MODEL,
    codes.DEVICE_OBSERVER_SERIAL,
)
"""TID 1003 and 1004. The block is repeated for every observer; its first row starts it again."""

ROWS: Mapping[CodeKey, tuple[Code, ...]] = MappingProxyType(
    {
        key(codes.IMAGING_MEASUREMENT_REPORT): (
            codes.LANGUAGE,
            *OBSERVER,
            codes.PROCEDURE_REPORTED,
            codes.COMMENT,
            codes.IMAGE_LIBRARY,
            codes.IMAGING_MEASUREMENTS,
            codes.QUALITATIVE_EVALUATIONS,
        ),
        key(codes.MEASUREMENT_GROUP): (
            codes.TRACKING_IDENTIFIER,
            codes.TRACKING_UID,
            *OBSERVER,
            codes.FINDING,
            codes.FINDING_SITE,
            codes.ALGORITHM_NAME,
            codes.ALGORITHM_VERSION,
            codes.ALGORITHM_PARAMETERS,
            codes.ALGORITHM_FAMILY,
            codes.CERTAINTY,
            codes.PRESENCE,
            codes.COMMENT,
            codes.GEOMETRIC_PURPOSE,
            codes.IMAGE_REGION,
        ),
        key(codes.DIAGNOSTIC_IMAGING_REPORT): (
            codes.LANGUAGE,
            *OBSERVER,
            codes.PROCEDURE_REPORTED,
            codes.SUMMARY,
            codes.PROCEDURE_DESCRIPTIONS,
            codes.FINDINGS_SECTION,
            codes.IMPRESSIONS_SECTION,
            codes.RECOMMENDATIONS_SECTION,
            codes.ADDENDUM_SECTION,
        ),
    }
)
"""Container -> the names of its items in their order. An item that is not listed may stand anywhere."""


def items_follow_their_template(subject: Subject) -> Iterator[Fault]:
    for item in subject.items:
        if rows := ROWS.get(item.name):
            yield from _out_of_order(item, {key(row): number for number, row in enumerate(rows)})


def _out_of_order(parent: Item, rank: dict[CodeKey, int]) -> Iterator[Fault]:
    reached = -1
    for child in parent.children:
        here = rank.get(child.name)
        if here is None:
            continue
        if here < reached and not (child.name == key(codes.OBSERVER_TYPE) and _is_observer(reached, rank)):
            yield Fault("the item stands behind rows that follow it in the template", child.where)
            return
        reached = here


def _is_observer(reached: int, rank: dict[CodeKey, int]) -> bool:
    return reached in {rank.get(key(row)) for row in OBSERVER}
