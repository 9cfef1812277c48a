"""Against lost edits: an edit names the version that it was made on (RFC 9110 sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Response

from dicom_node.errors import Edge, NodeError

NEVER = 0
"""Versions count from 1: a tag that is none of ours is as stale as any."""


class PreconditionRequired(NodeError):
    """RFC 6585 section 3."""

    code = "precondition_required"
    edge = Edge(dimse=0xC000, http=428, exit=2)


def based_on(
    if_match: Annotated[
        str | None,
        Header(description='The ETag of the version that was shown: `"7"`. `*` names none.', examples=['"7"']),
    ] = None,
) -> int:
    """The version that the caller saw. Raises `PreconditionRequired`."""
    if if_match is None or if_match.strip() == "*":
        raise PreconditionRequired(
            "an edit names the version that it was made on", way_out='Send the ETag that a GET gave: If-Match: "7".'
        )
    found = re.fullmatch(r'\s*"([1-9][0-9]{0,8})"\s*', if_match)
    return int(found[1]) if found else NEVER


BasedOn = Annotated[int, Depends(based_on)]


def tag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'
