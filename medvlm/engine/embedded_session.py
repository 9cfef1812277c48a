"""One study encoded once: draft, questionnaire and questions, each on a fork of the same prefix."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from medvlm.contract import (
    Answer,
    AnswerKind,
    AnswerText,
    Box,
    Cancel,
    Finding,
    FindingName,
    ImageSource,
    InScope,
    ModelIdentity,
    Question,
    Reading,
    Refusal,
    Scope,
    StudyInput,
    Warning,
    never,
)
from medvlm.engine.calibration import Calibration
from medvlm.engine.drafting import Found, reading_of
from medvlm.engine.narrative import (
    extent_words,
    not_assessed_words,
    place_words,
    side_words,
    statement,
)
from medvlm.engine.network import Encoded, Network
from medvlm.engine.questionnaire import finding, mean_log_odds
from medvlm.engine.questions import (
    AboutComparison,
    AboutFilm,
    AboutFinding,
    AboutNotAssessed,
    AboutPlace,
    AboutSeveral,
    AboutSide,
    AboutView,
    NotUnderstood,
    Reason,
    Understood,
    understand,
)
from medvlm.errors import UnknownFinding
from medvlm.safeguards.coherence import coherent
from medvlm.vocabulary import term


@dataclass(frozen=True)
class Film:
    """What a session rests on: the scope, the image read, warnings, and the encoding (None when refused).

    `written` tells what is burned into the film; it is asked once, for the draft.
    """

    scope: Scope
    sources: tuple[ImageSource, ...]
    warnings: tuple[Warning, ...]
    encoded: Encoded | None
    locate: Locate | None = None
    written: Callable[[], tuple[Warning, ...]] = tuple


Locate = Callable[[FindingName], Box | None]
"""Where a finding that is present lies on the film; None for one whose place is not given."""


class EmbeddedSession:
    """`medvlm.contract.StudySession`. The findings are asked once and kept; no call changes another's result."""

    def __init__(
        self,
        study: StudyInput,
        film: Film,
        network: Network,
        calibration: Calibration,
        blank: Mapping[FindingName, float],
        identity: ModelIdentity,
        clock: Callable[[], datetime],
    ) -> None:
        self.film = film
        self._study = study
        self._network = network
        self._calibration = calibration
        self._blank = blank
        self._identity = identity
        self._clock = clock
        self._reading: Reading | None = None
        self._findings: tuple[tuple[Finding, ...], tuple[Warning, ...]] | None = None
        self._working = threading.RLock()

    @property
    def nbytes(self) -> int:
        return 0 if self.film.encoded is None else self.film.encoded.nbytes

    def draft(self) -> Reading:
        """The reading of the study; the same object on every call, so that its digest stays."""
        with self._working:
            if self._reading is None:
                self._reading = self._draft()
            return self._reading

    def _draft(self) -> Reading:
        findings, doubts = self._asked()
        return reading_of(
            self._study,
            self._identity,
            self.film.scope,
            self.film.sources,
            Found(findings, (*self.film.warnings, *self.film.written(), *doubts)),
            self._calibration.assessed,
            self._clock(),
        )

    def questionnaire(self, names: Sequence[FindingName]) -> tuple[Finding, ...]:
        """See `medvlm.contract.StudySession.questionnaire`."""
        for name in names:
            if name not in self._calibration.assessed:
                raise UnknownFinding(
                    f"the model was not validated for {name!r}",
                    way_out="Validated: " + ", ".join(self._calibration.assessed),
                )
        if self.film.encoded is None:
            return ()
        found = {finding.name: finding for finding in self._asked()[0]}
        return tuple(found[name] for name in names)

    def _asked(self) -> tuple[tuple[Finding, ...], tuple[Warning, ...]]:
        """Every assessed finding, asked once in one packed row, and what had to be left open among them."""
        with self._working:
            if self._findings is None:
                self._findings = coherent(self._answers())
            return self._findings

    def _answers(self) -> tuple[Finding, ...]:
        names = self._calibration.assessed
        if self.film.encoded is None or not names:
            return ()
        z = mean_log_odds(self._network, self.film.encoded.prefix, self._calibration, names)
        found = (finding(name, z[name], self._blank, self._calibration, self._study.study_uid) for name in names)
        return tuple(self._located(each) for each in found)

    def _located(self, found: Finding) -> Finding:
        """With its place on the film, where it is present and has one."""
        box = self.film.locate(found.name) if found.presence == "present" and self.film.locate else None
        return found if box is None else found.model_copy(update={"evidence": (box,)})

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        """Parts of the answer's text, then the answer. Ends without one when `cancel` says so."""
        answer = self._answer(question)
        for number, sentence in enumerate(_sentences(answer.text)):
            if cancel():
                return
            yield AnswerText(text=sentence if number == 0 else f" {sentence}")
        if not cancel():
            yield answer

    def _answer(self, question: Question) -> Answer:
        if isinstance(self.film.scope, Refusal):
            return self._refused(self.film.scope)
        if question.region is not None:
            return self._refused(_not_understood("The embedded model does not answer about a marked region"))
        return self._answer_understood(understand(question.text), self.film.scope)

    def _answer_understood(self, asked: Understood, scope: InScope) -> Answer:
        match asked:
            case AboutFinding(name, negated) if name in self._calibration.assessed:
                return self._answer_closed(name, negated)
            case AboutPlace(name) | AboutSide(name) if name in self._calibration.assessed:
                return self._answer_where(name, side_only=isinstance(asked, AboutSide))
            case AboutFinding(name) | AboutPlace(name) | AboutSide(name):
                return self._refused(_not_assessed(name))
            case AboutSeveral(names):
                return self._answer_several(names)
            case AboutView() if scope.view == "unknown":
                return self._refused(_not_understood("The view cannot be told from this image"))
            case AboutView():
                return self._said("view", f"{scope.view} view.")
            case AboutFilm():
                reading = self.draft()
                return self._said("open", " ".join(sentence.text for sentence in reading.narrative.findings))
            case AboutNotAssessed():
                return self._said("open", extent_words(self._calibration.assessed))
            case AboutComparison():
                return self._refused(_not_understood(_NO_COMPARISON))
            case NotUnderstood(why):
                return self._refused(_not_understood(_WHY[why]))

    def _answer_closed(self, name: FindingName, negated: bool) -> Answer:
        """Probability and reliance are those of the answer "yes": a negated question turns both round."""
        (asked,) = self.questionnaire((name,))
        if self._unmoved(asked):
            return self._refused(_IMAGE_NOT_USED, asked)
        affirmed = (asked.presence == "present") != negated
        lead = "" if asked.presence == "indeterminate" else ("Yes. " if affirmed else "No. ")
        return Answer(
            kind="yes_no",
            text=f"{lead}{statement(name, asked.presence)}",
            probability=1.0 - asked.probability if negated else asked.probability,
            finding=name,
            image_reliance=-(asked.image_reliance or 0.0) if negated else asked.image_reliance,
            model=self._identity,
            warnings=self.film.warnings,
        )

    def _answer_where(self, name: FindingName, side_only: bool) -> Answer:
        """The place of a finding that is present, when it has one; of any other, that it has none to show."""
        (asked,) = self.questionnaire((name,))
        if self._unmoved(asked):
            return self._refused(_IMAGE_NOT_USED, asked)
        place = (side_words(asked) if side_only else place_words(asked)) if asked.presence == "present" else ""
        if place is None:
            what = "side" if side_only else "place"
            return self._refused(_not_understood(f"The {what} is not given for this finding"), asked)
        return Answer(
            kind="where",
            text=f"{statement(name, asked.presence)} {place}".strip(),
            probability=asked.probability,
            finding=name,
            evidence=asked.evidence if place else (),
            image_reliance=asked.image_reliance,
            model=self._identity,
            warnings=self.film.warnings,
        )

    def _answer_several(self, names: Sequence[FindingName]) -> Answer:
        """Each finding stated, one after the other, and those that are not assessed named."""
        assessed = [name for name in names if name in self._calibration.assessed]
        if not assessed:
            return self._refused(_not_assessed(*names))
        said = [statement(found.name, found.presence) for found in self.questionnaire(assessed)]
        left = [name for name in names if name not in assessed]
        return self._said("open", " ".join([*said, *([not_assessed_words(left)] if left else [])]))

    def _unmoved(self, asked: Finding) -> bool:
        return abs(asked.image_reliance or 0.0) <= self._calibration.reliance_floor

    def _said(self, kind: AnswerKind, text: str) -> Answer:
        return Answer(kind=kind, text=text, model=self._identity, warnings=self.film.warnings)

    def _refused(self, refusal: Refusal, asked: Finding | None = None) -> Answer:
        return Answer(
            kind="refusal",
            text=f"Cannot be answered from this image. {refusal.reason}.",
            refusal=refusal,
            finding=asked.name if asked else None,
            image_reliance=asked.image_reliance if asked else None,
            model=self._identity,
            warnings=self.film.warnings,
        )


