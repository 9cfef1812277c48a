"""Text from a header or a user, as data: whatever it says, it cannot become a control token or a turn of its own.

Two ways out. To a model of ours it goes as ids of a second tokenizer that knows no control token, checked on every
prompt. To a server, which takes text only, it goes with every marker written as harmless words. It is normalised
first, for a tokenizer that folds look-alikes (NFKC) would turn them back into the marker.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Protocol

from tokenizers import Tokenizer

from medvlm.errors import BadModelFolder

LONGEST = 2000
"""Characters of one text; a header's longest field (PS3.5 6.2, UT aside) has 10,240."""
_MARKUP = re.compile(r"<[|/]*[^\s<>|]{1,64}[|/]*>")
_ROLES = re.compile(r"\b(user|assistant|system|model|human|bot)\s*:", re.IGNORECASE)
"""Families without control tokens tell turns by such words: "USER: … ASSISTANT:"."""


class FullTokenizer(Protocol):
    """What is needed of a `PreTrainedTokenizerFast`."""

    @property
    def backend_tokenizer(self) -> Tokenizer: ...

    @property
    def added_tokens_decoder(self) -> dict[int, object]: ...


def plain(text: str) -> str:
    """One line of visible characters, at most `LONGEST`, in compatibility form, with no role's name before a colon."""
    folded = unicodedata.normalize("NFKC", text)
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in folded if _is_shown(c))
    return _ROLES.sub(r"\1 -", " ".join(visible.split()))[:LONGEST]


def _is_shown(character: str) -> bool:
    """Format characters (zero width, direction) and halves of surrogate pairs hide what a marker is."""
    return unicodedata.category(character) not in ("Cf", "Cs")


def neutralised(text: str, markers: Iterable[str]) -> str:
    """`text` for a prompt that is one string: no marker is left in it, in any case or spelling.

    `<start_of_turn>` becomes `[start_of_turn]`; so does anything in angle brackets, known or not.
    """
    words, before = plain(text), ""
    while words != before:  # what stood around a marker may be one itself
        words, before = _MARKUP.sub(lambda found: f"[{found[0].strip('<>|/')}]", words), words
    for marker in sorted(markers, key=len, reverse=True):
        words = re.sub(re.escape(marker), f"({marker.strip('<>|/[]')})", words, flags=re.IGNORECASE)
    if any(marker.lower() in words.lower() for marker in markers):
        words = re.sub(r"[<>|\[\]]", " ", words)  # markers within markers: what is left is words alone
    return words


class BareTokenizer:
    """The model's tokenizer without its added tokens. Raises `BadModelFolder` where it is of another kind."""

    def __init__(self, tokenizer: FullTokenizer, markers: Iterable[str]) -> None:
        try:
            described = json.loads(tokenizer.backend_tokenizer.to_str())
        except AttributeError as error:
            way_out = "Save the tokenizer with a tokenizer.json."
            raise BadModelFolder("the tokenizer cannot be taken apart", way_out=way_out) from error
        described["added_tokens"], described["post_processor"] = [], None
        self._bare = Tokenizer.from_str(json.dumps(described))
        self._markers = tuple(markers)
        self.control_ids = _control_ids(tokenizer, self._markers)

    def ids(self, text: str) -> list[int]:
        """Ids of untrusted text, with no control id among them; raises `BadModelFolder` rather than give one."""
        for words in (plain(text), neutralised(text, self._markers)):
            ids: list[int] = self._bare.encode(words, add_special_tokens=False).ids
            if not self.control_ids.intersection(ids):
                return ids
        raise BadModelFolder(
            "this tokenizer makes control tokens of plain text", way_out="Use the model behind a server of its own."
        )

    def single(self, text: str) -> int | None:
        """The one ordinary token that `text` is, taken as it is; None where it is several or a control token."""
        ids: list[int] = self._bare.encode(text, add_special_tokens=False).ids
        return ids[0] if len(ids) == 1 and ids[0] not in self.control_ids else None


def _control_ids(tokenizer: FullTokenizer, markers: Iterable[str]) -> frozenset[int]:
    """Added tokens and the family's markers. Runs of white space are added tokens too in some families, not control.

    `all_special_ids` is no such list: it lacks tokens that were added by name (transformers 5.23).
    """
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if str(token).strip(" \t\r\n\u2581")}
    named = {tokenizer.backend_tokenizer.token_to_id(marker) for marker in markers}
    return frozenset(added | {number for number in named if number is not None})
