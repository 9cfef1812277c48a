"""A model ready to be asked: weights loaded, one decoder kept, encoded studies warm."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from medvlm.contract import FindingName, ImageSource, ModelIdentity, StudyInput, StudySession
from medvlm.embedded import WEIGHTS
from medvlm.engine.embedded_model import load_embedded
from medvlm.engine.sessions import SessionStore
from medvlm.imaging import Decoder, preview_png

SESSION_BYTES = 256 << 20


class ReadyModel:
    """`medvlm.contract.Model`; a context manager, for it owns the decoder's process.

    `archive_root` is the only folder whose images may be read (None: any). `threads` 0 leaves torch's own choice.
    Raises `BadModelFolder` when the folder holds no usable model.
    """

    def __init__(
        self, folder: Path | None, archive_root: Path | None, *, threads: int = 0, session_bytes: int = SESSION_BYTES
    ) -> None:
        self._owned = ExitStack()
        self._root = archive_root
        self._decoder = self._owned.enter_context(Decoder())
        self._model = load_embedded(archive_root, folder or WEIGHTS, threads=threads, decoder=self._decoder)
        self._sessions = SessionStore(self._model, session_bytes)

    @property
    def identity(self) -> ModelIdentity:
        return self._model.identity

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        return self._model.assessed

    def open(self, study: StudyInput) -> StudySession:
        return self._sessions.open(study)

    def preview(self, source: ImageSource) -> bytes:
        """A PNG of one image as displayed. Raises `UnreadableImage`, `OutsideArchive`."""
        return preview_png(source, self._root, self._decoder)

    def __enter__(self) -> ReadyModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owned.close()
