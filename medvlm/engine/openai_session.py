"""One study on an OpenAI-compatible server: its images are made into data URLs once, every question stands alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from medvlm.engine.first_token import YesNo, yes_no
from medvlm.engine.openai_messages import data_url, messages
from medvlm.engine.openai_wire import Messages, OpenAIServer, WithoutProbability
from medvlm.engine.questionnaire import finding
from medvlm.engine.questions import AboutFilm, AboutFinding, understand
from medvlm.engine.study_pictures import StudyPictures
from medvlm.errors import UnknownFinding
from medvlm.families.answer_text import AnswerText as ShownAnswer
from medvlm.families.boxes import contract_box, read_located
from medvlm.families.pictures import blank_picture
from medvlm.families.profile import Family, Pieces
from medvlm.safeguards.coherence import coherent

WITHOUT_PROBABILITY = Warning(
    code="without_probability", words="The model server tells no probabilities, so no finding was asked."
)


class OpenAISession:
    """`medvlm.contract.StudySession`. Findings are asked without any text of the request in the prompt."""

    def __init__(
        self,
        study: StudyInput,
        seen: StudyPictures,
        family: Family,
        server: OpenAIServer,
        calibration: Calibration | None,
        blank: MutableMapping[str, float],
        identity: ModelIdentity,
        clock: Callable[[], datetime],
    ) -> None:
        self.seen = seen
        self._study = study
        self._family = family
        self._server = server
        self._calibration = calibration
        self._blank = blank
        self._identity = identity
        self._clock = clock
        self._images = tuple(data_url(picture) for picture in seen.pictures)
        self._blanks = (data_url(blank_picture(family)),) * len(seen.pictures)
        self._reading: Reading | None = None
        self._asked: Found | None = None
        self._working = threading.RLock()

    @property
    def nbytes(self) -> int:
        return sum(map(len, self._images)) + sum(picture.pixels.nbytes for picture in self.seen.pictures)

    def draft(self) -> Reading:
        """The same object on every call. Without a calibration, or without probabilities, nothing is assessed."""
        with self._working:
            if self._reading is None:
                self._reading = self._draft()
            return self._reading

    def _draft(self) -> Reading:
        try:
            asked = self._findings()
        except WithoutProbability:
            asked = Found((), (WITHOUT_PROBABILITY,))
        return reading_of(
            self._study,
            self._identity,
            self.seen.scope,
            self.seen.sources,
            Found(asked.findings, (*self._warnings, *asked.warnings)),
            {one.name for one in asked.findings},
            self._clock(),
        )

    def questionnaire(self, names: Sequence[FindingName]) -> tuple[Finding, ...]:
        """See the contract. Raises `WithoutProbability` where the server tells none: never a 1.0 for a "yes"."""
        validated = self._calibration.assessed if self._calibration else ()
        for name in names:
            if name not in validated:
                way_out = "Validated: " + (", ".join(validated) or "nothing; give a calibration file")
                raise UnknownFinding(f"the model was not validated for {name!r}", way_out=way_out)
        if not self._images:
            return ()
        found = {one.name: one for one in self._findings().findings}
        return tuple(found[name] for name in names if name in found)

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        """The answer as the server writes it; ends without one when `cancel` says so, the connection closed."""
        if isinstance(self.seen.scope, Refusal):
            yield self._refused(self.seen.scope)
            return
        if question.region is not None:
            reason = "Questions about a marked region are not answered by this model"
            yield self._refused(Refusal(code="question_not_understood", reason=reason))
            return
        asked, calibration = understand(question.text), self._calibration
        if isinstance(asked, AboutFinding) and calibration is not None and asked.name in calibration.assessed:
            yield from _written(self._closed(asked, calibration), cancel)
        elif isinstance(asked, AboutFilm) and calibration is not None:
            yield from _written(self._described(), cancel)
        elif isinstance(asked, AboutFilm):
            parts = self.seen.parts
            yield from self._open("open", self._family.prefix(parts), self._family.report(parts), cancel)
        else:
            kind, turn = self._turn(question.text)
            yield from self._open(kind, self._family.prefix(self.seen.parts.without_text), turn, cancel)

    def _turn(self, text: str) -> tuple[AnswerKind, Pieces]:
        """ "Where is the effusion?" is asked in the family's own words, anything else as it was typed."""
        if self._family.where is not None and (phrase := place_asked(text)):
            return "where", self._family.where(phrase, True)
        return "open", self._family.turn(text, False)

    def _closed(self, asked: AboutFinding, calibration: Calibration) -> Answer:
        try:
            found = {one.name: one for one in self._findings().findings}
        except WithoutProbability as error:
            return self._refused(Refusal(code="finding_not_assessed", reason=error.what.capitalize()))
        return closed(asked, found.get(asked.name), calibration, self._identity, self._warnings)

    def _described(self) -> Answer:
        """Of a validated model: the draft's sentences, which follow its probabilities."""
        said = " ".join(sentence.text for sentence in self.draft().narrative.findings)
        words = said or "Nothing that was validated can be stated."
        return Answer(kind="open", text=words, model=self._identity, warnings=self.draft().warnings)

    def _open(self, kind: AnswerKind, prefix: Pieces, turn: Pieces, cancel: Cancel) -> Iterator[AnswerText | Answer]:
        """The same question goes out over blank images: an answer that is the same word for word is not given."""
        shown, ended = ShownAnswer(self._family), ""
        streams = kind != "where"  # boxes are nothing to look at while they are written
        with ThreadPoolExecutor(1) as beside:
            stop = threading.Event()
            over_blank = beside.submit(self._whole, messages(self._family, prefix, turn, self._blanks), stop.is_set)
            try:
                for delta in self._server.stream(self._messages(prefix, turn), cancel, self._markup):
                    ended = delta.ended or ended
                    if (new := shown.feed(delta.text)) and streams:
                        yield AnswerText(text=new)
                if cancel():
                    return
                if (rest := shown.rest()) and streams:
                    yield AnswerText(text=rest)
                yield self._said(kind, shown.whole, over_blank.result(), ended)
            finally:
                stop.set()

    def _messages(self, prefix: Pieces, turn: Pieces) -> Messages:
        return messages(self._family, prefix, turn, self._images)

    def _whole(self, said: Messages, cancel: Cancel) -> str:
        shown = ShownAnswer(self._family)
        for delta in self._server.stream(said, cancel, self._markup):
            shown.feed(delta.text)
        return shown.whole

    def _said(self, kind: AnswerKind, text: str, over_blank: str, ended: str) -> Answer:
        if text.casefold().split() == over_blank.casefold().split():
            return self._refused(IMAGE_NOT_USED)
        # Words that the model chose itself are not validated, whatever its findings are.
        warnings, evidence, words = [*self.seen.warnings, NOT_VALIDATED], [], text
        if self._family.boxes is not None and not self.seen.parts.of("slice"):
            read = read_located(text, self._family.boxes, self.seen.pictures[0].shown)
            evidence = [contract_box(located, self.seen.sources[0]) for located in read.located]
            words = read.words or ", ".join(dict.fromkeys(one.label for one in read.located)) or text
            warnings += read.warnings
        if ended == "length":
            warnings.append(Warning(code="answer_cut", words="The answer was cut off at its greatest length."))
        return Answer(kind=kind, text=words, evidence=tuple(evidence), model=self._identity, warnings=tuple(warnings))

    @property
    def _markup(self) -> bool:
        syntax = self._family.boxes.syntax if self._family.boxes else ""
        return syntax in ("maira", "chexagent") or self._family.thinking is not None

    @property
    def _warnings(self) -> tuple[Warning, ...]:
        return self.seen.warnings if self._calibration else (*self.seen.warnings, NOT_VALIDATED)

    def _refused(self, refusal: Refusal) -> Answer:
        return refused(refusal, self._identity, self._warnings)

    def _findings(self) -> Found:
        with self._working:
            if self._asked is None:
                self._asked = self._ask_findings()
            return self._asked

    def _ask_findings(self) -> Found:
        """Every assessed finding in its wordings, over the images and over blank ones."""
        if self._calibration is None or not self._images:
            return Found((), ())
        calibration = self._calibration
        wordings = {name: calibration.findings[name].wordings for name in calibration.assessed}
        answers = self._first_tokens([text for texts in wordings.values() for text in texts])
        blank = self._over_blank([text for texts in wordings.values() for text in texts])
        found, silent = [], []
        for name, texts in wordings.items():
            if not all(answers[text].answered for text in texts):
                silent.append(name)
                continue
            z = sum(answers[text].log_odds for text in texts) / len(texts)
            z_blank = {name: sum(blank[text] for text in texts) / len(texts)}
            found.append(finding(name, z, z_blank, calibration, self._study.study_uid))
        mended, doubts = coherent(found)
        return Found(mended, (*doubts, *map(neither, silent)))

    def _first_tokens(self, texts: Sequence[str]) -> dict[str, YesNo]:
        return dict(zip(texts, self._yes_no([self._question(text, self._images) for text in texts]), strict=True))

    def _over_blank(self, texts: Sequence[str]) -> dict[str, float]:
        """What blank images say, asked once for each question and set of roles."""
        roles = " ".join(picture.role for picture in self.seen.parts.pictures)
        keys = {text: f"{roles}|{text}" for text in texts}
        missing = [text for text in texts if keys[text] not in self._blank]
        answers = self._yes_no([self._question(text, self._blanks) for text in missing])
        self._blank.update({keys[text]: answer.log_odds for text, answer in zip(missing, answers, strict=True)})
        return {text: self._blank[keys[text]] for text in texts}

    def _yes_no(self, many: Sequence[Messages]) -> list[YesNo]:
        listed = self._server.first_tokens(many)
        return [yes_no(one.listed, self._family.yes, self._family.no) for one in listed]

    def _question(self, text: str, images: Sequence[str]) -> Messages:
        prefix = self._family.prefix(self.seen.parts.without_text)
        return messages(self._family, prefix, self._family.turn(text + self._family.closed_hint, True), images)


def _written(answer: Answer, cancel: Cancel) -> Iterator[AnswerText | Answer]:
    if not cancel():
        yield AnswerText(text=answer.text)
    if not cancel():
        yield answer
