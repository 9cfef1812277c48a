"""Labels of a report: mentions, what is said of each, and what follows for the finding.

Within a clause a trigger acts on the mentions that it reaches; of several the first kind of `rules.toml` wins:
uncertainty that looks like negation, what is asked and not stated, negation, other uncertainty; else present. Over the
mentions of a report present beats uncertain beats absent.

Source: NegEx, NegBio and the CheXpert labeller; see `rules.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from validation.metrics.label_f1 import State
from validation.metrics.report_labeller.rules import FindingRule, Kind, Pattern, Rules, Side, Trigger, english_rules
from validation.metrics.report_labeller.sentences import clauses, sentences, stated

STATE: dict[Kind, State | None] = {
    "uncertain_negation": "uncertain",
    "not_stated": None,
    "negation": "negative",
    "uncertain": "uncertain",
}
STRENGTH: tuple[State, ...] = ("negative", "uncertain", "positive")
ALTERNATIVE = re.compile(r"^,?\s*(?:or|versus|vs\.?|/)\s+(?:[a-z-]+\s+){0,3}$")
VERB_AND_COMMA = re.compile(r"\b(?:is|are|was|were|has|have|remains?|persists?)\b[^,]*,")
LIST_GOES_ON = re.compile(r"\b(?:or|nor|and)\b|/")
NEW_STATEMENT = re.compile(r",\s*(?=(?:(?!or\b|nor\b|and\b)[\w-]+\s+){1,6}(?:is|are|remains?)\s)")
"""A comma behind which a whole statement begins: ", small left effusion is present"."""
MEASUREMENT = re.compile(r"\b\d+(?:\.\d+)?\s?(?:mm|cm|ml|cc|hu|%|degrees?)(?!\w)")
WORD = re.compile(r"[^\W\d_]+")

Language = Literal["english", "not supported"]


@dataclass(frozen=True)
class Mention:
    """One finding at one place of the text. `side` and `severity` are empty where none stands beside it."""

    finding: str
    state: State
    side: Side | Literal[""]
    severity: str
    clause: str


@dataclass(frozen=True)
class ReportLabels:
    """`comparison` and `measurements` hold the words found; all is empty where the language is not supported."""

    language: Language
    mentions: tuple[Mention, ...] = ()
    comparison: tuple[str, ...] = ()
    measurements: tuple[str, ...] = ()
    other_abnormal: bool = False

    @property
    def states(self) -> dict[str, State]:
        """Each mentioned finding once: present beats uncertain beats absent."""
        merged: dict[str, State] = {}
        for each in sorted(self.mentions, key=lambda mention: STRENGTH.index(mention.state)):
            merged[each.finding] = each.state
        return merged

    def sides(self, finding: str) -> frozenset[str]:
        """Sides of the mentions that are not absent."""
        return frozenset(each.side for each in self.mentions if each.finding == finding and each.state != "negative")


@dataclass(frozen=True)
class _Span:
    finding: str
    start: int
    end: int
    sign: bool


def label_report(text: str, rules: Rules | None = None) -> ReportLabels:
    """Every mention of the sections that state something."""
    rules = rules or english_rules()
    if not _english(text, rules):
        return ReportLabels("not supported")
    body = list(sentences(stated(text, rules)))
    plain = " . ".join(body)
    return ReportLabels(
        language="english",
        mentions=tuple(
            mention
            for sentence in body
            for clause in clauses(_masked(sentence, rules), rules)
            for mention in _mentions(clause, rules)
        ),
        comparison=tuple(found[0] for found in rules.comparison.finditer(plain)),
        measurements=tuple(found[0] for found in MEASUREMENT.finditer(plain)),
        other_abnormal=bool(rules.other_abnormal.search(plain)),
    )


def _english(text: str, rules: Rules) -> bool:
    """More English than other little words; a text with neither is taken as English shorthand."""
    found = [word.lower() for word in WORD.findall(text)]
    return sum(word in rules.other for word in found) <= sum(word in rules.english for word in found)


def _masked(sentence: str, rules: Rules) -> str:
    """Look-alikes struck out, so that neither a mention nor a trigger is seen in them; the length stays."""
    return rules.masks.sub(lambda found: "~" * len(found[0]), sentence)


def _mentions(clause: str, rules: Rules) -> Iterator[Mention]:
    for statement in rules.statements:
        for found in statement.phrases.finditer(clause):
            if not _reached(clause, found.start(), found.end(), _of(rules, "not_stated"), rules):
                yield from (Mention(name, "negative", "", "", clause) for name in statement.absent)
    spans = sorted(_spans(clause, rules.findings), key=lambda span: (span.start, span.end))
    for span, segment in zip(spans, _segments(clause, spans, rules.separators), strict=True):
        state = _state(clause, span, spans, rules)
        if state is not None:
            severity = rules.severity.search(segment)
            yield Mention(span.finding, state, _side(segment, rules), severity[0] if severity else "", clause)


def _spans(clause: str, findings: Sequence[FindingRule]) -> Iterator[_Span]:
    for rule in findings:
        for pattern, sign in ((rule.mentions, False), (rule.signs, True)):
            for found in pattern.finditer(clause):
                yield _Span(rule.name, found.start(), found.end(), sign)


def _state(clause: str, span: _Span, spans: Sequence[_Span], rules: Rules) -> State | None:
    """None where the finding is asked for, not stated."""
    for trigger in rules.triggers:
        if _reached(clause, span.start, span.end, trigger, rules):
            return STATE[trigger.kind]
    return "uncertain" if span.sign or _one_of_two(clause, span, spans) else "positive"


def _reached(clause: str, start: int, end: int, trigger: Trigger, rules: Rules) -> bool:
    """Does the trigger act on what stands from `start` to `end`: from inside, from before, or from behind?"""

    def acts(found: re.Match[str]) -> bool:
        inside = start <= found.start() and found.end() <= end
        return inside or found.end() <= start <= _reach(clause, found.end(), trigger, rules)

    return any(acts(found) for found in trigger.before.finditer(clause)) or any(
        found.start() >= end > _reach_back(clause, found.start()) for found in trigger.after.finditer(clause)
    )


def _reach(clause: str, start: int, trigger: Trigger, rules: Rules) -> int:
    """How far to the right a trigger that ends at `start` acts."""
    if trigger.kind == "not_stated":
        return len(clause)
    rest = clause[start:]
    ends = [found.start() for pattern in (rules.stops, NEW_STATEMENT) for found in pattern.finditer(rest)]
    if not LIST_GOES_ON.search(rest):
        ends.extend(found.start() for found in rules.list_ends.finditer(rest))
    return start + min(ends, default=len(rest))


def _reach_back(clause: str, start: int) -> int:
    """How far to the left a trigger acts: to the end of a statement that a comma closes."""
    return max((found.end() for found in VERB_AND_COMMA.finditer(clause[:start])), default=-1)


def _one_of_two(clause: str, span: _Span, spans: Sequence[_Span]) -> bool:
    """Alternatives, "atelectasis or early pneumonia", are each uncertain."""
    return any(
        ALTERNATIVE.match(clause[min(span.end, each.end) : max(span.start, each.start)])
        for each in spans
        if each.finding != span.finding and (each.end <= span.start or span.end <= each.start)
    )


def _segments(clause: str, spans: Sequence[_Span], separators: Pattern) -> Iterator[str]:
    """The words that belong to each mention: from the last separator before it to that before the next mention."""
    cuts = [0]
    for left, right in pairwise(spans):
        between = list(separators.finditer(clause, left.end, max(right.start, left.end)))
        cuts.append(between[-1].start() if between else max(left.end, min(right.start, len(clause))))
    for k, cut in enumerate(cuts[: len(spans)]):
        yield clause[cut : cuts[k + 1] if k + 1 < len(cuts) else len(clause)]


def _side(segment: str, rules: Rules) -> Side | Literal[""]:
    found = {side for side, pattern in rules.sides if pattern.search(segment)}
    if "bilateral" in found or len(found) == 2:
        return "bilateral"
    return found.pop() if found else ""


def _of(rules: Rules, kind: Kind) -> Trigger:
    return next(trigger for trigger in rules.triggers if trigger.kind == kind)
