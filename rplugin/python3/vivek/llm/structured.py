"""Between a model that writes text and a caller that wants a small, checked answer.

A reply is bound to the answer's JSON schema where the server can, is always capped, and always validated. What is not
valid as it stands is looked for in the text around it, repaired (PyPI `json-repair`), asked for once more with the
fault named, and at last replaced by the answer that the caller brings along. It writes no prompt and decides nothing;
code does not belong in such a reply (it costs a model 3 to 10 points).
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar, cast, get_args

import json_repair
from pydantic import BaseModel, ValidationError

from vivek.errors import ModelOutputInvalidError, VivekError
from vivek.llm.base import (
    CallStats,
    ChatModel,
    Finished,
    Message,
    Retrying,
    Sampling,
    StreamEvent,
    Text,
)

T = TypeVar("T", bound=BaseModel)

Step = Literal["whole", "extracted", "repaired", "asked again", "fallback"]
"""What made the answer: the first reply as it stood, a piece of it, a piece mended; the second reply; or neither."""

STEPS: tuple[Step, ...] = get_args(Step)

_OBJECTS_LOOKED_AT = 20
"""Pieces of one reply that are tried: a capped reply has no room for more."""

_NO_OBJECT = "There is no JSON object in the reply."
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Question(Generic[T]):
    """What is wanted of a model.

    shape: the answer's type; its fields should be few and small. fallback: the answer where none comes. again: gives
    the message that asks once more, from one sentence that says what was wrong. sampling: of the first call, its
    max_tokens included. retry_temperature: of the second.
    """

    shape: type[T]
    fallback: T
    again: Callable[[str], str]
    sampling: Sampling
    retry_temperature: float = 0.5


@dataclass(frozen=True)
class Reply:
    """One call: the raw text that came, what it cost, and why it is no answer ("" where it is).

    A call that failed has the text that came until then, no cost, and the failure."""

    text: str
    stats: CallStats
    problem: str


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A valid answer and how it came to be. replies: one for each call, in order; never empty."""

    value: T
    step: Step
    replies: tuple[Reply, ...]


def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """The shape's JSON schema, without what only people read, and open to no other fields."""
    schema = cast(dict[str, Any], _bare(shape.model_json_schema()))
    return {**schema, "additionalProperties": False}


async def ask_structured(
    model: ChatModel,
    messages: Sequence[Message],
    question: Question[T],
    *,
    bound: bool,
    hear: Callable[[StreamEvent], None] = lambda _event: None,
) -> Answer[T]:
    """The model's answer, or the fallback after two calls without one.

    bound: whether the server can bind a reply to a schema. hear: is told each event of the calls. Raises VivekError
    (ModelAPIError and its kin, ContextWindowExceededError) where the first call fails; a second that fails leaves the
    fallback.
    """
    sampling = replace(question.sampling, schema=schema_of(question.shape) if bound else None)
    replies: list[Reply] = []
    asked = list(messages)
    for temperature in (sampling.temperature, question.retry_temperature):
        try:
            text, finished = await _call(model, asked, replace(sampling, temperature=temperature), hear)
        except VivekError as error:
            if not replies:
                raise
            replies.append(Reply(error.partial, CallStats(0, None, 0, 0.0, 0.0), error.message))
            break
        value, step, problem = read(text, question.shape)
        replies.append(Reply(text, finished.stats, problem))
        if value is not None:
            return Answer(value, step if len(replies) == 1 else "asked again", tuple(replies))
        if finished.reason == "length":
            problem = f"The reply was cut off after {sampling.max_tokens} tokens. {problem}"
        sampling = replace(sampling, seed=sampling.seed + 1)
        asked = [*messages, Message("assistant", text), Message("user", question.again(problem))]
    return Answer(question.fallback, "fallback", tuple(replies))


def read(text: str, shape: type[T]) -> tuple[T | None, Step, str]:
    """The answer in a reply's text, the step that found it, and what is wrong ("" with an answer).

    Thoughts are never read: what a model considers is not what it says.
    """
    problem = _NO_OBJECT
    for step, value in _candidates(_THOUGHTS.sub("", text).strip()):
        answer, fault = _valid(value, shape)
        if answer is not None:
            return answer, step, ""
        if problem == _NO_OBJECT:
            problem = fault
    return None, "fallback", problem


async def _call(
    model: ChatModel, messages: Sequence[Message], sampling: Sampling, hear: Callable[[StreamEvent], None]
) -> tuple[str, Finished]:
    pieces: list[str] = []
    end: Finished | None = None
    stream: AsyncIterator[StreamEvent] = model.stream(messages, sampling)
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            hear(event)
            if isinstance(event, Text):
                pieces.append(event.text)
            elif isinstance(event, Retrying):
                pieces.clear()
            elif isinstance(event, Finished):
                end = event
    if end is None:
        raise ModelOutputInvalidError(
            "The model's reply did not end.", hint="Ask again.", partial="".join(pieces)
        )
    return "".join(pieces), end


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _candidates(text: str) -> Iterator[tuple[Step, object]]:
    """What may be the answer, the most literal reading first."""
    yield "whole", _parsed(text)
    yield from (("extracted", piece) for piece in _pieces(text))
    yield from (("repaired", piece) for piece in _mended(text))


def _pieces(text: str) -> Iterator[object]:
    """The JSON values of the fences, then the JSON objects that stand anywhere in the text."""
    for fenced in _FENCED.findall(text)[:_OBJECTS_LOOKED_AT]:
        value = _parsed(fenced)
        if value is not None:
            yield value
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(_OBJECTS_LOOKED_AT):
        if start < 0:
            return
        try:
            value, end = decoder.raw_decode(text, start)
            yield value
        except (ValueError, RecursionError):
            end = start + 1
        start = text.find("{", end)


def _mended(text: str) -> Iterator[object]:
    """What `json-repair` makes of the fences and of the text from its first brace on."""
    start = text.find("{")
    broken = [*_FENCED.findall(text)[:_OBJECTS_LOOKED_AT], *([text[start:]] if start >= 0 else [])]
    for piece in broken:
        try:
            value = json_repair.loads(piece, skip_json_loads=True)
        except (ValueError, RecursionError):
            continue
        yield from value if isinstance(value, list) else [value]


def _valid(value: object, shape: type[T]) -> tuple[T | None, str]:
    """The answer that a value is, and what is wrong where it is none."""
    if not isinstance(value, dict):
        return None, _NO_OBJECT
    try:
        return shape.model_validate(value), ""
    except ValidationError as error:
        return None, " ".join(_fault(item) for item in error.errors()[:3])


def _fault(item: Mapping[str, Any]) -> str:
    """One fault in words that name the field: ``"`kind`: Input should be 'rewrite' or 'answer'."``"""
    place = ".".join(str(part) for part in item["loc"])
    return f"`{place}`: {item['msg']}." if place else f"{item['msg']}."


def _bare(schema: object) -> object:
    if isinstance(schema, dict):
        return {
            key: _bare(value)
            for key, value in schema.items()
            if not (key in ("title", "description") and isinstance(value, str))
        }
    return [_bare(item) for item in schema] if isinstance(schema, list) else schema
