"""Metadata resources (PS3.18 section 10.4.1.1.2), served from the series' files with the service's address put in."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from dicom_node.archive.series_metadata import ROOT, SeriesMetadata
from dicom_node.archive.served import Served, by_series

KEPT_BYTES: Final = 64 << 20
# Compressing again must not take longer than the network: the file holds the better compression.
LEVEL: Final = 1
# What separates two instances: a line break occurs nowhere else in the file (RFC 8259 section 7).
BETWEEN: Final = b",\n"


class SeriesTexts:
    """Series metadata ready to send, compressed; remembers those asked for lately. Thread-safe."""

    def __init__(self, metadata: SeriesMetadata, kept_bytes: int = KEPT_BYTES) -> None:
        self._metadata = metadata
        self._kept_bytes = kept_bytes
        self._known: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def key(self, instances: Sequence[Served]) -> str:
        return self._metadata.key(instances)

    def compressed(self, instances: Sequence[Served], url: str) -> bytes:
        """A JSON array, compressed with gzip. `url` is the service's address."""
        key = self.key(instances), url
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = gzip.compress(self.text(instances, url), LEVEL, mtime=0)
        if not self._metadata.is_kept(instances):
            return made
        with self._lock:
            self._known[key] = made
            while sum(map(len, self._known.values())) > self._kept_bytes and len(self._known) > 1:
                self._known.popitem(last=False)
        return made

    def text(self, instances: Sequence[Served], url: str) -> bytes:
        return gzip.decompress(self._metadata.json(instances)).replace(ROOT, url.encode())

    def one(self, instances: Sequence[Served], chosen: Served, url: str) -> bytes:
        """The array with one instance of the series."""
        lines = gzip.decompress(self.compressed(instances, url))[1:-1].split(BETWEEN)
        return b"[" + lines[instances.index(chosen)] + b"]"


def series_response(request: Request, texts: SeriesTexts, instances: Sequence[Served], url: str, kind: str) -> Response:
    tag = entity_tag(texts, instances, url)
    if _is_known(request, tag):
        return Response(status_code=304, headers=_headers(tag))
    body = texts.compressed(instances, url)
    if takes_gzip(request):
        return Response(body, media_type=kind, headers=_headers(tag) | {"Content-Encoding": "gzip"})
    return Response(gzip.decompress(body), media_type=kind, headers=_headers(tag))


def instance_response(
    request: Request, texts: SeriesTexts, instances: Sequence[Served], chosen: Served, url: str, kind: str
) -> Response:
    tag = entity_tag(texts, (chosen,), url)
    if _is_known(request, tag):
        return Response(status_code=304, headers=_headers(tag))
    return Response(texts.one(instances, chosen, url), media_type=kind, headers=_headers(tag))


def study_response(request: Request, texts: SeriesTexts, instances: Sequence[Served], url: str, kind: str) -> Response:
    """One series after the other, so that a study of thousands of slices is never in memory as a whole."""
    tag = entity_tag(texts, instances, url)
    if _is_known(request, tag):
        return Response(status_code=304, headers=_headers(tag))
    pieces = _study(texts, instances, url)
    if takes_gzip(request):
        headers = _headers(tag) | {"Content-Encoding": "gzip"}
        return StreamingResponse(_compressed(pieces), media_type=kind, headers=headers)
    return StreamingResponse(pieces, media_type=kind, headers=_headers(tag))


def entity_tag(texts: SeriesTexts, instances: Sequence[Served], url: str) -> str:
    """Weak: the same for every content coding (RFC 9110 section 8.8.1)."""
    return f'W/"{texts.key(instances)}-{zlib.crc32(url.encode()):08x}"'


def takes_gzip(request: Request) -> bool:
    for coding in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _study(texts: SeriesTexts, instances: Sequence[Served], url: str) -> Iterator[bytes]:
    before = b"["
    for of_series in by_series(instances).values():
        yield before + texts.text(of_series, url)[1:-1]
        before = BETWEEN
    yield b"]"


def _compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield stream.compress(piece)
    yield stream.flush()


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Vary": "Accept, Accept-Encoding"}


def _is_known(request: Request, tag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or tag.removeprefix("W/") in [
        one.strip().removeprefix("W/") for one in known.split(",")
    ]
