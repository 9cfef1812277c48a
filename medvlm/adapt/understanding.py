"""Which taught finding a typed question asks about. The text itself never reaches the network."""

from __future__ import annotations

import re

from medvlm.adapt.adapter import Taught, TaughtFinding
from medvlm.adapt.wordings import question_finding
from medvlm.engine.questions import AboutFilm, AboutFinding, AboutView, NotUnderstood, understand

_NEGATING = re.compile(r"\b(?:no|not|without|absent|absence|free|exclude[d]?|negative)\b")


def taught_question(text: str, taught: Taught) -> tuple[TaughtFinding, bool] | None:
    """(finding, negated), or None when the question is the base's to answer."""
    understood = understand(text)
    by_name = {finding.name: finding for finding in taught.findings}
    match understood:
        case AboutFinding(name, negated):
            return (by_name[name], negated) if name in by_name else None
        case AboutView() | AboutFilm():
            return None
        case NotUnderstood(why) if why != "unknown":
            return None
    if (named := question_finding(text)) is not None and named[0] in by_name:
        return by_name[named[0]], named[1]
    return _by_words(text, taught)


def _by_words(text: str, taught: Taught) -> tuple[TaughtFinding, bool] | None:
    """One taught finding whose words stand in the question, the longest first."""
    plain = " ".join(re.sub(r"[^a-z0-9 ]+", " ", text.lower()).split())
    for finding in sorted(taught.findings, key=lambda one: -max(map(len, one.term.keywords), default=0)):
        for word in finding.term.keywords:
            left, count = re.subn(rf"\b{re.escape(word)}\b", " ", plain)
            if count:
                return finding, len(_NEGATING.findall(left)) % 2 == 1
    return None
