"""Pages: where one ends and the next begins, as an opaque word and a `Link` header (RFC 8288)."""

from __future__ import annotations

import base64
import json
import math

from fastapi import Request, Response

from dicom_node.errors import Edge, NodeError


class BadCursor(NodeError):
    code = "bad_cursor"
    edge = Edge(dimse=0xC000, http=422, exit=2)


def written(when: float, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([when, key]).encode()).decode()


def read(cursor: str | None) -> tuple[float, str] | None:
    """The position, or None for the first page. Raises `BadCursor`."""
    if cursor is None:
        return None
    try:
        when, key = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if isinstance(when, int | float) and math.isfinite(when) and isinstance(key, str) and "\0" not in key:
            return float(when), key
    except (ValueError, TypeError, OverflowError):
        pass
    raise BadCursor("query.cursor is not one that a page gave", way_out="Take it from `Link: rel=next`.")


def lead_on(request: Request, response: Response, cursor: str) -> None:
    """Link to the next page, by path alone: behind a proxy the node does not know its own address."""
    following = request.url.include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
