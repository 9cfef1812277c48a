"""WADO-RS: the retrieve transaction's routes (PS3.18 section 10.4)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from dicom_node.api.dicomweb import metadata
from dicom_node.api.dicomweb.bulk import PIXEL_DATA, read_bulk
from dicom_node.api.dicomweb.frames import stored_frame
from dicom_node.api.dicomweb.look import rendered, thumbnail
from dicom_node.api.dicomweb.media import (
    DICOM,
    OCTETS,
    MediaRange,
    accepted,
    choose_frame,
    choose_instance,
    frame_media_type,
    native_syntax,
    not_acceptable,
    require_json,
)
from dicom_node.api.dicomweb.multipart import Part, multipart, multipart_stream
from dicom_node.api.dicomweb.pixels import CannotDecode
from dicom_node.api.dicomweb.rendering import Look
from dicom_node.api.dicomweb.service import Ask, Asked, ask
from dicom_node.archive.frame_index import FrameIndex
from dicom_node.archive.served import Served
from dicom_node.archive.sop_classes import is_image
from dicom_node.errors import NotFound

FRAMES_AT_MOST: Final = 10_000
_NUMBERS = re.compile(r"[1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*")


def study(asked: Asked, study_uid: str) -> Response:
    return _instances(asked, asked.instances(study_uid))


def series(asked: Asked, study_uid: str, series_uid: str) -> Response:
    return _instances(asked, asked.instances(study_uid, series_uid))


def instance(asked: Asked, study_uid: str, series_uid: str, sop_instance_uid: str) -> Response:
    return _instances(asked, (asked.instance(study_uid, series_uid, sop_instance_uid),))


def study_metadata(asked: Asked, study_uid: str) -> Response:
    kind = require_json(asked.request)
    return metadata.study_response(asked.request, asked.service.texts, asked.instances(study_uid), asked.url, kind)


def series_metadata(asked: Asked, study_uid: str, series_uid: str) -> Response:
    kind = require_json(asked.request)
    found = asked.instances(study_uid, series_uid)
    return metadata.series_response(asked.request, asked.service.texts, found, asked.url, kind)


def instance_metadata(asked: Asked, study_uid: str, series_uid: str, sop_instance_uid: str) -> Response:
    kind = require_json(asked.request)
    chosen = asked.instance(study_uid, series_uid, sop_instance_uid)
    found = asked.instances(study_uid, series_uid)
    return metadata.instance_response(asked.request, asked.service.texts, found, chosen, asked.url, kind)


async def frames(request: Request) -> Response:
    """The route that a viewer asks a thousand times a study: one trip to a thread, and no other dependency."""
    return await run_in_threadpool(_frames, request, **request.path_params)


def _frames(request: Request, study_uid: str, series_uid: str, sop_instance_uid: str, numbers: str) -> Response:
    asked = ask(request)
    one = asked.remembered(study_uid, series_uid, sop_instance_uid)
    index = _index(asked, one)
    chosen = choose_frame(accepted(asked.request), one.transfer_syntax_uid)
    if chosen is None:
        raise not_acceptable(frame_media_type(one.transfer_syntax_uid), OCTETS)
    wanted = _numbers(numbers, index)
    if not chosen.is_multipart and len(wanted) > 1:
        raise not_acceptable("multipart/related")
    if len(wanted) > 1:
        _require_whole(index, wanted)
        return multipart_stream((_frame(asked, one, index, chosen, number) for number in wanted), chosen.type)
    part = _frame(asked, one, index, chosen, wanted[0])
    if chosen.is_multipart:
        return multipart([part], chosen.type)
    return Response(part.content, media_type=part.content_type)


def bulkdata(asked: Asked, study_uid: str, series_uid: str, sop_instance_uid: str, path: str) -> Response:
    one = asked.instance(study_uid, series_uid, sop_instance_uid)
    if path.upper() == PIXEL_DATA:
        return _pixel_data(asked, one)
    found = read_bulk(asked.service.root, one, path)
    if found is None:
        raise NotFound("no such bulk data in this instance", way_out="Take the address from the metadata.")
    for accepts in accepted(asked.request):
        if accepts.allows(OCTETS) or accepts.allows(found.media_type):
            kind = found.media_type if accepts.allows(found.media_type) else OCTETS
            if accepts.is_multipart and not accepts.is_anything:
                return multipart([Part(kind, found.content)], kind)
            return Response(found.content, media_type=kind)
    raise not_acceptable(OCTETS)


def rendered_instance(asked: Asked, study_uid: str, series_uid: str, sop_instance_uid: str) -> Response:
    look = rendered(asked.request)
    return _picture(asked, asked.instance(study_uid, series_uid, sop_instance_uid), 1, look)


def rendered_frame(asked: Asked, study_uid: str, series_uid: str, sop_instance_uid: str, numbers: str) -> Response:
    look = rendered(asked.request)
    return _one_picture(asked, asked.instance(study_uid, series_uid, sop_instance_uid), numbers, look)


def study_thumbnail(asked: Asked, study_uid: str) -> Response:
    return _thumbnail(asked, asked.instances(study_uid))


def series_thumbnail(asked: Asked, study_uid: str, series_uid: str) -> Response:
    return _thumbnail(asked, asked.instances(study_uid, series_uid))


def instance_thumbnail(asked: Asked, study_uid: str, series_uid: str, sop_instance_uid: str) -> Response:
    return _thumbnail(asked, asked.instances(study_uid, series_uid, sop_instance_uid))


def frame_thumbnail(asked: Asked, study_uid: str, series_uid: str, sop_instance_uid: str, numbers: str) -> Response:
    look = thumbnail(asked.request)
    return _one_picture(asked, asked.instance(study_uid, series_uid, sop_instance_uid), numbers, look)


def _instances(asked: Ask, found: Sequence[Served]) -> Response:
    """406 before the first byte: whatever has to be converted is, and lies beside until it is sent."""
    ranges = accepted(asked.request)
    chosen = [choose_instance(ranges, one.transfer_syntax_uid) for one in found]
    kept = [one for one in chosen if one is not None]
    if len(kept) < len(found) or (len(found) > 1 and not kept[0].is_multipart):
        raise not_acceptable(f"multipart/related; type={DICOM}")
    stack = ExitStack()
    try:
        parts = [_part(asked, one, how, stack) for one, how in zip(found, kept, strict=True)]
    except BaseException:
        stack.close()
        raise
    if not kept[0].is_multipart:
        with stack:
            return Response(b"".join(parts[0].pieces()), media_type=parts[0].content_type)
    return multipart_stream(_until_sent(parts, stack), DICOM)


def _part(asked: Ask, one: Served, how: MediaRange, stack: ExitStack) -> Part:
    url = f"{asked.url}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_instance_uid}"
    content = asked.service.root / one.path
    if not content.exists():
        raise NotFound("an instance is no longer here", way_out="Search for it again.")
    if how.transfer_syntax != one.transfer_syntax_uid:
        content = _beside(_decoding(lambda: asked.service.pixels.file(content)), stack)
    return Part(f"{DICOM}; transfer-syntax={how.transfer_syntax}", content, url)


def _beside(content: bytes, stack: ExitStack) -> Path:
    file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="converted-", suffix=".dcm"))  # noqa: SIM115 - the stack closes it
    file.write(content)
    file.flush()
    return Path(file.name)


def _until_sent(parts: Sequence[Part], stack: ExitStack) -> Iterator[Part]:
    with stack:
        yield from parts


def _index(asked: Ask, one: Served) -> FrameIndex:
    index = asked.service.places.find(one)
    if index is None:
        raise NotFound("this instance has no frames")
    return index


def _numbers(text: str, index: FrameIndex) -> list[int]:
    if not _NUMBERS.fullmatch(text) or text.count(",") >= FRAMES_AT_MOST:
        raise HTTPException(400, "Frames are whole numbers from 1, separated by commas.")
    wanted = [int(number) for number in text.split(",")]
    if max(wanted) > index.count:
        raise NotFound("this instance has no such frame")
    return wanted


def _frame(asked: Ask, one: Served, index: FrameIndex, chosen: MediaRange, number: int) -> Part:
    path, service = asked.service.root / one.path, asked.service
    if chosen.transfer_syntax == native_syntax(one.transfer_syntax_uid):
        try:
            content = stored_frame(path, index, number)
        except FileNotFoundError:
            service.places.forget(one.series_uid)
            raise NotFound("the instance is no longer here", way_out="Search for it again.") from None
        if content is None:
            raise NotFound("this frame is not in the file, or cannot be told from its neighbours")
    else:
        content = _decoding(lambda: service.pixels.frame(path, number))
    return Part(f"{chosen.type}; transfer-syntax={chosen.transfer_syntax}", content)


def _require_whole(index: FrameIndex, wanted: Sequence[int]) -> None:
    """Once the first of many has been sent there is no status any more."""
    if not all(index.pieces(number) for number in wanted):
        raise NotFound("a frame is not in the file, or cannot be told from its neighbours")


def _pixel_data(asked: Ask, one: Served) -> Response:
    """All frames, each a part, as stored (PS3.18 section 10.4.1.1.5)."""
    index = _index(asked, one)
    media_type = frame_media_type(one.transfer_syntax_uid)
    if not any(accepts.allows(media_type) or accepts.allows(OCTETS) for accepts in accepted(asked.request)):
        raise not_acceptable(media_type)
    every = range(1, index.count + 1)
    _require_whole(index, every)
    chosen = MediaRange(media_type, True, transfer_syntax=native_syntax(one.transfer_syntax_uid))
    return multipart_stream((_frame(asked, one, index, chosen, number) for number in every), media_type)


def _thumbnail(asked: Ask, found: Sequence[Served]) -> Response:
    """Of the middle image: the first slice of a series shows next to nothing."""
    images = [one for one in found if is_image(one.sop_class_uid) and not one.is_result]
    images = images or [one for one in found if is_image(one.sop_class_uid)]
    if not images:
        raise NotFound("there is no image to show")
    return _picture(asked, images[len(images) // 2], 1, thumbnail(asked.request))


def _one_picture(asked: Ask, one: Served, numbers: str, look: Look) -> Response:
    wanted = _numbers(numbers, _index(asked, one))
    if len(wanted) != 1:
        raise HTTPException(400, "One frame is rendered at a time.")
    return _picture(asked, one, wanted[0], look)


def _picture(asked: Ask, one: Served, frame: int, look: Look) -> Response:
    _index(asked, one)
    path = asked.service.root / one.path
    return Response(_decoding(lambda: asked.service.pixels.picture(path, frame, look)), media_type=look.media_type)


def _decoding(act: Callable[[], bytes]) -> bytes:
    try:
        return act()
    except CannotDecode:
        words = "The pixel data cannot be decoded here; ask for it as stored (transfer-syntax=*)."
        raise HTTPException(406, words) from None
