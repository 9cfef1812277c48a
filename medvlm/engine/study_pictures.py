"""A study as a family is shown it: which images, in which roles, what was left out and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from medvlm.contract import ImageSource, InScope, Refusal, Scope, StudyInput, View, Warning
from medvlm.families.pictures import Prepared, prepared
from medvlm.families.profile import Family, PicturePart, Role, StudyParts
from medvlm.families.windows import volume_pictures
from medvlm.imaging.images import Radiograph, StudyImages, Volume

ImageLoader = Callable[[StudyInput], StudyImages]
_LATERAL = frozenset({"LATERAL", "LL", "RL", "LLO", "RLO"})
_VIEWS: dict[str, View] = {"PA": "PA", "AP": "AP"}


@dataclass(frozen=True)
class StudyPictures:
    """`pictures[i]` is image i of `parts`, of `sources[i]`. Without pictures the scope is a refusal."""

    parts: StudyParts
    pictures: tuple[Prepared, ...]
    sources: tuple[ImageSource, ...]
    scope: Scope
    warnings: tuple[Warning, ...]
    films: tuple[Radiograph, ...] = ()
    """Films of the current study among the pictures, for the checks of scope."""


def study_pictures(study: StudyInput, family: Family, load: ImageLoader) -> StudyPictures:
    """Reads the study, and its prior's frontal film. Bad images are refusals; raises `OutsideArchive` only."""
    seen = _seen(study, family, load)
    return replace(seen, warnings=(*_licence(family), *seen.warnings))


def _licence(family: Family) -> tuple[Warning, ...]:
    if not family.research_only:
        return ()
    return (Warning(code="research_only", words=f"{family.title} may be used for research only: {family.licence}."),)


def _seen(study: StudyInput, family: Family, load: ImageLoader) -> StudyPictures:
    images = load(study)
    if images.radiographs:
        return _films(study, family, images, load)
    if images.volumes and family.volumes:
        return _slices(study, family, images)
    return _nothing(_without_images(study, images), images)


def _films(study: StudyInput, family: Family, images: StudyImages, load: ImageLoader) -> StudyPictures:
    prior = load(study.prior).radiographs if study.prior is not None else ()
    roles: list[tuple[Role, Radiograph]] = [(_role(film), film) for film in images.radiographs]
    roles.sort(key=lambda pair: pair[0] == "lateral")  # stable: frontal films first
    roles += [("prior", film) for film in prior if _role(film) != "lateral"][:1]
    shown, left = roles[: family.images.most], roles[family.images.most :]
    warnings = [warning for _, film in shown for warning in film.warnings]
    warnings += [_not_shown(family, role) for role, _ in left]
    return StudyPictures(
        parts=StudyParts(tuple(PicturePart(role) for role, _ in shown), indication=study.context.indication),
        pictures=tuple(prepared(film.pixels, family) for _, film in shown),
        sources=tuple(film.source for _, film in shown),
        scope=InScope(view=_view(shown[0][1], study)),
        warnings=(*images.warnings, *_unread(images), *warnings),
        films=tuple(film for role, film in shown if role != "prior"),
    )


def _slices(study: StudyInput, family: Family, images: StudyImages) -> StudyPictures:
    """The largest volume; its slices count from 1 along it."""
    volume = max(images.volumes, key=lambda one: len(one.pixels))
    chosen = volume_pictures(volume, family.images.most)
    if isinstance(chosen, Refusal):
        return _nothing(chosen, images)
    others = len(images.volumes) - 1
    left = [Warning(code="image_not_read", words=f"{others} further volumes were not shown.")] if others else []
    return StudyPictures(
        parts=StudyParts(
            tuple(PicturePart("slice", number) for number in range(1, len(chosen.pixels) + 1)),
            indication=study.context.indication,
        ),
        pictures=tuple(prepared(pixels, family) for pixels in chosen.pixels),
        sources=tuple(_slice_source(volume, index) for index in chosen.slices),
        scope=InScope(),
        warnings=(*images.warnings, *_unread(images), *volume.warnings, *left),
    )


def _slice_source(volume: Volume, index: int) -> ImageSource:
    return volume.sources[min(index, len(volume.sources) - 1)]


def _nothing(refusal: Refusal, images: StudyImages) -> StudyPictures:
    return StudyPictures(StudyParts(()), (), (), refusal, images.warnings)


def _without_images(study: StudyInput, images: StudyImages) -> Refusal:
    if images.volumes:
        kind = images.volumes[0].modality[:16] or "A volume"
        return Refusal(code="unsupported_modality", reason=f"{kind}: this family of models is shown no volumes")
    if images.unread:
        return images.unread[0].refusal
    return Refusal(code="no_image", reason=f"None of the study's {len(study.images)} objects is an image")


def _role(film: Radiograph) -> Role:
    return "lateral" if film.tags.view_position.upper() in _LATERAL else "frontal"


def _view(film: Radiograph, study: StudyInput) -> View:
    return _VIEWS.get(film.tags.view_position.upper(), study.context.view)


def _not_shown(family: Family, role: Role) -> Warning:
    words = f"A {role} image was not shown: {family.title} takes {family.images.most}."
    return Warning(code="image_not_read", words=words)


def _unread(images: StudyImages) -> tuple[Warning, ...]:
    return tuple(
        Warning(code="image_not_read", words=f"An object was not read: {unread.refusal.reason}.")
        for unread in images.unread
    )
