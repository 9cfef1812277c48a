"""Sessions kept under a byte budget: the least recently used goes first. Eviction changes time, never an answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

from medvlm.contract import FindingName, ModelIdentity, StudyInput, StudySession


class SizedSession(StudySession, Protocol):
    @property
    def nbytes(self) -> int: ...


class SizedModel(Protocol):
    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def assessed(self) -> tuple[FindingName, ...]: ...

    def open(self, study: StudyInput) -> SizedSession: ...


class SessionStore:
    """Opens studies and keeps them by `StudyInput.digest`. Files behind an unchanged input must not change."""

    def __init__(self, model: SizedModel, budget_bytes: int) -> None:
        self._model = model
        self._budget = budget_bytes
        self._kept: OrderedDict[str, SizedSession] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, study: StudyInput) -> SizedSession:
        """The kept session of this study, or a new one. Two callers at once may both encode: same result."""
        key = study.digest
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        session = self._model.open(study)
        with self._lock:
            self._kept[key] = session
            self._kept.move_to_end(key)
            self._evict()
        return session

    @property
    def nbytes(self) -> int:
        with self._lock:
            return self._total()

    def __len__(self) -> int:
        return len(self._kept)

    def _evict(self) -> None:
        while self._kept and self._total() > self._budget:
            self._kept.popitem(last=False)

    def _total(self) -> int:
        return sum(session.nbytes for session in self._kept.values())
