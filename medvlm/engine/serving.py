"""A model ready to be asked: weights loaded, one decoder kept, encoded studies warm."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from medvlm.client import BurnedInText
from medvlm.contract import FindingName, ImageSource, Model, ModelIdentity, StudyInput, StudySession
from medvlm.embedded import WEIGHTS
from medvlm.engine.embedded_model import load_embedded
from medvlm.engine.load_settings import LoadSettings
from medvlm.engine.sessions import SessionStore, SizedModel
from medvlm.families.registry import family_of
from medvlm.imaging import Decoder, preview_png
from medvlm.imaging.locate import locate
from medvlm.imaging.preview import displayed
from medvlm.safeguards.burned_in.header_patient import header_patient
from medvlm.safeguards.burned_in.reading import identity_signs
from medvlm.safeguards.burned_in.text_reader import TextReader, load_text_reader

SESSION_BYTES = 256 << 20


class WarmModel:
    """A model whose encoded studies are kept; `medvlm.contract.Model`."""

    def __init__(self, model: SizedModel, session_bytes: int) -> None:
        self._model = model
        self._sessions = SessionStore(model, session_bytes)

    @property
    def identity(self) -> ModelIdentity:
        return self._model.identity

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        return self._model.assessed

    def open(self, study: StudyInput) -> StudySession:
        return self._sessions.open(study)


class ReadyModel:
    """`medvlm.contract.Model` without an adapter; a context manager, for it owns the decoder's process.

    `archive_root` is the only folder whose images may be read (None: any). `threads` 0 leaves torch's own choice.
    `session_bytes` are shared out evenly among the adapters. Raises `BadModelFolder` when the folder, or an adapter,
    holds no usable model.
    """

    def __init__(
        self,
        folder: Path | None,
        archive_root: Path | None,
        *,
        threads: int = 0,
        session_bytes: int = SESSION_BYTES,
        settings: LoadSettings | None = None,
    ) -> None:
        settings = settings or LoadSettings()
        self._root = archive_root
        self._reader: TextReader | None = None
        self._reading = threading.Lock()
        with ExitStack() as owned:
            self._decoder = owned.enter_context(Decoder())
            models = _loaded(folder or WEIGHTS, archive_root, threads, settings, self._decoder, owned)
            self._owned = owned.pop_all()
        self._models = {name: WarmModel(model, session_bytes // len(models)) for name, model in models.items()}

    @property
    def identity(self) -> ModelIdentity:
        return self._models[""].identity

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        return self._models[""].assessed

    def open(self, study: StudyInput) -> StudySession:
        return self._models[""].open(study)

    @property
    def adapted(self) -> Mapping[str, Model]:
        """The same weights under each adapter."""
        return {name: model for name, model in self._models.items() if name}

    def preview(self, source: ImageSource) -> bytes:
        """A PNG of one image as displayed. Raises `UnreadableImage`, `OutsideArchive`."""
        return preview_png(source, self._root, self._decoder)

    def burned_in(self, source: ImageSource) -> BurnedInText:
        """Signs of a person in the words of one image. Raises as `preview` does, and `BadModelFolder`."""
        with self._reading:
            if self._reader is None:
                self._reader = load_text_reader()
        pixels, known = displayed(source, self._root, self._decoder), header_patient(locate(source.uri, self._root))
        found = identity_signs(pixels, self._reader, known)
        return BurnedInText(signs=tuple(sorted(found)))

    def __enter__(self) -> ReadyModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owned.close()


def _loaded(
    folder: Path, root: Path | None, threads: int, settings: LoadSettings, decoder: Decoder, owned: ExitStack
) -> Mapping[str, SizedModel]:
    """Models by the name of their adapter, "" without one. A file in place of a folder describes a server."""
    if folder.is_file():
        from medvlm.engine.openai_server import connect_file

        return {"": owned.enter_context(connect_file(folder, root, decoder))}
    if family_of(folder).name == "embedded":
        base = load_embedded(root, folder, threads=threads, decoder=decoder)
        return {"": base, **{name: _taught(path, folder, root, decoder) for name, path in settings.adapters.items()}}
    import torch

    from medvlm.engine.transformers_model import load_models

    if threads > 0:
        torch.set_num_threads(threads)
    return load_models(folder, root, settings, decoder=decoder)


def _taught(adapter: Path, folder: Path, root: Path | None, decoder: Decoder) -> SizedModel:
    from medvlm.adapt.apply import load_adapted

    model: SizedModel = load_adapted(root, adapter, folder, decoder=decoder)
    return model
