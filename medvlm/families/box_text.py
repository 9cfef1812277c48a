"""How families write boxes: the four syntaxes, read from an answer and written for an example.

An answer is untrusted: any length, any nesting, numbers that are none. What cannot be read is counted, not guessed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from medvlm.families.profile import BoxConvention

Values = tuple[float, ...]
_LONGEST = 20_000
"""Characters of an answer that are looked at."""
_MOST = 200
"""Boxes of one answer at most."""

_NUMBER = r"\s{0,3}(-?\d{1,6})\s{0,3}"
_CHEXAGENT = re.compile(
    rf"(?:<\|ref\|>(?P<label>[^<]{{0,200}})<\|/ref\|>)?\s{{0,3}}<\|box\|>"
    rf"(?:\({_NUMBER},{_NUMBER}\),\({_NUMBER},{_NUMBER}\)|(?P<torn>[^<]{{0,80}}))<\|/box\|>"
)
_MAIRA_PHRASE = re.compile(r"<obj>(.{0,2000}?)</obj>", re.DOTALL)
_MAIRA_BOX = re.compile(r"<box>(.{0,80}?)</box>", re.DOTALL)
_MAIRA_BINS = re.compile(r"\s*<x(\d{1,3})><y(\d{1,3})><x(\d{1,3})><y(\d{1,3})>\s*")
_FENCED = re.compile(r"```(?:json)?(.{0,20000}?)```", re.DOTALL)


@dataclass(frozen=True)
class Written:
    """One box as written: the family's order and scale."""

    label: str
    values: Values


@dataclass(frozen=True)
class ReadBoxes:
    """`words`: the answer without boxes and markup. `unreadable`: boxes that hold no four numbers."""

    words: str
    boxes: tuple[Written, ...]
    unreadable: int = 0


def read_boxes(text: str, convention: BoxConvention) -> ReadBoxes:
    """Every box of an answer, in its order."""
    text = text[:_LONGEST]
    if convention.syntax == "maira":
        return _read_maira(text)
    if convention.syntax == "chexagent":
        return _read_chexagent(text)
    return _read_json(text, "box_2d" if convention.syntax == "json_box_2d" else "bbox_2d")


def write_box(label: str, values: Sequence[float], convention: BoxConvention) -> str:
    """The box as the family would write it, rounded as the family rounds: bins down, anything else to the nearest."""
    highest = convention.scale - 1 if convention.bins else math.inf
    a, b, c, d = (int(min(round(value), highest)) for value in values)
    match convention.syntax:
        case "json_box_2d":
            return f"```json\n{json.dumps([{'box_2d': [a, b, c, d], 'label': label}])}\n```"
        case "json_bbox_2d":
            return f"```json\n{json.dumps([{'bbox_2d': [a, b, c, d], 'label': label}])}\n```"
        case "maira":
            # Before rounding a value is a place minus half a bin, so the nearest whole number is the bin it lies in.
            return f"<obj>{label}<box><x{a}><y{b}><x{c}><y{d}></box></obj>"
        case "chexagent":
            return f"<|ref|>{label}<|/ref|><|box|>({a},{b}),({c},{d})<|/box|>"


def _read_maira(text: str) -> ReadBoxes:
    """`<obj>phrase<box>…</box><box>…</box></obj>`; a phrase without a box cannot be placed and is no fault."""
    found: list[Written] = []
    torn = 0
    for phrase in _MAIRA_PHRASE.findall(text):
        label = _MAIRA_BOX.sub("", phrase).strip()
        for inner in _MAIRA_BOX.findall(phrase):
            bins = _MAIRA_BINS.fullmatch(inner)
            torn += bins is None
            if bins:
                found.append(Written(label, tuple(float(one) for one in bins.groups())))
    words = re.sub(r"</?obj>", " ", _MAIRA_BOX.sub(" ", text))
    return ReadBoxes(_spaced(words), tuple(found[:_MOST]), torn)


def _read_chexagent(text: str) -> ReadBoxes:
    matches = list(_CHEXAGENT.finditer(text))
    held = [match for match in matches if match["torn"] is None]
    found = [
        Written((match["label"] or "").strip(), tuple(float(match.group(group)) for group in (2, 3, 4, 5)))
        for match in held
    ]
    words = re.sub(r"<\|/?(?:ref|box|quad)\|>", " ", _CHEXAGENT.sub(lambda match: match["label"] or " ", text))
    return ReadBoxes(_spaced(words), tuple(found[:_MOST]), len(matches) - len(held))


def _read_json(text: str, key: str) -> ReadBoxes:
    """The last JSON block of the answer that can be read: what stands before it is reasoning."""
    span, items = _last_json(text)
    if items is None:
        return ReadBoxes(_spaced(text), (), int(key in text))
    found, torn = [], 0
    for item in items[:_MOST]:
        values = _four_numbers(item.get(key))
        torn += values is None and key in item
        if values is not None:
            found.append(Written(str(item.get("label", ""))[:200], values))
    return ReadBoxes(_spaced(text[: span[0]] + text[span[1] :]), tuple(found), torn)


def _last_json(text: str) -> tuple[tuple[int, int], list[dict[str, object]] | None]:
    spans = [(match.span(), match[1]) for match in _FENCED.finditer(text)]
    start, end = text.find("["), text.rfind("]")
    if not spans and 0 <= start < end:
        spans = [((start, end + 1), text[start : end + 1])]
    for span, inner in reversed(spans):
        try:
            value = json.loads(inner)
        except (ValueError, RecursionError):
            continue
        listed = value if isinstance(value, list) else [value]
        return span, [item for item in listed if isinstance(item, dict)]
    return (0, 0), None


def _four_numbers(value: object) -> Values | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [one for one in value if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != 4 or not all(abs(one) < 1e9 and math.isfinite(one) for one in numbers):
        return None
    return tuple(float(one) for one in numbers)


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
