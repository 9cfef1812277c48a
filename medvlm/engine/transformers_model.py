"""Any open image-text-to-text model in a local folder, as `medvlm.contract.Model`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from medvlm.contract import FindingName, ModelIdentity, Refusal, StudyInput
from medvlm.engine.bound_calibration import calibration_for
from medvlm.engine.generation import AnswerLimits, Seconds
from medvlm.engine.load_settings import LoadSettings
from medvlm.engine.model_folder import LoadedFolder, load_folder
from medvlm.engine.prompt_ids import PromptIds
from medvlm.engine.study_encoding import Engine
from medvlm.engine.study_pictures import ImageLoader, StudyPictures, study_pictures
from medvlm.engine.transformers_session import Speaker, TransformersSession
from medvlm.engine.vision_language import VisionLanguage
from medvlm.errors import BadModelFolder
from medvlm.imaging.decode import Decoder
from medvlm.imaging.model_frame import to_model_frame
from medvlm.imaging.study import load_study
from medvlm.safeguards.scope import refused_before_encoding

_FRAME = 128
"""Side of the frame in which a film's grey values are judged, as for the embedded model."""


class TransformersModel:
    """One set of weights under one adapter (or none). Models of one folder share weights, encoder and lock."""

    def __init__(self, speaker: Speaker, load: ImageLoader) -> None:
        self.speaker = speaker
        self._load = load

    @property
    def identity(self) -> ModelIdentity:
        return self.speaker.identity

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        """What the calibration beside exactly these weights and this adapter says; nothing without one."""
        return self.speaker.calibration.assessed if self.speaker.calibration else ()

    def open(self, study: StudyInput) -> TransformersSession:
        """Raises `OutsideArchive` for a reference that may not be read. Bad images are refusals, not errors."""
        seen = study_pictures(study, self.speaker.engine.family, self._load)
        if self.speaker.calibration and (refusal := _outside(seen, study)) is not None:
            seen = StudyPictures(seen.parts, (), (), refusal, seen.warnings)
        return TransformersSession(study, seen, self.speaker)


def _outside(seen: StudyPictures, study: StudyInput) -> Refusal | None:
    """Why a calibration made on films says nothing of this study."""
    if isinstance(seen.scope, Refusal):
        return None
    if not seen.films:
        return Refusal(code="unsupported_modality", reason="The calibration was made on radiographs, this is a volume")
    return refused_before_encoding(seen.films[0], to_model_frame(seen.films[0], _FRAME), study.context)


def _now() -> datetime:
    # With the local offset, as reports show local time (PS3.3 C.12.1, Timezone Offset From UTC).
    return datetime.now().astimezone()


def load_models(
    folder: Path,
    archive_root: Path | None,
    settings: LoadSettings | None = None,
    limits: AnswerLimits | None = None,
    decoder: Decoder | None = None,
    clock: Callable[[], datetime] = _now,
    seconds: Seconds = time.monotonic,
) -> Mapping[str, TransformersModel]:
    """The model in `folder` by the name of its adapter; "" is without. Images below `archive_root` only (None: any).

    Raises `BadModelFolder` where the folder, an adapter or a calibration does not fit.
    """
    settings = settings or LoadSettings()
    loaded = load_folder(folder, settings)
    engine = _engine(loaded)
    places = {"": folder, **settings.adapters}

    def named(adapter: str, place: Path) -> TransformersModel:
        identity = ModelIdentity(
            name=loaded.family.name,
            version=folder.name,
            weights_digest=loaded.weights_digest,
            adapter_digest=loaded.adapter_digests.get(adapter, ""),
            profile=loaded.family.name,
        )
        calibration = calibration_for(identity, place)
        identity = identity.model_copy(update={"calibration": calibration.name if calibration else ""})
        speaker = Speaker(engine, adapter, calibration, identity, limits or AnswerLimits(), clock, seconds)
        return TransformersModel(speaker, lambda study: load_study(study, archive_root, decoder))

    return {adapter: named(adapter, place) for adapter, place in places.items()}


def _engine(loaded: LoadedFolder) -> Engine:
    ids = PromptIds(loaded.tokenizer, loaded.family)
    config = loaded.model.config
    expected = getattr(config, "image_token_id", None) or getattr(config, "image_token_index", None)
    if expected is not None and expected != ids.image_token:
        what = f"the tokenizer's image token is {ids.image_token}, the model's is {expected}"
        raise BadModelFolder(what, way_out="Take the tokenizer that was saved with these weights.")
    vlm = VisionLanguage(loaded.model, ids.image_token, loaded.adapt)
    return Engine(vlm, ids, loaded.family, loaded.process)
