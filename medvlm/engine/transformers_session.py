"""One study on a model of transformers: encoded once; findings, draft and questions are forks of its prefix."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from medvlm.contract import (
    Answer,
    AnswerKind,
    AnswerText,
    Cancel,
    Finding,
    FindingName,
    ModelIdentity,
    Question,
    Reading,
    Refusal,
    StudyInput,
    Warning,
    never,
)
from medvlm.engine.answers import IMAGE_NOT_USED, NOT_VALIDATED, closed, neither, place_asked, refused
from medvlm.engine.calibration import Calibration
from medvlm.engine.drafting import Found, reading_of
from medvlm.engine.generation import AnswerLimits, Generation, Seconds
from medvlm.engine.questionnaire import finding
from medvlm.engine.questions import AboutFilm, AboutFinding, understand
from medvlm.engine.study_encoding import Engine, StudyEncoding
from medvlm.engine.study_pictures import StudyPictures
from medvlm.errors import UnknownFinding
from medvlm.families.answer_text import AnswerText as ShownAnswer
from medvlm.families.boxes import contract_box, read_located
from medvlm.families.profile import Pieces
from medvlm.safeguards.coherence import coherent

OPEN_RELIANCE_FLOOR = 0.01
"""Nats a token: an answer in words that blank images make as likely as this study's was not read from the images."""

_RELIANCE_TOKENS = 64
"""The beginning tells whether the images were used; with a vocabulary of 262,144 a token has 1 MB of logits."""
_NO_ANSWER = Refusal(code="question_not_understood", reason="The model gave no answer")


@dataclass(frozen=True)
class Speaker:
    """Who answers: an engine under one adapter, what it was validated for, and its clocks."""

    engine: Engine
    adapter: str
    calibration: Calibration | None
    identity: ModelIdentity
    limits: AnswerLimits
    clock: Callable[[], datetime]
    seconds: Seconds


