"""Prompts as token ids: our own words by the full tokenizer, untrusted text by one without control tokens."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast

from medvlm.errors import BadModelFolder
from medvlm.families.profile import Control, Family, Pieces, spelled
from medvlm.safeguards.untrusted_text import BareTokenizer


class PromptIds:
    """The tokenizer of a model read by its family's profile.

    Raises `BadModelFolder` when the tokenizer lacks the image token, every stop token, or a one-token yes or no.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, family: Family) -> None:
        self._tokenizer = tokenizer
        self._family = family
        self._bare = BareTokenizer(tokenizer, family.control_markers)
        self.image_token = _needed(self._ids_of((family.picture.token,)), f"image token {family.picture.token!r}")[0]
        self.stops = frozenset(_needed(self._ids_of(family.stop_tokens), "stop token"))
        self.yes = _needed(self._single(family.yes), "one-token yes")
        self.no = _needed(self._single(family.no), "one-token no")

    def _ids_of(self, tokens: Sequence[str]) -> tuple[int, ...]:
        """Ids of control tokens; those that the vocabulary lacks are left out."""
        found = (self._tokenizer.backend_tokenizer.token_to_id(token) for token in tokens)
        return tuple(number for number in found if number is not None)

    def _single(self, spellings: Sequence[str]) -> tuple[int, ...]:
        found = (self._bare.single(spelling) for spelling in spellings)
        return tuple(dict.fromkeys(number for number in found if number is not None))

    def ids(self, pieces: Pieces, features: Sequence[int] = ()) -> tuple[int, ...]:
        """The prompt; `features[i]` is how many tokens image i takes."""
        written = spelled(pieces, self._family.picture, features)
        return tuple(token for piece in written for token in self._piece(piece))

    def _piece(self, piece: object) -> list[int]:
        if isinstance(piece, Control):
            return list(self._tokenizer.encode(piece.text, add_special_tokens=False))
        return self._bare.ids(getattr(piece, "text", ""))

    def text(self, ids: Sequence[int]) -> str:
        """The words of an answer, control tokens written out: the family's profile says what they mean."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _needed(found: tuple[int, ...], what: str) -> tuple[int, ...]:
    if not found:
        way_out = "Take the tokenizer that was saved with these weights, or check that the family is right."
        raise BadModelFolder(f"the tokenizer has no {what}", way_out=way_out)
    return found
