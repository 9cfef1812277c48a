"""What the header alone rules out. Tags are hints: they can refuse a study, they cannot admit one."""

from __future__ import annotations

from medvlm.contract import Refusal, StudyContext
from medvlm.imaging.images import RadiographTags

VALIDATED_FOR = "the model was validated for frontal chest radiographs of adults only"

PROJECTION = frozenset({"", "CR", "DX", "DR", "RG", "SC", "OT", "XC_SCAN"})
"""Modalities (PS3.3 C.7.3.1.1.1) under which frontal chest radiographs are found in archives."""

CHEST_WORDS = ("CHEST", "THORAX", "LUNG", "THORAC")
"""Body Part Examined (PS3.16 Annex L) of a chest film."""

LATERAL_VIEWS = frozenset({"LL", "RL", "LATERAL", "LLD", "RLD", "RLO", "LLO", "RAO", "LAO", "RPO", "LPO"})
"""View Position (PS3.3 C.8.11.7, C.8.1.1) that is not frontal."""

ADULT_YEARS = 18.0


def refused_by_tags(tags: RadiographTags, context: StudyContext, colour: bool) -> Refusal | None:
    """A refusal when the header says that this is no frontal chest radiograph of an adult."""
    return (
        _modality(tags.modality.upper(), colour)
        or _body_part(tags.body_part.upper())
        or _view(tags.view_position.upper())
        or _age(age_years(tags, context))
    )


def age_years(tags: RadiographTags, context: StudyContext) -> float | None:
    """The age that the request names, else the header's."""
    return context.age_years if context.age_years is not None else tags.age_years


def _modality(modality: str, colour: bool) -> Refusal | None:
    if modality not in PROJECTION:
        return Refusal(code="unsupported_modality", reason=f"{modality[:16]}: {VALIDATED_FOR}")
    if colour:
        return Refusal(code="not_frontal_chest_radiograph", reason=f"A colour picture: {VALIDATED_FOR}")
    return None


def _body_part(part: str) -> Refusal | None:
    if not part or any(word in part for word in CHEST_WORDS):
        return None
    return Refusal(code="not_frontal_chest_radiograph", reason=f"Body part {part[:32]}: {VALIDATED_FOR}")


def _view(view: str) -> Refusal | None:
    if view not in LATERAL_VIEWS:
        return None
    return Refusal(code="not_frontal_chest_radiograph", reason=f"View position {view}: {VALIDATED_FOR}")


def _age(years: float | None) -> Refusal | None:
    if years is None or years >= ADULT_YEARS:
        return None
    return Refusal(code="outside_population", reason=f"The patient is under {ADULT_YEARS:.0f}: {VALIDATED_FOR}")
