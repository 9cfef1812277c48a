"""Studies in, images that a model can be shown out.

In: `StudyInput`, references to DICOM, PNG, JPEG or WebP files under one root.
Out: `Radiograph` and `Volume` with geometry, what could not be read and why, and model frames with the way back.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medvlm.imaging.decode import DecodeLimits, Decoder
    from medvlm.imaging.images import ModelFrame, Radiograph, RadiographTags, StudyImages, Unread, Volume
    from medvlm.imaging.model_frame import box_to_source, to_model_frame
    from medvlm.imaging.model_volume import ModelVolume, to_model_volume
    from medvlm.imaging.preview import preview_png
    from medvlm.imaging.study import load_study

_HOMES = {
    "DecodeLimits": "decode",
    "Decoder": "decode",
    "ModelFrame": "images",
    "ModelVolume": "model_volume",
    "Radiograph": "images",
    "RadiographTags": "images",
    "StudyImages": "images",
    "Unread": "images",
    "Volume": "images",
    "box_to_source": "model_frame",
    "load_study": "study",
    "preview_png": "preview",
    "to_model_frame": "model_frame",
    "to_model_volume": "model_volume",
}

__all__ = [
    "DecodeLimits",
    "Decoder",
    "ModelFrame",
    "ModelVolume",
    "Radiograph",
    "RadiographTags",
    "StudyImages",
    "Unread",
    "Volume",
    "box_to_source",
    "load_study",
    "preview_png",
    "to_model_frame",
    "to_model_volume",
]


def __getattr__(name: str) -> object:
    # Lazy (PEP 562): the decoder process is a module of this package and must start in a fraction of a second.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
