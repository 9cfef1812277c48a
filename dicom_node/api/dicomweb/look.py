"""The query parameters of rendered resources (PS3.18 section 8.3.5), read and checked."""

from __future__ import annotations

import re
from typing import Final

from fastapi import HTTPException, Request

from dicom_node.api.dicomweb.media import JPEG, PNG, require
from dicom_node.api.dicomweb.rendering import Look, Window

LARGEST_VIEWPORT: Final = 8192
THUMBNAIL: Final = 128
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?(?:[eE]-?[0-9]{1,2})?")


def rendered(request: Request) -> Look:
    """Raises HTTPException 400 for a parameter that is none, 406 for another media type."""
    parameters = request.query_params
    viewport, region = _viewport(parameters.get("viewport"))
    return Look(
        media_type="image/png" if require(request, JPEG, PNG) == PNG else "image/jpeg",
        window=_window(parameters.get("window")),
        viewport=viewport,
        region=region,
        quality=_quality(parameters.get("quality")),
    )


def thumbnail(request: Request) -> Look:
    """As `rendered`, small where no viewport is asked for."""
    look = rendered(request)
    return look.model_copy(update={"viewport": look.viewport or (THUMBNAIL, THUMBNAIL)})


def _window(text: str | None) -> Window | None:
    if text is None:
        return None
    center, width, *shape = _parts(text)
    if len(shape) > 1 or not (_NUMBER.fullmatch(center) and _NUMBER.fullmatch(width)) or float(width) <= 0:
        raise _bad("window", "center,width[,linear|linear-exact|sigmoid]")
    match shape or ["linear"]:
        case [("linear" | "linear-exact" | "sigmoid") as function]:
            return Window(center=float(center), width=float(width), shape=function)
    raise _bad("window", "center,width[,linear|linear-exact|sigmoid]")


def _viewport(text: str | None) -> tuple[tuple[int, int] | None, tuple[int, int, int, int] | None]:
    if text is None:
        return None, None
    width, height, *rest = _parts(text)
    values = [width, height, *rest]
    if len(rest) not in (0, 4) or not all(re.fullmatch(r"[0-9]{1,5}", value) for value in values):
        raise _bad("viewport", "width,height[,x,y,width,height]")
    size = int(width), int(height)
    if not all(1 <= side <= LARGEST_VIEWPORT for side in size):
        raise _bad("viewport", f"sides from 1 to {LARGEST_VIEWPORT}")
    if not rest:
        return size, None
    x, y, across, down = (int(value) for value in rest)
    if not (across and down):
        raise _bad("viewport", "a region with an area")
    return size, (x, y, across, down)


def _quality(text: str | None) -> int:
    if text is None:
        return 90
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise _bad("quality", "a whole number from 1 to 100")
    return int(text)


def _parts(text: str) -> list[str]:
    """At least two."""
    return [*text.split(","), "", ""][: max(2, text.count(",") + 1)]


def _bad(name: str, wanted: str) -> HTTPException:
    return HTTPException(400, f"{name} needs {wanted}.")
