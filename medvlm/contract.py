"""What a model takes and gives: the only thing that a node, a page or a validation knows of it.

Frozen pydantic models with a JSON schema. Nothing heavy is imported here. Coordinates are pixels of the
source image as stored (before any resizing), x to the right, y down, (0, 0) the top-left corner of the
top-left pixel (PS3.3 C.18.6); boxes are half-open. Probabilities are calibrated and lie in 0–1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

FindingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""A key of `medvlm.vocabulary`."""

Probability = Annotated[float, Field(ge=0.0, le=1.0)]

Presence = Literal["present", "absent", "indeterminate"]
Laterality = Literal["right", "left", "bilateral", "unspecified"]
View = Literal["PA", "AP", "LATERAL", "unknown"]

RefusalCode = Literal[
    "no_image",
    "unreadable",
    "unsupported_modality",
    "not_frontal_chest_radiograph",
    "wrong_orientation",
    "inverted_polarity",
    "incomplete",
    "outside_population",
    "question_not_understood",
    "finding_not_assessed",
    "image_not_used",
]


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageSource(Contract):
    """One image, by reference. `frame` counts from 1 (PS3.3 C.7.6.6); None means every frame."""

    uri: str
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    frame: Annotated[int, Field(ge=1)] | None = None


class StudyContext(Contract):
    """What the request and the headers say. Free text is data, never instruction."""

    sex: Literal["M", "F", "O", ""] = ""
    age_years: Annotated[float, Field(ge=0, le=150)] | None = None
    view: View = "unknown"
    indication: str = ""


class StudyInput(Contract):
    study_uid: str
    images: tuple[ImageSource, ...]
    context: StudyContext = StudyContext()
    prior: StudyInput | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: the key under which a session may be kept."""
        return _digest(self)


class ModelIdentity(Contract):
    """Which model spoke. Any change of weights, adapter, profile or calibration changes it."""

    name: str
    version: str
    weights_digest: str
    adapter_digest: str = ""
    profile: str = "default"
    calibration: str = ""

    @property
    def digest(self) -> str:
        return _digest(self)


class Warning(Contract):
    """Something that the reader of a result must know; `code` is stable, `words` are for people."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    words: str


class InScope(Contract):
    kind: Literal["in_scope"] = "in_scope"
    view: View = "unknown"


class Refusal(Contract):
    """A stated result: the model was not validated for this. Not an error."""

    kind: Literal["refusal"] = "refusal"
    code: RefusalCode
    reason: str


Scope = Annotated[InScope | Refusal, Field(discriminator="kind")]


class Box(Contract):
    """A place on one source image, in its stored pixels: x0 <= x < x1, y0 <= y < y1."""

    sop_instance_uid: str
    frame: Annotated[int, Field(ge=1)] = 1
    x0: Annotated[float, Field(ge=0)]
    y0: Annotated[float, Field(ge=0)]
    x1: float
    y1: float

    @model_validator(mode="after")
    def _has_area(self) -> Box:
        if not (self.x1 > self.x0 and self.y1 > self.y0):
            raise ValueError("a box needs x1 > x0 and y1 > y0")
        return self


class Finding(Contract):
    """One statement of the questionnaire.

    `image_reliance` is the change of log-odds against a blank image; `tracking_uid` names the same
    lesion across versions of a report (PS3.16 TID 1410, row "Tracking Unique Identifier").
    """

    name: FindingName
    presence: Presence
    probability: Probability
    calibration: str
    laterality: Laterality = "unspecified"
    evidence: tuple[Box, ...] = ()
    image_reliance: float | None = None
    tracking_uid: str


class Sentence(Contract):
    """One sentence of the draft and the findings that it states."""

    text: str
    findings: tuple[FindingName, ...] = ()


class Narrative(Contract):
    findings: tuple[Sentence, ...] = ()
    impression: tuple[Sentence, ...] = ()


class Reading(Contract):
    """What a model says of a study: findings from calibrated probabilities, the narrative written from them."""

    study_uid: str
    model: ModelIdentity
    scope: Scope
    findings: tuple[Finding, ...] = ()
    narrative: Narrative = Narrative()
    not_assessed: tuple[FindingName, ...] = ()
    warnings: tuple[Warning, ...] = ()
    images: tuple[ImageSource, ...] = ()
    created: datetime

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON; results are named from it, so the same reading is the same object."""
        return _digest(self)


class Question(Contract):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
    region: Box | None = None


AnswerKind = Literal["yes_no", "open", "where", "view", "comparison", "refusal"]


class AnswerText(Contract):
    """A piece of an answer, as it is written."""

    part: Literal["text"] = "text"
    text: str


class Answer(Contract):
    """The whole answer, sent last. A refusal is an answer: "cannot be answered from this image"."""

    part: Literal["answer"] = "answer"
    kind: AnswerKind
    text: str
    probability: Probability | None = None
    finding: FindingName | None = None
    refusal: Refusal | None = None
    evidence: tuple[Box, ...] = ()
    image_reliance: float | None = None
    model: ModelIdentity
    warnings: tuple[Warning, ...] = ()


AnswerPart = Annotated[AnswerText | Answer, Field(discriminator="part")]

Cancel = Callable[[], bool]
"""Asked between tokens; True stops the answer."""


def never() -> bool:
    return False


class StudySession(Protocol):
    """A study encoded once. Every call forks that work; none changes another's result."""

    def draft(self) -> Reading: ...

    def questionnaire(self, names: Sequence[FindingName]) -> tuple[Finding, ...]:
        """Calibrated findings in the order asked.

        Raises `UnknownFinding` for a name that the model was not validated for. Out-of-scope studies give ().
        """
        ...

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]: ...


class Model(Protocol):
    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        """The findings that the model was validated for."""
        ...

    def open(self, study: StudyInput) -> StudySession: ...


def _digest(model: BaseModel) -> str:
    canonical = json.dumps(model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
