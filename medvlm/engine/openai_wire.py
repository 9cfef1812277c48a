"""The OpenAI chat protocol as vLLM, SGLang and `transformers serve` speak it: one client, cancel and time-outs.

In: messages. Out: an answer piece by piece, or the probabilities of its first token. Errors never repeat what the
server said: its words may quote the request, and the request may hold a patient's data.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from medvlm.client import ModelRefused, NotStarted, StoppedWhileAnswering
from medvlm.contract import Cancel, never
from medvlm.errors import MedvlmError

Messages = list[dict[str, Any]]
Result = TypeVar("Result")
_POLL_SECONDS = 0.05
TOP_LOGPROBS = 20
"""What vLLM allows unless told otherwise (`--max-logprobs`)."""


class Timeouts(BaseModel):
    """Seconds: to connect, to the first token, from token to token, for the whole answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect: float = 5.0
    first_token: float = 120.0
    between_tokens: float = 30.0
    total: float = 300.0


class ServerSettings(BaseModel):
    """An OpenAI-compatible server and the model on it.

    `family` is a name of `medvlm.families.registry`. `weights_digest` is what whoever runs the server states: the
    protocol does not tell it. `at_once` bounds how many questions are on the way together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    model: str
    family: str
    api_key: SecretStr | None = None
    weights_digest: str = ""
    timeouts: Timeouts = Timeouts()
    answer_tokens: int = 512
    at_once: int = 8


class Delta(BaseModel):
    """A piece of an answer. `ended` is the server's reason on the last piece ("stop", "length"), else ""."""

    model_config = ConfigDict(frozen=True)

    text: str
    ended: str = ""


class FirstToken(BaseModel):
    """(spelling, log-probability) of the likeliest first tokens, as many as the server listed."""

    model_config = ConfigDict(frozen=True)

    listed: tuple[tuple[str, float], ...]


class WithoutProbability(MedvlmError):
    """The server tells no probabilities. A "yes" in words is no probability and is never turned into one."""

    code = "without_probability"


