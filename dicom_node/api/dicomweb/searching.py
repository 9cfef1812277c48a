"""QIDO-RS: the search transaction's routes (PS3.18 section 10.6)."""

from __future__ import annotations

import json
from collections.abc import Callable

from fastapi.responses import Response

from dicom_node.api.dicomweb.media import require_json
from dicom_node.api.dicomweb.query import Level, Query, parse
from dicom_node.api.dicomweb.search import Page, Search
from dicom_node.api.dicomweb.service import Ask, Asked

# PS3.18 section 8.3.4.4 and 8.3.4.2 give the words.
MORE = '299 {}: "There are {}additional results that can be requested"'
LITERALLY = '299 {}: "The fuzzymatching parameter is not supported. Only literal matching has been performed."'


def studies(asked: Asked) -> Response:
    return _answer(asked, "study", Search.studies)


def series(asked: Asked) -> Response:
    return _answer(asked, "series", lambda search, query: search.series(query, None))


def instances(asked: Asked) -> Response:
    return _answer(asked, "instance", lambda search, query: search.instances(query, None, None))


def series_of_study(asked: Asked, study_uid: str) -> Response:
    return _answer(asked, "series", lambda search, query: search.series(query, study_uid), study_uid)


def instances_of_study(asked: Asked, study_uid: str) -> Response:
    return _answer(asked, "instance", lambda search, query: search.instances(query, study_uid, None), study_uid)


def instances_of_series(asked: Asked, study_uid: str, series_uid: str) -> Response:
    return _answer(asked, "instance", lambda search, query: search.instances(query, study_uid, series_uid), study_uid)


def _answer(asked: Ask, level: Level, find: Callable[[Search, Query], Page], study_uid: str = "") -> Response:
    media_type = require_json(asked.request)
    query = parse(asked.request.query_params.multi_items(), level)
    service = asked.service
    page = find(Search(service.engine, service.root, service.metadata, asked.audience, asked.url), query)
    if study_uid:
        asked.trail.study_opened(asked.who, study_uid)
    else:
        asked.trail.queried(asked.who, f"{level}: {asked.request.url.query}")
    response = _json(page, media_type)
    for warning in _warnings(page, query, asked.url):
        response.headers.append("Warning", warning)
    return response


def _json(page: Page, media_type: str) -> Response:
    if not page.results:
        return Response(status_code=204)
    body = json.dumps(page.results, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(body, media_type=media_type)


def _warnings(page: Page, query: Query, url: str) -> list[str]:
    found = []
    if page.remaining:
        found.append(MORE.format(url, f"{page.remaining} " if page.remaining > 0 else ""))
    if query.fuzzy:
        found.append(LITERALLY.format(url))
    return found
