"""Readings as `medvlm draft --json` prints them: one JSON object of `medvlm.contract.Reading` a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from medvlm.contract import ModelIdentity, Reading
from validation.errors import BadReadings

ONE_A_LINE = "Write one reading a line, as `medvlm draft --json` prints them."


@dataclass(frozen=True)
class ReadLine:
    """A reading and its line in the file, counted from 1."""

    line: int
    reading: Reading


@dataclass(frozen=True)
class Readings:
    """Everything that one model said, in the order of the file. Never empty."""

    path: Path
    model: ModelIdentity
    lines: tuple[ReadLine, ...]


def read_readings(path: Path) -> Readings:
    """Empty lines are passed over, but counted. Raises `BadReadings`."""
    lines = tuple(
        ReadLine(number, _reading(text, f"{path}, line {number}"))
        # Not splitlines(): it would also cut at separators that JSON allows inside a text (U+2028).
        for number, text in enumerate(_text(path).split("\n"), start=1)
        if text.strip()
    )
    if not lines:
        raise BadReadings("the file holds no reading", where=str(path), way_out=ONE_A_LINE)
    model = lines[0].reading.model
    for each in lines:
        if each.reading.model != model:
            raise BadReadings(
                f"the reading is of another model than that of line {lines[0].line}",
                where=f"{path}, line {each.line}",
                way_out="Validate each model on its own: name, version, digests and calibration must be the same.",
            )
    return Readings(path, model, lines)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadReadings(f"the readings cannot be read: {_why(error)}", where=str(path), way_out=ONE_A_LINE) from error


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "the file is not UTF-8"


def _reading(text: str, where: str) -> Reading:
    try:
        return Reading.model_validate_json(text)
    except ValidationError as error:
        # The values that pydantic quotes may be a patient's: only the key and the rule are passed on.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "the line"
        raise BadReadings(f"no reading: {key}: {first['msg']}", where=where, way_out=ONE_A_LINE) from error
