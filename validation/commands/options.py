"""Options of adapters as they are typed: KEY=VALUE."""

from __future__ import annotations

import json

from validation.errors import BadDataSet


def adapter_options(given: list[str]) -> dict[str, str | int | float | bool]:
    """Raises `BadDataSet`."""
    found: dict[str, str | int | float | bool] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (key and equals):
            way_out = "For example: --option split=train"
            raise BadDataSet(f"{each!r} is no KEY=VALUE", where="--option", way_out=way_out)
        found[key] = _scalar(value)
    return found


def _scalar(text: str) -> str | int | float | bool:
    """Numbers and truth as YAML has them; all else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
