"""Pieces of a prompt as chat messages: no control tokens, the server's own chat template writes those.

The messages of one study are equal byte for byte up to the question, which comes last: servers find what they have
encoded by comparing.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from medvlm.engine.openai_wire import Messages
from medvlm.families.pictures import Prepared
from medvlm.families.profile import Control, Family, Picture, Pieces, Untrusted
from medvlm.safeguards.untrusted_text import neutralised


def data_url(picture: Prepared) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.png).decode("ascii")


def messages(family: Family, prefix: Pieces, turn: Pieces, images: Sequence[str]) -> Messages:
    """`images` are data URLs by number. Text of a header or a user is neutralised (see `untrusted_text`)."""
    content = [*_content(family, prefix, images), *_content(family, turn, images)]
    said: Messages = [{"role": "user", "content": content}]
    return [{"role": "system", "content": family.system}, *said] if family.system else said


def _content(family: Family, pieces: Pieces, images: Sequence[str]) -> list[dict[str, Any]]:
    """Neighbouring words are one part; an image is a part of its own."""
    parts: list[dict[str, Any]] = []
    for piece in pieces:
        if isinstance(piece, Control):
            continue
        if isinstance(piece, Picture):
            parts.append({"type": "image_url", "image_url": {"url": images[piece.index]}})
            continue
        text = neutralised(piece.text, family.control_markers) if isinstance(piece, Untrusted) else piece.text
        if parts and parts[-1]["type"] == "text":
            parts[-1]["text"] += text
        else:
            parts.append({"type": "text", "text": text})
    return [part for part in parts if part["type"] != "text" or part["text"].strip()]
