"""The embedded model behind the contract: opens a study, judges its scope and encodes the film that it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from medvlm.contract import (
    FindingName,
    ImageSource,
    ModelIdentity,
    Refusal,
    Scope,
    StudyContext,
    StudyInput,
    View,
    Warning,
)
from medvlm.embedded import WEIGHTS
from medvlm.engine.calibration import Calibration, load_calibration
from medvlm.engine.embedded_session import EmbeddedSession, Film, Locate
from medvlm.engine.network import WEIGHTS_FILE, Encoded, Network, load_network
from medvlm.engine.place import Place
from medvlm.engine.pointing import Pointer, load_pointer
from medvlm.engine.questionnaire import mean_log_odds
from medvlm.families.embedded import VIEW_ANSWERS, VIEW_QUESTION
from medvlm.imaging.decode import Decoder
from medvlm.imaging.images import Radiograph, StudyImages
from medvlm.imaging.model_frame import to_model_frame
from medvlm.imaging.study import load_study
from medvlm.safeguards.burned_in.film_warnings import FilmWarnings
from medvlm.safeguards.scope import judged_view, refused_before_encoding, refused_without_radiograph
from medvlm.safeguards.scope_head import ScopeHead, load_scope_head
from medvlm.safeguards.scope_tags import age_years

NAME = "medvlm-embedded"

ImageLoader = Callable[[StudyInput], StudyImages]
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Judged:
    """One image of a study: what was decided about it, and its encoding where it is in scope."""

    source: ImageSource
    scope: Scope
    warnings: tuple[Warning, ...] = ()
    encoded: Encoded | None = None
    locate: Locate | None = None
    written: Callable[[], tuple[Warning, ...]] = tuple


class EmbeddedModel:
    """`medvlm.contract.Model` over a `Network`. Safe to call from several threads."""

    def __init__(
        self,
        network: Network,
        calibration: Calibration,
        scope_head: ScopeHead,
        pointer: Pointer,
        written: Callable[[Radiograph], tuple[Warning, ...]],
        profile: str,
        load: ImageLoader,
        clock: Clock,
    ) -> None:
        """`written` reads what is burned into a film; `profile` names the heads beside the network, each part of it."""
        self.network = network
        self.calibration = calibration
        self.scope_head = scope_head
        self.pointer = pointer
        self.blank = mean_log_odds(network, network.blank().prefix, calibration, tuple(calibration.findings))
        self._written = written
        self._profile = profile
        self._load = load
        self._clock = clock

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(
            name=NAME,
            version=_package_version(),
            weights_digest=self.network.weights_digest,
            profile=self._profile,
            calibration=self.calibration.name,
        )

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        return self.calibration.assessed

    def open(self, study: StudyInput) -> EmbeddedSession:
        """Reads the first frontal chest radiograph of the study; the rest is named in the warnings.

        Raises `OutsideArchive` for a reference that may not be read. Bad images are refusals, not errors.
        """
        if not study.images:
            return self._session(study, Film(Refusal(code="no_image", reason="The study has no images"), (), (), None))
        images = self._load(study)
        if not images.radiographs:
            of_volumes = (warning for volume in images.volumes for warning in volume.warnings)
            refusal = refused_without_radiograph(study, images)
            return self._session(study, Film(refusal, (), (*images.warnings, *of_volumes), None))
        return self._session(study, self._film(study, images))

    def _film(self, study: StudyInput, images: StudyImages) -> Film:
        judged: list[Judged] = []
        for radiograph in images.radiographs:
            judged.append(self.judge(radiograph, study.context))
            if judged[-1].encoded is not None:
                break
        read = judged[-1] if judged[-1].encoded is not None else judged[0]
        warnings = (*images.warnings, *read.warnings, *_not_read(study, images, judged))
        sources = (read.source,) if read.encoded is not None else ()
        return Film(read.scope, sources, warnings, read.encoded, read.locate, read.written)

    def judge(self, radiograph: Radiograph, context: StudyContext) -> Judged:
        """Scope of one image; an image in scope comes back encoded."""
        frame = to_model_frame(radiograph, self.network.image_size)
        if (refusal := refused_before_encoding(radiograph, frame, context)) is not None:
            return Judged(radiograph.source, refusal, radiograph.warnings)
        encoded = self.network.encode(frame.pixels)
        known_adult = age_years(radiograph.tags, context) is not None  # a known child was refused by its tags
        if (refusal := self.scope_head.refuse(encoded.features, known_adult)) is not None:
            return Judged(radiograph.source, refusal, radiograph.warnings)
        said = radiograph.tags.view_position or context.view
        scope, warnings = judged_view(said, self.seen_view(encoded))
        return Judged(
            radiograph.source,
            scope,
            (*radiograph.warnings, *warnings),
            encoded,
            Place(self.network, self.pointer, frame, radiograph).box,
            partial(self._written, radiograph),
        )

    def seen_view(self, encoded: Encoded) -> View:
        """PA or AP as the network sees it, "unknown" within the margin that calibration set."""
        pa, ap = self.network.choose(encoded.prefix, VIEW_QUESTION, VIEW_ANSWERS)
        if abs(pa - ap) < self.calibration.view_margin:
            return "unknown"
        return "PA" if pa > ap else "AP"

    def _session(self, study: StudyInput, film: Film) -> EmbeddedSession:
        return EmbeddedSession(
            study=study,
            film=film,
            network=self.network,
            calibration=self.calibration,
            blank=self.blank,
            identity=self.identity,
            clock=self._clock,
        )


def _not_read(study: StudyInput, images: StudyImages, judged: list[Judged]) -> tuple[Warning, ...]:
    """One warning for each image that was handed over and that the reading does not rest on."""
    number = len(study.images)
    refused = [(item.source, item.scope) for item in judged if isinstance(item.scope, Refusal)][:number]
    if all(item.encoded is None for item in judged):
        refused = refused[1:]  # the first is the study's own refusal
    reasons = [(source, scope.reason) for source, scope in refused]
    reasons += [(item.source, item.refusal.reason) for item in images.unread]
    reasons += [(item.source, "one film is read a study") for item in images.radiographs[len(judged) :]]
    reasons += [(volume.sources[0], "a volume") for volume in images.volumes if volume.sources]
    return tuple(
        Warning(code="image_not_read", words=f"Image {_place(study, source)} of {number} was not read: {reason}.")
        for source, reason in reasons
    )


def _place(study: StudyInput, source: ImageSource) -> int:
    """Where the image stands in the study, from 1."""
    uris = [image.uri for image in study.images]
    return uris.index(source.uri) + 1 if source.uri in uris else 0


def heads_profile(weights: Path) -> str:
    """A name that changes with any of the small files of weights beside the network's."""
    files = sorted(path for path in weights.glob("*.safetensors") if path.name != WEIGHTS_FILE)
    digest = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files))
    return f"heads-{digest.hexdigest()[:12]}"


def _package_version() -> str:
    try:
        return version("medvlm")
    except PackageNotFoundError:
        return "0"


def _now() -> datetime:
    # With the local offset: reports show local time beside the study's (PS3.3 C.12.1, Timezone Offset From UTC).
    return datetime.now().astimezone()


def load_embedded(
    archive_root: Path | None,
    weights: Path = WEIGHTS,
    clock: Clock = _now,
    threads: int = 0,
    decoder: Decoder | None = None,
) -> EmbeddedModel:
    """The embedded model, which reads images below `archive_root` only (None: any, for a command line).

    `threads` > 0 sets how many cores torch takes, for the whole process; 0 leaves torch's own choice.
    Without a `decoder` each study starts one of its own. Raises `BadModelFolder` when `weights` is incomplete.
    """
    if threads > 0:
        torch.set_num_threads(threads)
    return EmbeddedModel(
        network=load_network(weights),
        calibration=load_calibration(weights),
        scope_head=load_scope_head(weights),
        pointer=load_pointer(weights),
        written=FilmWarnings(weights),
        profile=heads_profile(weights),
        load=lambda study: load_study(study, archive_root, decoder),
        clock=clock,
    )
