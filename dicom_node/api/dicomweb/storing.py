"""STOW-RS: the store transaction's routes (PS3.18 section 10.5)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect

from dicom_node.api.access.callers import Admin
from dicom_node.api.dicomweb.elements import Json, element
from dicom_node.api.dicomweb.media import DICOM, DICOM_JSON, MULTIPART, parse_content_type, require_json
from dicom_node.api.dicomweb.receiving import Incoming, Outcome, Receiver
from dicom_node.api.dicomweb.service import Ask, Asked

# A trip to a thread for each is worth it from so many bytes on.
GATHERED: Final = 1 << 18
LONGEST_HEADERS: Final = 8192
LONGEST_BOUNDARY: Final = 200


async def store(asked: Asked, _by: Admin) -> Response:
    return await _store(asked, None)


async def store_in_study(asked: Asked, _by: Admin, study_uid: str) -> Response:
    return await _store(asked, study_uid)


async def _store(asked: Ask, study_uid: str | None) -> Response:
    require_json(asked.request)
    reader = PartReader(asked.service.receiver, study_uid, _boundary(asked.request))
    try:
        outcomes = await _read(asked.request, reader)
    except (MultipartParseError, ClientDisconnect) as error:
        if not reader.outcomes:
            raise HTTPException(400, "The body is no multipart message that ends as it should.") from error
        outcomes = reader.outcomes
    finally:
        await run_in_threadpool(reader.discard)
    if not outcomes:
        raise HTTPException(400, "The body has no part.")
    await run_in_threadpool(_note, asked, outcomes)
    body = json.dumps(response_module(outcomes, asked.url), separators=(",", ":"))
    return Response(body, status_code=status_of(outcomes), media_type=DICOM_JSON)


async def _read(request: Request, reader: PartReader) -> Sequence[Outcome]:
    gathered = bytearray()
    async for piece in request.stream():
        gathered += piece
        if len(gathered) >= GATHERED:
            await run_in_threadpool(reader.write, bytes(gathered))
            gathered.clear()
    await run_in_threadpool(reader.write, bytes(gathered))
    reader.end()
    return reader.outcomes


class PartReader:
    """Takes a multipart body as it comes, and its parts into the archive. Raises `MultipartParseError`."""

    def __init__(self, receiver: Receiver, study_uid: str | None, boundary: bytes) -> None:
        self.outcomes: list[Outcome] = []
        self._receiver = receiver
        self._study_uid = study_uid
        self._headers = 0
        self._part: Incoming | None = None
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._count,
                "on_header_value": self._count,
                "on_part_data": self._data,
                "on_part_end": self._finish,
                "on_end": self._end,
            },
        )

    def write(self, piece: bytes) -> None:
        self._parser.write(piece)

    def end(self) -> None:
        self._parser.finalize()
        if not self._ended:
            raise MultipartParseError("the body ends before its last boundary")

    def discard(self) -> None:
        """What is half received never stays."""
        if self._part is not None:
            self._part.discard()

    def _begin(self) -> None:
        self._headers = 0
        self._part = Incoming(self._receiver, self._study_uid)

    def _count(self, _data: bytes, begin: int, end: int) -> None:
        self._headers += end - begin
        if self._headers > LONGEST_HEADERS:
            raise MultipartParseError("a part's headers are too long")

    def _data(self, data: bytes, begin: int, end: int) -> None:
        if self._part is not None:
            self._part.write(memoryview(data)[begin:end])

    def _finish(self) -> None:
        if self._part is not None:
            self.outcomes.append(self._part.finish())
        self._part = None

    def _end(self) -> None:
        self._ended = True


def status_of(outcomes: Sequence[Outcome]) -> int:
    """200 all stored, 202 some, 409 none (PS3.18 Table 10.5.3-1); 507 and 413 where no part fitted."""
    faults = [one.fault for one in outcomes if one.fault is not None]
    if not faults:
        return HTTPStatus.OK
    if len(faults) < len(outcomes):
        return HTTPStatus.ACCEPTED
    statuses = {fault.edge.http for fault in faults}
    told = statuses & {HTTPStatus.INSUFFICIENT_STORAGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    return min(statuses) if statuses == told and len(statuses) == 1 else HTTPStatus.CONFLICT


def response_module(outcomes: Sequence[Outcome], url: str) -> Json:
    """The Store Instances Response Module (PS3.18 section 10.5.3.1 and Annex I)."""
    stored = [one for one in outcomes if one.fault is None]
    failed = [one for one in outcomes if one.fault is not None]
    module: Json = {}
    studies = {one.study_uid for one in stored}
    if len(studies) == 1:
        module["00081190"] = element("UR", f"{url}/studies/{studies.pop()}")
    if failed:
        module["00081198"] = {"vr": "SQ", "Value": [_failed(one) for one in failed]}
    if stored:
        module["00081199"] = {"vr": "SQ", "Value": [_stored(one, url) for one in stored]}
    return module


def _failed(one: Outcome) -> dict[str, Any]:
    reason = one.fault.edge.dimse if one.fault is not None else 0
    return {
        "00081150": element("UI", one.sop_class_uid),
        "00081155": element("UI", one.sop_instance_uid),
        "00081197": {"vr": "US", "Value": [reason]},
    }


def _stored(one: Outcome, url: str) -> dict[str, Any]:
    place = f"{url}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_instance_uid}"
    return {
        "00081150": element("UI", one.sop_class_uid),
        "00081155": element("UI", one.sop_instance_uid),
        "00081190": element("UR", place),
    }


def _boundary(request: Request) -> bytes:
    """Raises HTTPException 415 for another body than `multipart/related` of DICOM files, 400 without a boundary."""
    media_type, parameters = parse_content_type(request.headers.get("content-type", ""))
    if media_type != MULTIPART or parameters.get("type", "").lower() != DICOM:
        raise HTTPException(415, f'The body has to be multipart/related; type="{DICOM}".')
    boundary = parameters.get("boundary", "")
    if not boundary or len(boundary) > LONGEST_BOUNDARY or not boundary.isascii():
        raise HTTPException(400, "The Content-Type has no usable boundary.")
    return boundary.encode()


def _note(asked: Ask, outcomes: Sequence[Outcome]) -> None:
    """One entry a study in the audit trail."""
    classes: dict[str, list[str]] = defaultdict(list)
    for one in outcomes:
        if one.study_uid:
            classes[one.study_uid].append(one.sop_class_uid)
    for study_uid, of_study in classes.items():
        asked.trail.stored(asked.who, study_uid, of_study)
