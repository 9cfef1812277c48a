"""A model behind an OpenAI-compatible server, as `medvlm.contract.Model`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from medvlm.contract import FindingName, ModelIdentity, Refusal, StudyInput
from medvlm.engine.bound_calibration import calibration_for
from medvlm.engine.calibration import Calibration
from medvlm.engine.openai_session import OpenAISession
from medvlm.engine.openai_wire import OpenAIServer, ServerSettings
from medvlm.engine.study_pictures import ImageLoader, StudyPictures, study_pictures
from medvlm.errors import BadModelFolder
from medvlm.families.profile import Family
from medvlm.families.registry import family_named
from medvlm.imaging.decode import Decoder
from medvlm.imaging.model_frame import to_model_frame
from medvlm.imaging.study import load_study
from medvlm.safeguards.scope import refused_before_encoding

UNVERIFIED = "unverified"
_FRAME = 128
"""Side of the frame in which a film's grey values are judged, as for the embedded model."""


class OpenAIModel:
    """`medvlm.contract.Model`; a context manager. Without a calibration it was validated for nothing: it answers
    questions in its own words, with a warning, and drafts no finding."""

    def __init__(
        self,
        server: OpenAIServer,
        family: Family,
        calibration: Calibration | None,
        load: ImageLoader,
        clock: Callable[[], datetime],
    ) -> None:
        self.server = server
        self.family = family
        self.calibration = calibration
        self._load = load
        self._clock = clock
        self._blank: dict[str, float] = {}

    @property
    def identity(self) -> ModelIdentity:
        """The server's name for the model is its version: the protocol tells no more."""
        identity = _identity(self.server.settings, self.family)
        return identity.model_copy(update={"calibration": self.calibration.name if self.calibration else ""})

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        return self.calibration.assessed if self.calibration else ()

    def open(self, study: StudyInput) -> OpenAISession:
        """Raises `OutsideArchive` for a reference that may not be read. Bad images are refusals, not errors."""
        seen = study_pictures(study, self.family, self._load)
        if self.calibration and (refusal := _outside(seen, study)) is not None:
            seen = StudyPictures(seen.parts, (), (), refusal, seen.warnings)
        return OpenAISession(
            study=study,
            seen=seen,
            family=self.family,
            server=self.server,
            calibration=self.calibration,
            blank=self._blank,
            identity=self.identity,
            clock=self._clock,
        )

    def close(self) -> None:
        self.server.close()

    def __enter__(self) -> OpenAIModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _identity(settings: ServerSettings, family: Family) -> ModelIdentity:
    return ModelIdentity(
        name=family.name,
        version=settings.model,
        weights_digest=settings.weights_digest or UNVERIFIED,
        profile=f"{family.name}-openai",
    )


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


def connect(
    settings: ServerSettings,
    archive_root: Path | None,
    calibration: Calibration | None = None,
    clock: Callable[[], datetime] = _now,
    decoder: Decoder | None = None,
) -> OpenAIModel:
    """A model on the server of `settings`; images below `archive_root` only (None: any). Sends nothing yet."""
    return OpenAIModel(
        server=OpenAIServer(settings),
        family=family_named(settings.family),
        calibration=calibration,
        load=lambda study: load_study(study, archive_root, decoder),
        clock=clock,
    )


def connect_file(path: Path, archive_root: Path | None, decoder: Decoder | None = None) -> OpenAIModel:
    """The server that a TOML file tells of (keys: `ServerSettings`), with the calibration.json beside the file.

    Raises `BadModelFolder` when the file cannot be read, or a calibration lies beside it and the file does not state
    the digest of the weights that it was made for.
    """
    try:
        settings = ServerSettings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        wrong = ", ".join(str(one["loc"][0]) for one in error.errors()) if isinstance(error, ValidationError) else ""
        way_out = 'It needs url = "http://…/v1", model = "…" and family = "…" (see `medvlm models`).'
        raise BadModelFolder(
            f"no model server is described ({wrong or 'no TOML'})", where=str(path), way_out=way_out
        ) from None
    calibration = calibration_for(_identity(settings, family_named(settings.family)), path.parent)
    if calibration is not None and not settings.weights_digest:
        way_out = "State weights_digest in the file, or take the calibration away to work without findings."
        raise BadModelFolder("a calibration needs to know its weights", where=str(path), way_out=way_out)
    return connect(settings, archive_root, calibration, decoder=decoder)
