"""The contract: frozen, strict, and digests that change with what they name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from medvlm.contract import Box, Finding, ImageSource, InScope, ModelIdentity, Reading, Refusal, StudyInput

MODEL = ModelIdentity(name="m", version="1", weights_digest="a" * 64)


def reading(**changes: object) -> Reading:
    values = {"study_uid": "1.2", "model": MODEL, "scope": InScope(), "created": datetime(2026, 1, 1, tzinfo=UTC)}
    return Reading.model_validate(values | changes)


def test_a_refusal_is_recognised_by_its_kind_in_json() -> None:
    refused = reading(scope=Refusal(code="no_image", reason="none"))
    assert '"scope":{"kind":"refusal","code":"no_image"' in refused.model_dump_json()
    assert Reading.model_validate_json(refused.model_dump_json()) == refused


@pytest.mark.parametrize("change", ["weights_digest", "adapter_digest", "profile", "calibration", "version"])
def test_any_change_of_the_model_is_another_identity(change: str) -> None:
    assert MODEL.model_copy(update={change: "other"}).digest != MODEL.digest


def test_the_same_reading_has_the_same_digest_and_another_has_another() -> None:
    assert reading().digest == Reading.model_validate_json(reading().model_dump_json()).digest
    assert reading().digest != reading(not_assessed=("hernia",)).digest


def test_a_study_of_other_images_has_another_digest() -> None:
    one, two = (StudyInput(study_uid="1", images=(ImageSource(uri=uri),)) for uri in ("a", "b"))
    assert one.digest != two.digest


@pytest.mark.parametrize("corners", [(5, 5, 5, 9), (5, 5, 9, 5), (9, 5, 5, 9)])
def test_a_box_without_area_is_refused(corners: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = corners
    with pytest.raises(ValidationError):
        Box(sop_instance_uid="1", x0=x0, y0=y0, x1=x1, y1=y1)


def test_a_probability_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValidationError):
        Finding(name="effusion", presence="present", probability=1.01, calibration="c", tracking_uid="1")


def test_models_are_frozen() -> None:
    with pytest.raises(ValidationError):
        reading().study_uid = "2"  # type: ignore[misc]
