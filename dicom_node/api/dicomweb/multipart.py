"""multipart/related bodies, written (RFC 2387, PS3.18 section 8.6.1.2)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi.responses import Response, StreamingResponse

CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Part:
    """One part: its headers' values and its bytes, in memory or as a whole file."""

    content_type: str
    content: bytes | Path
    location: str = ""

    @property
    def size(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    def pieces(self) -> Iterator[bytes]:
        if isinstance(self.content, bytes):
            yield self.content
            return
        with self.content.open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece


def multipart(parts: Sequence[Part], media_type: str) -> Response:
    """A whole body whose parts are in memory: one write to the socket."""
    boundary = secrets.token_hex(16)
    body = b"".join(piece for part in parts for piece in (_head(part, boundary), *part.pieces(), b"\r\n"))
    return Response(body + _end(boundary), media_type=_content_type(media_type, boundary))


def multipart_stream(parts: Iterable[Part], media_type: str) -> StreamingResponse:
    """Parts as they are made: never more than one in memory."""
    boundary = secrets.token_hex(16)

    def body() -> Iterator[bytes]:
        for part in parts:
            yield _head(part, boundary)
            yield from part.pieces()
            yield b"\r\n"
        yield _end(boundary)

    return StreamingResponse(body(), media_type=_content_type(media_type, boundary))


def _content_type(media_type: str, boundary: str) -> str:
    return f'multipart/related; type="{media_type}"; boundary={boundary}'


def _head(part: Part, boundary: str) -> bytes:
    lines = [f"--{boundary}", f"Content-Type: {part.content_type}", f"Content-Length: {part.size}"]
    if part.location:
        lines.append(f"Content-Location: {part.location}")
    return "\r\n".join([*lines, "", ""]).encode()


def _end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()