class TransformersSession:
    """`medvlm.contract.StudySession`. Findings are asked without any text of the request in the prompt."""

    def __init__(self, study: StudyInput, seen: StudyPictures, speaker: Speaker) -> None:
        self.seen = seen
        self._study = study
        self._speaker = speaker
        self._engine = speaker.engine
        self._family = speaker.engine.family
        self._encoding = StudyEncoding(speaker.engine, speaker.adapter, seen.pictures)
        self._reading: Reading | None = None
        self._asked: Found | None = None
        self._working = threading.RLock()

    @property
    def nbytes(self) -> int:
        """Pictures, their features and the prefixes kept; each storage once."""
        return self._encoding.nbytes + sum(picture.pixels.nbytes for picture in self.seen.pictures)

    def draft(self) -> Reading:
        """The same object on every call. Without a calibration nothing is assessed and nothing is said."""
        with self._working:
            if self._reading is None:
                self._reading = self._draft()
            return self._reading

    def _draft(self) -> Reading:
        asked = self._findings()
        return reading_of(
            self._study,
            self._speaker.identity,
            self.seen.scope,
            self.seen.sources,
            Found(asked.findings, (*self._warnings, *asked.warnings)),
            {one.name for one in asked.findings},
            self._speaker.clock(),
        )

    def questionnaire(self, names: Sequence[FindingName]) -> tuple[Finding, ...]:
        """See `medvlm.contract.StudySession`. A finding that was answered neither yes nor no is left out."""
        validated = self._speaker.calibration.assessed if self._speaker.calibration else ()
        for name in names:
            if name not in validated:
                way_out = (
                    "Validated: " + (", ".join(validated) or "nothing; put a calibration beside the weights") + "."
                )
                raise UnknownFinding(f"the model was not validated for {name!r}", way_out=way_out)
        found = {one.name: one for one in self._findings().findings}
        return tuple(found[name] for name in names if name in found)

    def _findings(self) -> Found:
        """Every assessed finding, asked once in one packed row."""
        with self._working:
            if self._asked is None:
                self._asked = self._ask_findings()
            return self._asked

    def _ask_findings(self) -> Found:
        calibration = self._speaker.calibration
        if calibration is None or not calibration.assessed or isinstance(self.seen.scope, Refusal):
            return Found()
        questions = [(name, text) for name in calibration.assessed for text in calibration.findings[name].wordings]
        turns = [self._family.turn(text + self._family.closed_hint, True) for _, text in questions]
        prefix = self._family.prefix(self.seen.parts.without_text)
        answers = self._engine.yes_no(self._speaker.adapter, self._encoding.prefix(prefix), turns)
        over_blank = self._blank.kept_log_odds(prefix, turns)
        found, unanswered = [], []
        for name in calibration.assessed:
            rows = [row for row, (asked, _) in enumerate(questions) if asked == name]
            if not all(answers[row].answered for row in rows):
                unanswered.append(name)
                continue
            z = sum(answers[row].log_odds for row in rows) / len(rows)
            blank = {name: sum(over_blank[row] for row in rows) / len(rows)}
            found.append(finding(name, z, blank, calibration, self._study.study_uid))
        mended, doubts = coherent(found)
        return Found(mended, (*doubts, *map(neither, unanswered)))

    @property
    def _blank(self) -> StudyEncoding:
        return self._engine.blank(self._speaker.adapter, len(self.seen.pictures))

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        """The answer as it is written; ends without one when `cancel` says so."""
        if isinstance(self.seen.scope, Refusal):
            yield self._refused(self.seen.scope)
        elif question.region is not None:
            reason = "Questions about a marked region are not answered by this model"
            yield self._refused(Refusal(code="question_not_understood", reason=reason))
        elif (known := self._known(question.text)) is not None:
            yield from _written(known, cancel)
        else:
            yield from self._open(question.text, cancel)

    def _known(self, text: str) -> Answer | None:
        """The answer to a question about what the model was validated for; None for any other."""
        calibration = self._speaker.calibration
        if calibration is None:
            return None
        match understand(text):
            case AboutFinding(name) as asked if name in calibration.assessed:
                found = {one.name: one for one in self._findings().findings}
                return closed(asked, found.get(name), calibration, self._speaker.identity, self._warnings)
            case AboutFilm():
                said = " ".join(sentence.text for sentence in self.draft().narrative.findings)
                return Answer(kind="open", text=said, model=self._speaker.identity, warnings=self._warnings)
        return None

    def _open(self, text: str, cancel: Cancel) -> Iterator[AnswerText | Answer]:
        kind, prefix, turn = self._prompt(text)
        generation = Generation(self._engine, self._speaker.adapter, self._speaker.limits, self._speaker.seconds)
        shown = ShownAnswer(self._family)
        streams = kind != "where"  # boxes are nothing to look at while they are written
        for piece in generation.pieces(self._encoding.prefix(prefix), turn, cancel):
            if (new := shown.feed(piece)) and streams:
                yield AnswerText(text=new)
        if generation.ended == "cancelled":
            return
        if (rest := shown.rest()) and streams:
            yield AnswerText(text=rest)
        yield self._said(kind, shown.whole, self._reliance(prefix, turn, generation), generation)

    def _prompt(self, text: str) -> tuple[AnswerKind, Pieces, Pieces]:
        """A place and a report are asked for in the family's own words, anything else as it was typed."""
        bare = self._family.prefix(self.seen.parts.without_text)
        if self._family.where is not None and (phrase := place_asked(text)):
            return "where", bare, self._family.where(phrase, True)
        if isinstance(understand(text), AboutFilm):
            return "open", self._family.prefix(self.seen.parts), self._family.report(self.seen.parts)
        return "open", bare, self._family.turn(text, False)

    def _reliance(self, prefix: Pieces, turn: Pieces, generation: Generation) -> float | None:
        """By how much the images made the answer likelier, nats a token; None for an answer without words."""
        if not generation.ids:
            return None
        over = [self._encoding.prefix(prefix), self._blank.prefix(prefix)]
        answer = generation.ids[:_RELIANCE_TOKENS]
        given, blank = self._engine.log_likelihoods(self._speaker.adapter, over, turn, answer)
        return float(given - blank)

    def _said(self, kind: AnswerKind, text: str, reliance: float | None, generation: Generation) -> Answer:
        if reliance is None or not text:
            return self._refused(_NO_ANSWER)
        if abs(reliance) < OPEN_RELIANCE_FLOOR:
            return self._refused(IMAGE_NOT_USED)
        warnings, evidence, words = list(self._unchecked), [], text
        if self._family.boxes is not None and not self.seen.parts.of("slice"):  # a box names no slice
            read = read_located(text, self._family.boxes, self.seen.pictures[0].shown)
            evidence = [contract_box(located, self.seen.sources[0]) for located in read.located]
            words = read.words or ", ".join(dict.fromkeys(one.label for one in read.located)) or text
            warnings += read.warnings
        if generation.ended in ("length", "time"):
            warnings.append(Warning(code="answer_cut", words="The answer was cut off at its greatest length or time."))
        return Answer(
            kind=kind,
            text=words,
            evidence=tuple(evidence),
            image_reliance=reliance,
            model=self._speaker.identity,
            warnings=tuple(warnings),
        )

    def _refused(self, refusal: Refusal) -> Answer:
        return refused(refusal, self._speaker.identity, self._warnings)

    @property
    def _warnings(self) -> tuple[Warning, ...]:
        return self.seen.warnings if self._speaker.calibration else self._unchecked

    @property
    def _unchecked(self) -> tuple[Warning, ...]:
        """Words that the model chose itself are not validated, whatever its findings are."""
        return (*self.seen.warnings, NOT_VALIDATED)


def _written(answer: Answer, cancel: Cancel) -> Iterator[AnswerText | Answer]:
    if not cancel():
        yield AnswerText(text=answer.text)
    if not cancel():
        yield answer