class OpenAIServer:
    """One server. Safe to call from several threads; a context manager, for it owns connections and a thread."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-server", daemon=True)
        self._thread.start()
        self._http = self._call(_client(settings))

    def stream(self, messages: Messages, cancel: Cancel = never, keep_markup: bool = False) -> Iterator[Delta]:
        """The answer as it is written; greedy. Ends early when `cancel` says so: the connection is then closed.

        `keep_markup` asks the server not to drop the family's own tokens from the text (vLLM, SGLang).
        Raises `NotStarted`, `StoppedWhileAnswering` and `ModelRefused` (see `medvlm.client`).
        """
        body = self._body(messages, max_tokens=self.settings.answer_tokens, stream=True)
        if keep_markup:
            body["skip_special_tokens"] = False
        pieces: queue.SimpleQueue[Delta | MedvlmError | None] = queue.SimpleQueue()
        producing = asyncio.run_coroutine_threadsafe(self._produce(body, pieces), self._loop)
        try:
            while not cancel():
                with contextlib.suppress(queue.Empty):
                    piece = pieces.get(timeout=_POLL_SECONDS)
                    if piece is None:
                        return
                    if isinstance(piece, MedvlmError):
                        raise piece
                    yield piece
        finally:
            producing.cancel()

    def first_tokens(self, many: Sequence[Messages]) -> tuple[FirstToken, ...]:
        """The first token's probabilities of each; the first goes alone, so that the others find its prefix cached.

        Raises `WithoutProbability` when the server tells none, and what `stream` raises.
        """
        return self._call(self._first_tokens(many))

    def close(self) -> None:
        if self._thread.is_alive():
            self._call(self._http.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> OpenAIServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, doing: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    def _body(self, messages: Messages, **more: Any) -> dict[str, Any]:
        return {"model": self.settings.model, "messages": messages, "temperature": 0, **more}

    async def _produce(self, body: dict[str, Any], pieces: queue.SimpleQueue[Delta | MedvlmError | None]) -> None:
        try:
            async for delta in self._deltas(body):
                pieces.put(delta)
            pieces.put(None)
        except MedvlmError as error:
            pieces.put(error)
        except httpx.HTTPError as error:
            pieces.put(self._translated(error))
        except Exception as error:  # a server may send anything; the caller must not wait for ever
            pieces.put(StoppedWhileAnswering(f"the model server's answer made no sense ({type(error).__name__})"))

    async def _deltas(self, body: dict[str, Any]) -> AsyncIterator[Delta]:
        """Time-outs are absolute: a server that sends nothing but comments does not keep a question alive."""
        limits, clock = self.settings.timeouts, self._loop.time
        last = clock() + limits.total
        deadline, what = min(clock() + limits.first_token, last), "sent no first token"
        async with contextlib.AsyncExitStack() as stack:
            opening = self._http.stream("POST", "chat/completions", json=body)
            response = await self._within(deadline, what, stack.enter_async_context(opening))
            if response.status_code != httpx.codes.OK:
                raise _refused(response.status_code, await self._within(deadline, what, response.aread()))
            lines = response.aiter_lines()
            while True:
                line = await self._within(deadline, what, anext(lines, None))
                if line is None:
                    raise StoppedWhileAnswering("the model server ended its answer half-way", where=self.settings.url)
                delta = _delta(line)
                if delta is None:
                    continue
                yield delta
                if delta.ended:
                    return
                deadline, what = min(clock() + limits.between_tokens, last), "stopped sending tokens"

    async def _first_tokens(self, many: Sequence[Messages]) -> tuple[FirstToken, ...]:
        room = asyncio.Semaphore(self.settings.at_once)

        async def one(messages: Messages) -> FirstToken:
            async with room:
                return await self._first_token(messages)

        if not many:
            return ()
        first = await one(many[0])
        return (first, *await asyncio.gather(*map(one, many[1:])))

    async def _first_token(self, messages: Messages) -> FirstToken:
        body = self._body(messages, max_tokens=1, logprobs=True, top_logprobs=TOP_LOGPROBS)
        limits = self.settings.timeouts
        deadline = self._loop.time() + min(limits.first_token, limits.total)
        try:
            posting = self._http.post("chat/completions", json=body)
            response = await self._within(deadline, "sent no first token", posting)
        except httpx.HTTPError as error:
            raise self._translated(error) from None
        if response.status_code != httpx.codes.OK:
            raise _refused(response.status_code, response.content)
        return _first_token(response.content)

    async def _within(self, deadline: float, what: str, doing: Any) -> Any:
        try:
            async with asyncio.timeout_at(deadline):
                return await doing
        except TimeoutError:
            words = f"the model server {what} in time"
            raise StoppedWhileAnswering(words, where=self.settings.url, way_out="Raise its time-outs.") from None

    def _translated(self, error: httpx.HTTPError) -> MedvlmError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            way_out = "Does it run, and is the address right?"
            return NotStarted("the model server does not answer", where=self.settings.url, way_out=way_out)
        return StoppedWhileAnswering("the model server stopped while answering", where=self.settings.url)


async def _client(settings: ServerSettings) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"} if settings.api_key else {}
    # trust_env off: a proxy of the hospital's must not see images. Redirects are not followed for the same reason.
    return httpx.AsyncClient(
        base_url=settings.url.rstrip("/") + "/",
        headers=headers,
        timeout=httpx.Timeout(None, connect=settings.timeouts.connect),
        limits=httpx.Limits(max_connections=None),
        trust_env=False,
    )


def _delta(line: str) -> Delta | None:
    """One line of server-sent events; None where it carries no text and no end."""
    if not line.startswith("data:"):
        return None
    data = line[5:].strip()
    if data == "[DONE]":
        return Delta(text="", ended="stop")
    event = json.loads(data)
    if "error" in event:
        raise StoppedWhileAnswering("the model server failed while answering")
    choices = event.get("choices") or []
    if not choices:
        return None
    text = (choices[0].get("delta") or {}).get("content") or ""
    ended = choices[0].get("finish_reason") or ""
    return Delta(text=text, ended=ended) if text or ended else None


def _first_token(content: bytes) -> FirstToken:
    """Log-probabilities above 0 or that are no numbers are no probabilities: the server is not believed."""
    try:
        (place, *_) = json.loads(content)["choices"][0]["logprobs"]["content"]
        listed = tuple((str(one["token"]), float(one["logprob"])) for one in place["top_logprobs"])
    except (ValueError, KeyError, IndexError, TypeError):
        listed = ()
    if not listed or not all(value <= 1e-6 for _, value in listed):
        way_out = "Serve it with vLLM or SGLang; `transformers serve` ignores logprobs. It still drafts and answers."
        raise WithoutProbability("the model server tells no probabilities, so no finding can be asked", way_out=way_out)
    return FirstToken(listed=listed)


_KNOWN_REFUSALS = (
    ("context length", "the study is longer than the server's context", "Raise --max-model-len."),
    ("image(s) may be provided", "the server takes fewer images a request", "Raise --limit-mm-per-prompt."),
    ("logprobs", "the server does not allow as many log-probabilities", "Raise --max-logprobs to 20."),
    ("does not exist", "the server has no model of that name", "See its /v1/models."),
)


def _refused(status: int, content: bytes) -> MedvlmError:
    said = content[:4000].decode("utf-8", "replace")
    for sign, what, way_out in _KNOWN_REFUSALS:
        if sign in said:
            return ModelRefused(what, way_out=way_out)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return ModelRefused("the model server refuses the key", way_out="Set its API key.")
    return ModelRefused(f"the model server answered {status}")
