"""Is this study one that the model was validated for? The cheapest reason first; the first refusal stands.

Order: tags, grey values, the encoder's features.
"""

from __future__ import annotations

from medvlm.contract import InScope, Refusal, Scope, StudyContext, StudyInput, View, Warning
from medvlm.imaging.images import ModelFrame, Radiograph, StudyImages
from medvlm.safeguards.scope_pixels import refused_by_pixels
from medvlm.safeguards.scope_tags import VALIDATED_FOR, refused_by_tags

_FRONTAL: dict[str, View] = {"PA": "PA", "AP": "AP"}


def refused_before_encoding(radiograph: Radiograph, frame: ModelFrame, context: StudyContext) -> Refusal | None:
    return refused_by_tags(radiograph.tags, context, radiograph.colour) or refused_by_pixels(
        frame.pixels, (radiograph.pixels.shape[0], radiograph.pixels.shape[1])
    )


def refused_without_radiograph(study: StudyInput, images: StudyImages) -> Refusal:
    """Why a study without any single frame to look at is not read."""
    if images.volumes:
        kind = images.volumes[0].modality[:16] or "A volume"
        return Refusal(code="unsupported_modality", reason=f"{kind}: {VALIDATED_FOR}")
    if images.unread:
        return images.unread[0].refusal
    number = len(study.images)
    return Refusal(code="no_image", reason=f"None of the study's {number} objects is an image")


def judged_view(tag: str, seen: View) -> tuple[Scope, tuple[Warning, ...]]:
    """The view that tags and image agree on; "unknown" with a warning where they do not."""
    said = _FRONTAL.get(tag.upper(), "unknown")
    if "unknown" in (said, seen) or said == seen:
        return InScope(view=seen if said == "unknown" else said), ()
    words = f"The header says {said}, the image looks like {seen}: the view is left open."
    return InScope(view="unknown"), (Warning(code="view_disagrees", words=words),)
