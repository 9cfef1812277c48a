"""How many cases each probe is put to, and how far each alteration goes: part of a protocol, fixed before results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Levels = tuple[float, ...]

LEVELS: Mapping[str, Levels] = {
    "polarity": (1,),
    "rotation": (2, 5, 10, 90),
    "mirror": (1,),
    "crop": (2, 10),
    "noise": (0.01, 0.05),
    "counting": (200, 20),
    "blur": (0.5, 1.5),
    "jpeg": (75, 20),
    "window": (-0.3, 0.3),
    "resolution": (96,),
    "cover_markers": (15,),
    "tag_polarity_wrong": (1,),
    "tag_window_missing": (1,),
    "tag_window_wrong": (1,),
    "tag_body_part_missing": (1,),
    "tag_body_part_wrong": (1,),
    "tag_view_missing": (1,),
    "tag_view_wrong": (1,),
}
MUST_WORK: Mapping[str, Levels] = {
    "rotation": (2, 5),
    "crop": (2,),
    "noise": (0.01,),
    "counting": (200,),
    "jpeg": (75,),
    "cover_markers": (15,),
}


class Probing(BaseModel):
    """`cases` bounds each probe; `levels` by alteration; `must_work` are those at which figures may not fall."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cases: Annotated[int, Field(ge=1)] = 120
    robustness_cases: Annotated[int, Field(ge=1)] = 60
    levels: Mapping[str, Levels] = LEVELS
    must_work: Mapping[str, Levels] = MUST_WORK
