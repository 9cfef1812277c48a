"""Findings as they are named in a table: the vocabulary's, or a new one with questions and sentences made for it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from medvlm.engine.questions import AboutFinding, NotUnderstood, understand
from medvlm.vocabulary import Term, terms

_OPENING = re.compile(
    r"^(?:(?:is|are) there (?:evidence of )?|do(?:es)? (?:the|this) (?:film|image|radiograph) show "
    r"|do you see |is |are )(?:an? |any |the )?"
)
_CLOSING = re.compile(r" (?:present|visible|seen|there)$")
_NEGATING = re.compile(r"\b(no|not|without|absent|absence|free|clear|normal|negative|exclude[d]?)\b")
_LONGEST_QUESTION = 12
"""Words."""
_SENTENCE_END = re.compile(r"[.;!?\n\r]+")


def finding_name(column: str) -> str | None:
    """A column's heading as a finding's name: the vocabulary's where it names one; None when nothing is left."""
    key = _slug(column)
    for name, term in terms().items():
        if key in {name, _slug(term.display), *(_slug(word) for word in term.keywords)}:
            return name
    named = re.fullmatch(r"[a-z][a-z0-9_]{1,47}", key) and not _NEGATING.search(key.replace("_", " "))
    return key if named else None


def question_finding(text: str) -> tuple[str, bool] | None:
    """(finding, negated) of a yes/no question; None when it names nothing that could be learnt."""
    asked = understand(text)
    if isinstance(asked, AboutFinding):
        return asked.name, asked.negated
    plain = _plain(text)
    if asked != NotUnderstood("unknown") or not _OPENING.match(plain) or len(plain.split()) > _LONGEST_QUESTION:
        return None
    name = finding_name(_CLOSING.sub("", _OPENING.sub("", plain)))
    return None if name is None else (name, False)


def term_of(name: str) -> Term:
    """The vocabulary's term, or one for a new finding: no code, so that it can leave a report as text only."""
    if name in terms():
        return terms()[name]
    words = name.replace("_", " ")
    return Term(
        name=name,
        display=words.capitalize(),
        boxable=False,
        noun=words,
        ask=(f"Is {words} present?", f"Is there {words}?", f"Does the film show {words}?"),
        ask_more=(),
        ask_held_out=(),
        ask_negated=(f"Is {words} absent?", f"Is the film free of {words}?"),
        ask_negated_held_out=(),
        keywords=(words,),
        present=(f"{words.capitalize()} is present.", f"There is {words}."),
        absent=(f"No {words} is seen.", f"There is no {words}.", f"{words.capitalize()} is absent."),
        indeterminate=(f"{words.capitalize()} cannot be excluded.",),
    )


def labels_in_report(report: str) -> dict[str, bool]:
    """Findings that a report states in the vocabulary's own sentences; nothing else in it is guessed at.

    A finding that is stated both ways is left out.
    """
    stated = _statements()
    found: dict[str, set[bool]] = {}
    for sentence in _SENTENCE_END.split(report):
        if (known := stated.get(_plain(sentence))) is not None:
            found.setdefault(known[0], set()).add(known[1])
    return {name: said.pop() for name, said in found.items() if len(said) == 1}


def _statements() -> Mapping[str, tuple[str, bool]]:
    rows: dict[str, tuple[str, bool]] = {}
    for name, term in terms().items():
        rows |= {_plain(sentence): (name, True) for sentence in term.present}
        rows |= {_plain(sentence): (name, False) for sentence in term.absent}
    return rows


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9 ]+", " ", text.lower()).split())


def _slug(text: str) -> str:
    return _plain(text.replace("_", " ")).replace(" ", "_")