_CAN = "Ask whether one finding is present or where it is, for the view, or to describe the film"
_NO_COMPARISON = f"The embedded model reads one film and does not compare. {_CAN}"
_IMAGE_NOT_USED = Refusal(code="image_not_used", reason="A blank image would have given the same answer")
_WHY: dict[Reason, str] = {
    "unknown": f"The question holds words that the model does not know. {_CAN}",
    "language": f"Questions are understood in English only. {_CAN}",
    "several": "Ask about one finding at a time",
    "polarity": "Ask whether the finding is present, without a denial",
    "ambiguous": "The words may mean several findings. Name one: pneumothorax, atelectasis, pleural effusion or edema",
    "place": f"The embedded model has no answer for a given side or place. {_CAN}",
    "degree": f"The embedded model gives no sizes, counts or degrees. {_CAN}",
}


def _not_understood(reason: str) -> Refusal:
    return Refusal(code="question_not_understood", reason=reason)


def _not_assessed(*names: FindingName) -> Refusal:
    named = " and ".join(term(name).display for name in names)
    return Refusal(
        code="finding_not_assessed", reason=f"{named} {'is' if len(names) == 1 else 'are'} not assessed by this model"
    )


def _sentences(text: str) -> list[str]:
    return [part if part.endswith(".") else f"{part}." for part in text.rstrip(".").split(". ")]
