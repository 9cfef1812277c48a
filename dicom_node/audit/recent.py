"""What was noted not long ago, so that a hundred frames of one study are one message."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

# Forgetting early writes a message twice: more than needed, never less.
KEPT_AT_MOST: Final = 10_000


class Recent:
    """Thread-safe; of one process. Times in seconds, from the caller."""

    def __init__(self) -> None:
        self._noted: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = threading.Lock()

    def claim(self, key: Hashable, now: float, seconds: float) -> bool:
        """True for the first within so many seconds, who then tells; `release` when that failed."""
        with self._lock:
            noted = self._noted.get(key)
            if noted is not None and 0 <= now - noted < seconds:
                return False
            self._noted[key] = now
            self._noted.move_to_end(key)
            while len(self._noted) > KEPT_AT_MOST:
                self._noted.popitem(last=False)
            return True

    def release(self, key: Hashable) -> None:
        with self._lock:
            self._noted.pop(key, None)
