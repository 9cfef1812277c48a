import dataclasses

import numpy as np
import pytest
import torch

from medvlm.contract import ImageSource, Refusal, StudyContext, StudyInput
from medvlm.imaging.images import RadiographTags, StudyImages, Unread, Volume
from medvlm.safeguards.scope import judged_view, refused_without_radiograph
from medvlm.safeguards.scope_head import ScopeHead, pool
from medvlm.safeguards.scope_pixels import refused_by_pixels
from medvlm.safeguards.scope_tags import refused_by_tags

CHEST = RadiographTags(
    modality="DX", sop_class_uid="", body_part="CHEST", view_position="PA", laterality="", photometric="MONOCHROME2",
    presentation_intent="", samples_per_pixel=1, burned_in_annotation="", sex="F", age_years=52.0,
)  # fmt: skip


def test_an_adult_frontal_chest_film_passes_the_tags() -> None:
    assert refused_by_tags(CHEST, StudyContext(), colour=False) is None


def test_a_picture_without_any_header_is_left_to_the_pixels() -> None:
    silent = dataclasses.replace(CHEST, modality="", body_part="", view_position="", age_years=None)
    assert refused_by_tags(silent, StudyContext(), colour=False) is None


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "NM", "PT", "XA", "MG", "ES"])
def test_another_modality_is_refused_by_name(modality: str) -> None:
    refusal = refused_by_tags(dataclasses.replace(CHEST, modality=modality), StudyContext(), colour=False)
    assert refusal is not None
    assert refusal.code == "unsupported_modality"
    assert refusal.reason.startswith(f"{modality}: ")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"body_part": "HIP"}, "not_frontal_chest_radiograph"),
        ({"view_position": "LL"}, "not_frontal_chest_radiograph"),
        ({"age_years": 4.0}, "outside_population"),
    ],
)
def test_tags_refuse_another_part_a_lateral_view_and_a_child(changed: dict[str, object], code: str) -> None:
    refusal = refused_by_tags(dataclasses.replace(CHEST, **changed), StudyContext(), colour=False)  # type: ignore[arg-type]
    assert refusal is not None
    assert refusal.code == code


def test_the_age_of_the_request_counts_before_that_of_the_header() -> None:
    refusal = refused_by_tags(CHEST, StudyContext(age_years=9), colour=False)
    assert refusal is not None
    assert refusal.code == "outside_population"


def test_a_colour_picture_is_refused() -> None:
    assert refused_by_tags(CHEST, StudyContext(), colour=True) is not None


def _smooth() -> np.ndarray:
    across, down = np.meshgrid(np.linspace(0, 3, 128), np.linspace(0, 3, 128))
    return ((np.sin(across) * np.cos(down) + 1) / 2).astype(np.float32)


def test_grey_values_of_a_smooth_picture_pass() -> None:
    assert refused_by_pixels(_smooth(), (2000, 2000)) is None


@pytest.mark.parametrize(
    ("pixels", "stored", "code"),
    [
        (np.full((128, 128), 0.3, np.float32), (2000, 2000), "incomplete"),
        (np.random.default_rng(0).random((128, 128), np.float32), (2000, 2000), "not_frontal_chest_radiograph"),
        (_smooth(), (32, 300), "incomplete"),
    ],
)
def test_blank_noise_and_thumbnails_are_refused(pixels: np.ndarray, stored: tuple[int, int], code: str) -> None:
    refusal = refused_by_pixels(pixels, stored)
    assert refusal is not None
    assert refusal.code == code


def _head(thresholds: tuple[float, float, float]) -> ScopeHead:
    weight = torch.zeros(6, 4)
    weight[1, 0] = 10.0
    return ScopeHead(
        mean=torch.zeros(4), spread=torch.ones(4), weight=weight, bias=torch.tensor([5.0, 0, 0, 0, 0, 0]),
        axes=torch.eye(4)[:2], variances=torch.ones(2), residual=torch.ones(1), thresholds=torch.tensor(thresholds),
    )  # fmt: skip


def test_the_classifier_names_the_reason() -> None:
    features = torch.zeros(1, 2, 2, 2)
    features[:, 0] = 1.0
    refusal = _head((0.0, -9.0, 100.0)).refuse(features, known_adult=False)
    assert refusal is not None
    assert refusal.code == "wrong_orientation"


def test_a_known_age_overrules_what_looks_like_a_child() -> None:
    features = torch.zeros(1, 2, 2, 2)
    child = _head((-9.0, 9.0, 1e6))
    refusal = child.refuse(features, known_adult=False)
    assert refusal is not None
    assert refusal.code == "outside_population"
    assert child.refuse(features, known_adult=True) is None


def test_what_is_far_from_every_training_film_is_refused_although_the_classifier_is_sure() -> None:
    features = torch.zeros(1, 2, 2, 2)
    features[:, 1] = 50.0
    assert _head((0.0, -9.0, 1e6)).refuse(features, known_adult=True) is None
    assert _head((0.0, -9.0, 2.0)).refuse(features, known_adult=True) is not None


def test_distance_is_one_a_feature_for_features_like_those_of_training() -> None:
    pooled = torch.randn(4000, 4, generator=torch.Generator().manual_seed(0))
    assert float(_head((0, 0, 0)).distance(pooled).mean()) == pytest.approx(1.0, abs=0.05)


def test_pooled_features_do_not_depend_on_the_order_of_places() -> None:
    features = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(pool(features), pool(features.flip(2, 3)), atol=1e-6)


def test_a_view_on_which_tag_and_image_disagree_is_left_open_with_a_warning() -> None:
    scope, warnings = judged_view("PA", "AP")
    assert scope.kind == "in_scope"
    assert scope.view == "unknown"
    assert [warning.code for warning in warnings] == ["view_disagrees"]
    assert judged_view("AP", "AP")[1] == ()
    assert judged_view("", "AP")[0] == judged_view("AP", "unknown")[0]


def test_a_study_without_a_film_is_refused_for_what_it_holds() -> None:
    source = ImageSource(uri="a.dcm")
    study = StudyInput(study_uid="1.2", images=(source,))
    unread = Unread(source, Refusal(code="unreadable", reason="the file is short"))
    volume = Volume((source,), np.zeros((2, 2, 2), np.float32), np.eye(4), "CT", ())
    codes = [
        refused_without_radiograph(study, StudyImages((), volumes, unreadable, ())).code
        for volumes, unreadable in (((), ()), ((), (unread,)), ((volume,), (unread,)))
    ]
    assert codes == ["no_image", "unreadable", "unsupported_modality"]
