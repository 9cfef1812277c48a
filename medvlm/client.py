"""The contract over HTTP: a model that lives in another process or machine.

No heavy imports. Wire format: JSON of the contract's models; an answer is a stream of JSON lines. Empty lines come
while the model works: a client that has been told to stop leaves at the next one, and its leaving stops the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from medvlm.contract import (
    Answer,
    AnswerText,
    Cancel,
    Finding,
    FindingName,
    ImageSource,
    ModelIdentity,
    Question,
    Reading,
    StudyInput,
    never,
)
from medvlm.errors import MedvlmError, ModelUnavailable

CONNECT_SECONDS = 5.0
STILL_AT_WORK = "\n"
_findings: TypeAdapter[tuple[Finding, ...]] = TypeAdapter(tuple[Finding, ...])


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelCard(Wire):
    """What `GET /v1/model` answers."""

    identity: ModelIdentity
    assessed: tuple[FindingName, ...]


class QuestionnaireRequest(Wire):
    study: StudyInput
    names: tuple[FindingName, ...]


class AskRequest(Wire):
    study: StudyInput
    question: Question


class BurnedInText(Wire):
    """What `POST /v1/burned-in` answers: which signs of a person the words in an image's pixels show, never the words.

    The signs are those of `medvlm.safeguards.burned_in.identity.Sign`.
    """

    signs: tuple[str, ...]


class Problem(Wire):
    """What the server answers when it cannot: an error of `medvlm.errors` by its code."""

    code: str
    detail: str


class BrokenOff(Problem):
    """The last line of an answer that could not be finished."""

    part: Literal["broken_off"] = "broken_off"


_answer_line: TypeAdapter[AnswerText | Answer | BrokenOff] = TypeAdapter(
    Annotated[AnswerText | Answer | BrokenOff, Field(discriminator="part")]
)


class NotStarted(ModelUnavailable):
    """Nobody listens there (yet): waiting may help, the study is not to blame."""


class StoppedWhileAnswering(ModelUnavailable):
    """The server went away in the middle of this study: the study may be to blame."""


class ModelRefused(MedvlmError):
    """The server understood and said no, for the reason given."""

    code = "model_refused"


class RemoteModel:
    """A `Model` behind a URL. `seconds` bounds one call."""

    def __init__(self, url: str, seconds: float = 300.0) -> None:
        self._url = url
        # trust_env off: a proxy of the hospital's must not see what goes to loopback.
        self._http = httpx.Client(
            base_url=url, timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS), trust_env=False
        )

    @property
    def identity(self) -> ModelIdentity:
        return self.card().identity

    @property
    def assessed(self) -> tuple[FindingName, ...]:
        return self.card().assessed

    def card(self) -> ModelCard:
        return ModelCard.model_validate_json(self._call("GET", "/v1/model"))

    def open(self, study: StudyInput) -> RemoteSession:
        return RemoteSession(self, study)

    def preview(self, source: ImageSource) -> bytes:
        """A PNG of one image as displayed. Raises `ModelRefused` where it cannot be decoded."""
        return self._call("POST", "/v1/preview", source)

    def burned_in(self, source: ImageSource) -> BurnedInText:
        """Whether text in the pixels may identify a person. Raises `ModelRefused` where it cannot be read."""
        return BurnedInText.model_validate_json(self._call("POST", "/v1/burned-in", source))

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, path: str, body: BaseModel | None = None) -> bytes:
        try:
            response = self._http.request(method, path, **_json(body))
        except httpx.TransportError as error:
            raise self._unavailable(error) from error
        _raise_problem(response.status_code, response.content)
        return response.content

    def _stream(self, path: str, body: BaseModel, cancel: Cancel) -> Iterator[str]:
        try:
            with self._http.stream("POST", path, **_json(body)) as response:
                if response.status_code != httpx.codes.OK:
                    _raise_problem(response.status_code, response.read())
                for line in response.iter_lines():
                    if cancel():
                        return
                    if line:
                        yield line
        except httpx.TransportError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: httpx.TransportError) -> ModelUnavailable:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return NotStarted("the model server does not answer", where=self._url, way_out="Is `medvlm serve` running?")
        if isinstance(error, httpx.TimeoutException):
            return StoppedWhileAnswering("the model server took too long", where=self._url)
        return StoppedWhileAnswering("the model server stopped while answering", where=self._url)


class RemoteSession:
    """A `StudySession` by reference: the server keeps the encoded study, any server gives the same answer cold."""

    def __init__(self, model: RemoteModel, study: StudyInput) -> None:
        self._model = model
        self._study = study

    def draft(self) -> Reading:
        return Reading.model_validate_json(self._model._call("POST", "/v1/draft", self._study))

    def questionnaire(self, names: Sequence[FindingName]) -> tuple[Finding, ...]:
        request = QuestionnaireRequest(study=self._study, names=tuple(names))
        return _findings.validate_json(self._model._call("POST", "/v1/questionnaire", request))

    def ask(self, question: Question, cancel: Cancel = never) -> Iterator[AnswerText | Answer]:
        request = AskRequest(study=self._study, question=question)
        for line in self._model._stream("/v1/ask", request, cancel):
            part = _answer_line.validate_json(line)
            if isinstance(part, BrokenOff):
                raise ModelRefused(part.detail.rstrip("."), way_out=f"[{part.code}]")
            yield part


def _json(body: BaseModel | None) -> dict[str, Any]:
    if body is None:
        return {}
    return {"content": body.model_dump_json(), "headers": {"content-type": "application/json"}}


def _raise_problem(status: int, content: bytes) -> None:
    if status < httpx.codes.BAD_REQUEST:
        return
    try:
        problem = Problem.model_validate_json(content)
    except ValueError:
        problem = Problem(code="model_error", detail=f"the model server answered {status}")
    raise ModelRefused(problem.detail.rstrip("."), way_out=f"[{problem.code}]")
