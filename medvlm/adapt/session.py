"""A study read by an adapted model: taught findings are asked of the adapted network, all else of the untouched base.

The two share the encoder's features of a film, never a key-value prefix: a prefix belongs to the adapter that wrote it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

from medvlm.adapt.adapter import Taught, TaughtFinding
from medvlm.adapt.network import TaughtNetwork
from medvlm.adapt.understanding import taught_question
from medvlm.contract import (
    Answer,
    AnswerText,
    Cancel,
    Finding,
    FindingName,
    ModelIdentity,
    Presence,
    Question,
    Reading,
    Refusal,
    StudyInput,
    Warning,
    never,
)
from medvlm.engine.embedded_session import EmbeddedSession
from medvlm.engine.narrative import narrative
from medvlm.engine.questionnaire import tracking_uid
from medvlm.errors import UnknownFinding


class AdaptedSession:
    """`medvlm.contract.StudySession` around the base's session of the same study."""

    def __init__(
        self,
        study: StudyInput,
        base: EmbeddedSession,
        taught: Taught,
        network: TaughtNetwork,
        blank: Mapping[FindingName, float],
        identity: ModelIdentity,
    ) -> None:
        self._study = study
        self._base = base
        self._taught = taught
        self._network = network
        self._blank = blank
        self._identity = identity
        self._reading: Reading | None = None
        self._asked: dict[FindingName, Finding] | None = None
        self._working = threading.RLock()

    @property
    def nbytes(self) -> int:
        return self._base.nbytes

    def draft(self) -> Reading:
        """The base's draft under the adapted identity, without the findings that the adapter answers for."""
        with self._working:
            if self._reading is None:
                self._reading = self._draft(self._base.draft())
            return self._reading

    def _draft(self, reading: Reading) -> Reading:
        left = tuple(finding for finding in reading.findings if finding.name not in self._taught.names)
        update: dict[str, object] = {"model": self._identity}
        if left != reading.findings:
            taken = tuple(finding.name for finding in reading.findings if finding.name in self._taught.names)
            update |= {
                "findings": left,
                "narrative": narrative(left),
                "not_assessed": (*reading.not_assessed, *taken),
            }
        return reading.model_copy(update=update)

    def questionnaire(self, names: Sequence[FindingName]) -> tuple[Finding, ...]:
        """As of the base, and taught findings too: calibrated on a dozen films, not validated."""
        own = self._findings()
        base = [name for name in names if name not in self._taught.names]
        try:
            found = {finding.name: finding for finding in self._base.questionnaire(base)}
        except UnknownFinding as error:
            named = ", ".join(self._taught.names)
            raise UnknownFinding(error.what, way_out=f"{error.way_out}; taught: {named}") from None
        if self._base.film.encoded is None:
            return ()
        return tuple(own[name] if name in own else found[name] for name in names)

    def _findings(self) -> dict[FindingName, Finding]:
        with self._working:
            if self._asked is None:
                encoded = self._base.film.encoded
                z = {} if encoded is None else self._network.log_odds(encoded.features)
                self._asked = {
                    finding.name: self._finding(finding, z[finding.name])
                    for finding in self._taught.findings
                    if finding.name in z
                }
            return self._asked

    def _finding(self, taught: TaughtFinding, z: float) -> Finding:
        map_ = taught.calibration
        probability = map_.probability(z)
        reliance = map_.log_odds(z) - map_.log_odds(self._blank[taught.name])
        seen = abs(reliance) > self._taught.reliance_floor
        return Finding(
            name=taught.name,
            presence=map_.presence(probability) if seen else "indeterminate",
            probability=probability,
            calibration=f"adapter-{self._identity.adapter_digest[:12]}",
            image_reliance=reliance,
            tracking_uid=tracking_uid(self._study.study_uid, taught.name),
        )

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        """A question about a taught finding is answered with a warning; any other by the base."""
        asked = taught_question(question.text, self._taught)
        if asked is None or question.region is not None or isinstance(self._base.film.scope, Refusal):
            for part in self._base.ask(question, cancel):
                yield part.model_copy(update={"model": self._identity}) if isinstance(part, Answer) else part
            return
        answer = self._answer(asked[0], asked[1])
        if not cancel():
            yield AnswerText(text=answer.text)
        if not cancel():
            yield answer

    def _answer(self, taught: TaughtFinding, negated: bool) -> Answer:
        found = self._findings()[taught.name]
        warnings = (*self._base.film.warnings, not_validated(taught))
        reliance = found.image_reliance or 0.0
        if abs(reliance) <= self._taught.reliance_floor:
            reason = "A blank image would have given the same answer"
            return Answer(
                kind="refusal",
                text=f"Cannot be answered from this image. {reason}.",
                refusal=Refusal(code="image_not_used", reason=reason),
                finding=taught.name,
                image_reliance=reliance,
                model=self._identity,
                warnings=warnings,
            )
        return Answer(
            kind="yes_no",
            text=in_words(taught, found.presence, negated),
            probability=1.0 - found.probability if negated else found.probability,
            finding=taught.name,
            image_reliance=-reliance if negated else reliance,
            model=self._identity,
            warnings=warnings,
        )


def in_words(taught: TaughtFinding, presence: Presence, negated: bool) -> str:
    """The answer to a yes/no question: "Yes. No effusion is seen." where the question was for its absence."""
    if presence == "indeterminate":
        return taught.term.indeterminate[0]
    affirmed = (presence == "present") != negated
    statement = taught.term.present[0] if presence == "present" else taught.term.absent[0]
    return f"{'Yes' if affirmed else 'No'}. {statement}"


def not_validated(taught: TaughtFinding) -> Warning:
    words = f"{taught.term.display} was taught from a few films of this site and has not been validated."
    return Warning(code="not_validated", words=words)
