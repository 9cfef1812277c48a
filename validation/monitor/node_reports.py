"""The node's reports over its public API, read with its token; nothing is ever written there.

A report that was signed or rejected stays as it is but for addenda, so that what an earlier run kept is not asked for
again. Studies are listed last received first: those received before `since` are not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from validation.errors import NodeUnreachable
from validation.monitor.observed import Answered, AnsweredReport, ObservedStudy, key_of, lacks_probability, observed

PAGE = 200
SECONDS = 30.0
TRIES = 5
WAY_OUT = "Give the address of the node's API, and its token by --token-file or MEDVLM_NODE_TOKEN."


class _Standing(Answered):
    id: str
    version: int


class _Study(Answered):
    first_received: datetime
    last_received: datetime
    report: _Standing | None = None


class _Studies(Answered):
    studies: tuple[_Study, ...]


class _Version(Answered):
    version: int
    kind: Literal["draft", "edit", "sign", "addend", "reject"]


class _Versions(Answered):
    versions: tuple[_Version, ...]


def read_node(
    client: httpx.Client,
    kept: Mapping[str, ObservedStudy],
    since: datetime | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[ObservedStudy]:
    """Each study that has a report. `kept` is by key. Raises `NodeUnreachable`."""
    for study in _studies(client, since, sleep):
        if study.report is None:
            continue
        before = kept.get(key_of(study.report.id))
        if before and before.version == study.report.version and before.standing != "open":
            yield before
        else:
            yield _study(client, study.report.id, study.first_received, sleep)


def open_node(address: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS)


def _studies(client: httpx.Client, since: datetime | None, sleep: Callable[[float], None]) -> Iterator[_Study]:
    where: str | None = f"/api/v1/studies?limit={PAGE}"
    while where:
        answer = _get(client, where, sleep)
        for study in _parsed(_Studies, answer).studies:
            if since and study.last_received < since:
                return
            yield study
        following = answer.links.get("next", {}).get("url")
        # The path alone: the token goes to no other host.
        where = httpx.URL(following).raw_path.decode() if following else None


def _study(client: httpx.Client, report_id: str, arrived: datetime, sleep: Callable[[float], None]) -> ObservedStudy:
    place = f"/api/v1/reports/{quote(report_id, safe=':')}"
    report = _parsed(AnsweredReport, _get(client, place, sleep))
    if report.state not in ("signed", "addended") or not lacks_probability(report):
        return observed(report, arrived)
    versions = _parsed(_Versions, _get(client, f"{place}/versions", sleep)).versions
    drafts = [each.version for each in versions if each.kind == "draft"]
    draft = _parsed(AnsweredReport, _get(client, f"{place}/versions/{drafts[-1]}", sleep)) if drafts else None
    return observed(report, arrived, draft)


def _get(client: httpx.Client, where: str, sleep: Callable[[float], None]) -> httpx.Response:
    """Waits where the node says that it is asked too often. Errors name no study."""
    for _ in range(TRIES):
        try:
            answer = client.get(where)
        except httpx.HTTPError as error:
            raise _unreachable(f"the node does not answer: {type(error).__name__}", client) from error
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            break
        sleep(min(float(answer.headers.get("Retry-After", "1")), SECONDS))
    if answer.status_code != httpx.codes.OK:
        raise _unreachable(f"the node answers with status {answer.status_code}", client)
    return answer


def _parsed(kind: type[Any], answer: httpx.Response) -> Any:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise NodeUnreachable(
            f"the node answers otherwise than expected: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            where=kind.__name__.strip("_"),
            way_out="Use the `medvlm-validate` of the node's release.",
        ) from error


def _unreachable(what: str, client: httpx.Client) -> NodeUnreachable:
    return NodeUnreachable(what, where=str(client.base_url), way_out=WAY_OUT)
