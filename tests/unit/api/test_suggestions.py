"""Suggested questions are ones that the embedded model understands, about what was assessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dicom_node.api.views.suggestions import AT_MOST, suggested
from medvlm.contract import Box, Finding, InScope, ModelIdentity, Presence, Reading, Refusal, Scope
from medvlm.engine.questions import AboutPlace, NotUnderstood, understand
from medvlm.vocabulary import terms

BOX = Box(sop_instance_uid="1.2.3", x0=0, y0=0, x1=9, y1=9)


def finding(name: str, presence: Presence, probability: float, *, boxed: bool = False) -> Finding:
    evidence = (BOX,) if boxed else ()
    return Finding(
        name=name,
        presence=presence,
        probability=probability,
        calibration="none",
        evidence=evidence,
        tracking_uid=f"2.25.{len(name)}",
    )


def reading(*findings: Finding, scope: Scope | None = None) -> Reading:
    identity = ModelIdentity(name="scripted", version="1", weights_digest="0" * 64)
    return Reading(
        study_uid="1.2", model=identity, scope=scope or InScope(), findings=findings, created=datetime.now(UTC)
    )


@pytest.mark.parametrize("name", sorted(terms()))
def test_every_question_that_may_be_suggested_is_understood(name: str) -> None:
    for question in suggested(reading(finding(name, "present", 0.7, boxed=True))):
        assert not isinstance(understand(question), NotUnderstood), question


def test_what_is_present_and_has_a_place_comes_first_then_what_is_open() -> None:
    told = suggested(
        reading(
            finding("cardiomegaly", "absent", 0.05),
            finding("consolidation", "indeterminate", 0.4),
            finding("effusion", "present", 0.95, boxed=True),
        )
    )
    assert understand(told[0]) == AboutPlace("effusion")
    assert getattr(understand(told[1]), "name", "") == "consolidation"


def test_there_are_few_and_none_twice() -> None:
    told = suggested(reading(*(finding(name, "indeterminate", 0.5) for name in terms())))
    assert len(told) == len(set(told)) == AT_MOST


def test_nothing_is_suggested_for_a_study_that_was_not_read() -> None:
    assert suggested(reading(scope=Refusal(code="no_image", reason="There is none."))) == ()
