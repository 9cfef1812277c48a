"""The words of `rules.toml` as compiled patterns."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Pattern = re.Pattern[str]
Kind = Literal["uncertain_negation", "not_stated", "negation", "uncertain"]
Side = Literal["left", "right", "bilateral"]

PUNCTUATION = ",;:"


@dataclass(frozen=True)
class FindingRule:
    """`signs` point to the finding without naming it; `fourteen` is empty where it counts towards none."""

    name: str
    mentions: Pattern
    signs: Pattern
    fourteen: str


@dataclass(frozen=True)
class Statement:
    """A phrase that says by itself which findings are absent."""

    absent: tuple[str, ...]
    phrases: Pattern


@dataclass(frozen=True)
class Trigger:
    """`before` stands before what it acts on, `after` behind it."""

    kind: Kind
    before: Pattern
    after: Pattern


@dataclass(frozen=True)
class Rules:
    findings: tuple[FindingRule, ...]
    statements: tuple[Statement, ...]
    triggers: tuple[Trigger, ...]
    """In the order in which they win."""
    masks: Pattern
    stops: Pattern
    list_ends: Pattern
    clauses: Pattern
    header: Pattern
    skipped: frozenset[str]
    sides: tuple[tuple[Side, Pattern], ...]
    separators: Pattern
    comparison: Pattern
    severity: Pattern
    other_abnormal: Pattern
    english: frozenset[str]
    other: frozenset[str]


@cache
def english_rules() -> Rules:
    raw = tomllib.loads(files(__package__).joinpath("rules.toml").read_text("utf-8"))
    sections = raw["sections"]
    return Rules(
        findings=tuple(_finding(name, row) for name, row in raw["finding"].items()),
        statements=tuple(Statement(tuple(row["absent"]), any_of(row["phrases"])) for row in raw["statement"]),
        triggers=tuple(Trigger(row["kind"], any_of(row["before"]), any_of(row["after"])) for row in raw["trigger"]),
        masks=any_of(raw["masks"]["phrases"]),
        stops=any_of(raw["scope"]["stops"]),
        list_ends=any_of(raw["scope"]["list_ends"]),
        clauses=any_of(raw["scope"]["clauses"]),
        header=_header([*sections["skipped"], *sections["read"]]),
        skipped=frozenset(sections["skipped"]),
        sides=(
            ("left", any_of(raw["sides"]["left"])),
            ("right", any_of(raw["sides"]["right"])),
            ("bilateral", any_of(raw["sides"]["bilateral"])),
        ),
        separators=any_of(raw["sides"]["separators"]),
        comparison=any_of(raw["comparison"]["phrases"]),
        severity=any_of(raw["severity"]["words"]),
        other_abnormal=any_of(raw["other_abnormal"]["words"]),
        english=frozenset(raw["language"]["english"]),
        other=frozenset(raw["language"]["other"]),
    )


def any_of(phrases: Iterable[str]) -> Pattern:
    """Any of them as whole words, the longest first; of none, a pattern that never matches."""
    chosen = sorted(phrases, key=len, reverse=True)
    if not chosen:
        return re.compile(r"(?!)")
    # ~ stands for what is masked. Before punctuation no word ends, so no boundary is asked for there.
    marks = [phrase for phrase in chosen if phrase[0] in PUNCTUATION]
    words = [phrase for phrase in chosen if phrase[0] not in PUNCTUATION]
    parts = [rf"(?<![\w~])(?:{'|'.join(words)})(?![\w~])"] if words else []
    return re.compile("|".join([*parts, *(_mark(phrase) for phrase in marks)]))


def _mark(phrase: str) -> str:
    return phrase if len(phrase) == 1 else rf"{phrase}(?![\w~])"


def _finding(name: str, row: dict[str, Any]) -> FindingRule:
    return FindingRule(name, any_of(row["mentions"]), any_of(row.get("signs", ())), row.get("fourteen", ""))


def _header(names: Iterable[str]) -> Pattern:
    known = "|".join(sorted((re.escape(name) for name in names), key=len, reverse=True))
    return re.compile(rf"(?:^|(?<=[\n.;]))\s*({known})\s*:", re.IGNORECASE)
