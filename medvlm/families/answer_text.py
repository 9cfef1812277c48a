"""What of an answer is shown: without a train of thought and without the family's control markers, as it comes in."""

from __future__ import annotations

import re

from medvlm.families.profile import Family

_BOX_MARKUP = frozenset({"<obj>", "</obj>", "<box>", "</box>", "<|ref|>", "<|/ref|>", "<|box|>", "<|/box|>"})


class AnswerText:
    """Pieces of an answer in, what may be shown of each out. `whole` keeps the markup of boxes, for `read_located`."""

    def __init__(self, family: Family) -> None:
        self._thinking = family.thinking
        self._markers = sorted({*family.control_markers, *family.stop_tokens} - _BOX_MARKUP, key=len, reverse=True)
        self._held = {*self._markers, *(family.thinking or ())}
        self._raw = ""
        self._shown = 0

    def feed(self, text: str) -> str:
        """What this piece adds to the shown answer; the beginning of a marker waits for its end."""
        self._raw += text
        visible = self._visible(self._raw[: len(self._raw) - self._waiting()])
        new, self._shown = visible[self._shown :], max(self._shown, len(visible))
        return new

    def rest(self) -> str:
        """What was held back, once the answer has ended."""
        visible = self._visible(self._raw)
        new, self._shown = visible[self._shown :], len(visible)
        return new

    @property
    def whole(self) -> str:
        return self._visible(self._raw).strip()

    def _visible(self, raw: str) -> str:
        if self._thinking:
            begin, end = map(re.escape, self._thinking)
            raw = re.sub(f"{begin}.*?(?:{end}|$)", "", raw, flags=re.DOTALL)
        if not self._markers:
            return raw
        return re.sub("|".join(map(re.escape, self._markers)), "", raw).lstrip()

    def _waiting(self) -> int:
        """Characters at the end that may be the beginning of a marker."""
        longest = max(map(len, self._held), default=0)
        for length in range(min(longest, len(self._raw)), 0, -1):
            if any(marker.startswith(self._raw[-length:]) and len(marker) > length for marker in self._held):
                return length
        return 0
