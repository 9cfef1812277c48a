"""A protocol in its file: read, and locked by hash before results exist.

The hash is the SHA-256 of the canonical JSON (sorted keys, no blanks) of the whole document with its defaults, without
the lock: order and comments do not matter, any value does. It can be computed again from the result of a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from pydantic import ValidationError

from validation.errors import BadProtocol
from validation.protocol.document import Lock, Protocol

WAY_OUT = "The JSON Schema of a protocol says which keys there are."


def read_protocol(path: Path) -> Protocol:
    """Raises `BadProtocol`: no file, no YAML, another schema, or changed since it was locked."""
    document = _document(path)
    try:
        protocol = Protocol.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "the document"
        raise BadProtocol(first["msg"], where=f"{path}, key {key}", way_out=WAY_OUT) from error
    if protocol.lock and protocol.lock.sha256 != protocol_hash(protocol):
        raise BadProtocol(
            "the protocol has been changed since it was locked",
            where=str(path),
            way_out="Take the change back; or give it a new id, name the old one under `replaces`, and lock it anew.",
        )
    return protocol


def protocol_hash(protocol: Protocol) -> str:
    """Of everything but the lock."""
    document = protocol.model_dump(mode="json", by_alias=True, exclude={"lock"})
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def lock(path: Path, now: datetime) -> Protocol:
    """Writes the lock at the end of the file; comments stay. A locked one stays as it is. Raises `BadProtocol`.

    `now` has a time zone: results must be younger than it.
    """
    protocol = read_protocol(path)
    if protocol.lock:
        return protocol
    made = Lock(sha256=protocol_hash(protocol), locked=now)
    text = path.read_text("utf-8")
    separator = "" if text.endswith("\n") else "\n"
    locked = f"{text}{separator}lock:\n  sha256: {made.sha256}\n  locked: {json.dumps(now.isoformat())}\n"
    beside = path.with_name(path.name + ".new")
    beside.write_text(locked, "utf-8")
    read_protocol(beside)
    beside.replace(path)
    return protocol.model_copy(update={"lock": made})


class _OnceOnly(yaml.SafeLoader):
    """YAML without repeated keys: the last would win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} is there twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def _document(path: Path) -> Any:
    try:
        return yaml.load(path.read_text("utf-8"), _OnceOnly)  # noqa: S506 — derived from SafeLoader
    except OSError as error:
        raise BadProtocol(f"the protocol cannot be read: {error.strerror}", where=str(path), way_out=WAY_OUT) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        what = " ".join(str(error).split())
        raise BadProtocol(f"the protocol is no YAML: {what}", where=str(path), way_out=WAY_OUT) from error
