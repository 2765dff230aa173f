"""Between a node and a structured question to the model: asks it, accounts for each call, and never fails.

What the answer means is the node's affair. Only a node whose profile says so comes here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Generic, TypeVar

from langgraph.runtime import Runtime
from pydantic import BaseModel

from vivek.agent import emit
from vivek.agent.replies import Replies
from vivek.agent.state import Call, CallNode, Node, Ports
from vivek.errors import RunStoppedError, VivekError
from vivek.llm.base import CallStats, Message, Sampling
from vivek.llm.structured import Question, Reply, Step, ask_structured
from vivek.prompts import render

T = TypeVar("T", bound=BaseModel)

AGAIN_TOKENS = 200
"""Room kept for the message that asks once more, beside the two replies: 16 tokens of our own, the faults that it
names, the chat template's."""

_NO_CALL = CallStats(0, None, 0, 0.0, 0.0)
_AGAIN: dict[Node, CallNode] = {"planner": "planner again", "reviewer": "reviewer again"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consulted(Generic[T]):
    """A node's answer. step: None where the model was not asked. stopped: the user stopped the run meanwhile."""

    value: T
    step: Step | None
    calls: list[Call]
    stopped: bool = False


def consult(
    runtime: Runtime[Ports],
    node: Node,
    messages: Sequence[Message],
    fallback: T,
    *,
    attempt: int,
    max_tokens: int,
    usable: int,
) -> Consulted[T]:
    """The model's answer to messages that end in a question, or the fallback; its shape is the fallback's.

    attempt: the executor's attempt that the question is about.
    usable: tokens that prompt and reply share; where the question and a second try do not fit in them, it is not asked.
    Where the server fails, a notice says so and the fallback stands: the next call of the run will show whether the
    server is well.
    """
    ports = runtime.context
    if ports.counter.count_messages(messages) + 2 * max_tokens + AGAIN_TOKENS > usable:
        return Consulted(fallback, None, [])
    profile = ports.profile
    sampling = Sampling(
        max_tokens=max_tokens, temperature=0.0, top_p=profile.top_p, repeat_penalty=profile.repeat_penalty
    )
    question = Question(type(fallback), fallback, _again, sampling, profile.retry_temperature)
    bound = "schema" in ports.info.capabilities
    try:
        with Replies(runtime, node, attempt, partial(emit.heard, runtime)) as replies:
            asked = ask_structured(ports.model, messages, question, bound=bound, hear=replies.hear)
            answer = ports.loop.run(asked, ports.cancel)
    except RunStoppedError:
        return Consulted(fallback, None, [], stopped=True)
    except VivekError as error:
        _log.warning("The %s's question failed: %s", node, error)
        emit.notice(runtime, f"The model could not be asked for its opinion: {error.message}")
        failed = Reply(error.partial, _NO_CALL, error.message)
        return Consulted(fallback, "fallback", [_call(node, failed, "fallback")])
    first, *second = answer.replies
    calls = [_call(node, first, answer.step if not second else None)]
    calls += [_call(_AGAIN[node], reply, answer.step) for reply in second]
    return Consulted(answer.value, answer.step, calls)


def with_task(messages: Sequence[Message], task: str, other: str) -> list[Message]:
    """The messages with another task at their end; all before it stays as it is, and stays cached."""
    *before, last = messages
    assert last.content.endswith(task), "the task comes last in every prompt"
    return [*before, Message(last.role, last.content[: len(last.content) - len(task)] + other)]


def _again(problem: str) -> str:
    return render("again", problem=problem)


def _call(node: CallNode, reply: Reply, step: Step | None) -> Call:
    call: Call = {"node": node, **asdict(reply.stats), "reply": reply.text}  # type: ignore[typeddict-item]
    if step is not None:
        call["step"] = step
    if reply.problem:
        call["problem"] = reply.problem
    return call
