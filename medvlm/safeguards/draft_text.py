"""A draft's text against its findings: what a sentence may not say because nothing stands behind it.

Pure functions over a `Narrative` and the findings that it was written from, for the drafts of any model. They change
nothing: each returns warnings that go with the reading.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from medvlm.contract import Finding, Laterality, Narrative, Presence, Sentence, Warning

_DENIED = re.compile(
    r"\b(?:no|not|without|absent|negative|(?:free|clear|devoid) of|rules? out|ruled out|excluded|normal|unremarkable)\b"
)
_DOUBTED = re.compile(
    r"\b(?:can ?not|could|may|might|whether|uncertain|unclear|equivocal|possible|possibly|questionable|suspected)\b"
)
_COURSE = re.compile(
    r"\b(?:new(?:ly)?|unchanged|stable|interval|again|persist\w*|worse\w*|improv\w+|progress\w+|resol(?:v\w+|ution)"
    r"|(?:has|have) (?:in|de)creased|(?:in|de)creasing|compar(?:ed|ison|ing)|prior|previous\w*|earlier|formerly|since"
    r"|no longer|remains?|changed)\b"
)
_MEASURE = re.compile(
    r"\b(?:\d+(?:[.,]\d+)?\s*(?:mm|cm|ml|hu|%|percent|degrees)(?!\w)|(?:milli|centi)(?:meter|metre)s?\b"
    r"|(?:ratio|index) (?:is |of |= ?)?\d)"
)
_BOTH = re.compile(r"\b(?:bilateral\w*|both|bibasal|bibasilar|biapical)\b")
_LOOP_WORDS, _LOOP_TIMES = 3, 3
"""So many words in a row, so many times in one sentence: a model that does not come to an end."""


def check_draft(narrative: Narrative, findings: Sequence[Finding], has_prior: bool) -> tuple[Warning, ...]:
    """Every check of this module, in the order of the sentences' sections."""
    return (
        *disagreements(narrative, findings),
        *wrong_sides(narrative, findings),
        *(() if has_prior else unfounded_courses(narrative)),
        *unfounded_measures(narrative),
        *repetitions(narrative),
    )


def disagreements(narrative: Narrative, findings: Sequence[Finding]) -> tuple[Warning, ...]:
    """Sentences about one finding whose words state another presence than its code."""
    coded = {finding.name: finding for finding in findings}
    return tuple(
        _warning("text_disagrees", sentence, f"the finding is coded as {coded[name].presence}")
        for sentence in _sentences(narrative)
        for name in sentence.findings
        if len(sentence.findings) == 1 and name in coded and stated_presence(sentence.text) != coded[name].presence
    ) + tuple(
        _warning("text_without_code", sentence, f"no finding {name} stands behind it")
        for sentence in _sentences(narrative)
        for name in sentence.findings
        if name not in coded
    )


def stated_presence(text: str) -> Presence:
    """What a sentence about one finding says of it: doubt before denial, "normal" is a denial."""
    plain = text.lower().replace("not normal", "abnormal")
    if _DOUBTED.search(plain):
        return "indeterminate"
    return "absent" if _DENIED.search(plain) else "present"


def wrong_sides(narrative: Narrative, findings: Sequence[Finding]) -> tuple[Warning, ...]:
    """Sides in the words of a present finding that its code contradicts, or that no code carries."""
    coded = {finding.name: finding for finding in findings if finding.presence != "absent"}
    return tuple(
        warning
        for sentence in _sentences(narrative)
        for said in [stated_side(sentence.text)]
        for name in sentence.findings
        if name in coded and said != "unspecified"
        for warning in _side_warning(sentence, said, coded[name].laterality)
    )


def stated_side(text: str) -> Laterality:
    """The side that a sentence names: both when it names both."""
    plain = text.lower()
    right, left = (re.search(rf"\b{side}\b", plain) is not None for side in ("right", "left"))
    if _BOTH.search(plain) or (right and left):
        return "bilateral"
    return "right" if right else "left" if left else "unspecified"


def _side_warning(sentence: Sentence, said: Laterality, coded: Laterality) -> Iterator[Warning]:
    if coded == "unspecified":
        yield _warning("side_without_code", sentence, "the finding has no side")
    elif coded not in {said, "bilateral"}:
        yield _warning("side_disagrees", sentence, f"the finding's side is {coded}")


def unfounded_courses(narrative: Narrative) -> tuple[Warning, ...]:
    """References to a prior study: for a study without one."""
    return tuple(
        _warning("prior_not_there", sentence, "there is no prior study to compare with")
        for sentence in _sentences(narrative)
        if _COURSE.search(sentence.text.lower())
    )


def unfounded_measures(narrative: Narrative) -> tuple[Warning, ...]:
    """Measurements: no finding of the contract carries one, so nobody made it."""
    return tuple(
        _warning("measure_not_made", sentence, "nothing was measured")
        for sentence in _sentences(narrative)
        if _MEASURE.search(sentence.text.lower())
    )


def repetitions(narrative: Narrative) -> tuple[Warning, ...]:
    """Sentences said twice in one section, and sentences that go round in a loop."""
    repeated = [
        sentence
        for section in (narrative.findings, narrative.impression)
        for number, sentence in enumerate(section)
        if _plain(sentence) in {_plain(earlier) for earlier in section[:number]} or _loops(sentence.text)
    ]
    return tuple(_warning("text_repeats", sentence, "it is said more than once") for sentence in repeated)


def _loops(text: str) -> bool:
    words = re.findall(r"\w+", text.lower())
    runs = Counter(tuple(words[start : start + _LOOP_WORDS]) for start in range(len(words) - _LOOP_WORDS + 1))
    return max(runs.values(), default=0) >= _LOOP_TIMES


def _plain(sentence: Sentence) -> str:
    return " ".join(re.findall(r"\w+", sentence.text.lower()))


def _sentences(narrative: Narrative) -> tuple[Sentence, ...]:
    return (*narrative.findings, *narrative.impression)


def _warning(code: str, sentence: Sentence, why: str) -> Warning:
    return Warning(code=code, words=f'The draft says "{sentence.text}": {why}.')
