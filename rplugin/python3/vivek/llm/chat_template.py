"""What a chat template writes around the messages: ChatML by heart, any other learned from the server.

A template is learned by having the server render a few tiny chats. That gives the text before, between and after
the messages; it must explain a longer chat too, or the template counts as unknown. A server that renders nothing
but tells how long a prompt was gives `Costs`, which are numbers of tokens instead. It runs no template language
and opens no connection.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

from vivek.errors import ModelAPIError
from vivek.llm.base import Message, Role

Render = Callable[[Sequence[Message]], Awaitable[str | None]]
"""Has the server write the prompt of a chat, without the tokens that it puts around every prompt; None from a server
that cannot. Raises ModelAPIError where the template refuses the chat."""

Measure = Callable[[Sequence[Message]], Awaitable[int]]
"""Has the server tell how many tokens the prompt of a chat has, all included. Raises as Render."""

Count = Callable[[str], int]


class ChatTemplate(Protocol):
    """What is known of a template."""

    def count(self, messages: Sequence[Message], count: Count) -> int | None:
        """Number of tokens of the whole prompt; None for a sequence of roles that was not seen."""

    def packed(self) -> Any:
        """What `unpacked` makes the template of again, of types that msgpack knows."""


@dataclass(frozen=True)
class ChatMl:
    """Plain ChatML. system: what the template says where no message has that role first. added: tokens that the
    server puts around every prompt."""

    system: str = ""
    added: int = 0

    def count(self, messages: Sequence[Message], count: Count) -> int:
        """Number of tokens of the whole prompt."""
        return self.added + count(chatml(messages, self.system))

    def packed(self) -> Any:
        """As `ChatTemplate.packed`."""
        return {"kind": "chatml", "system": self.system, "added": self.added}


@dataclass(frozen=True)
class Learned:
    """The text that a template writes.

    between: by the roles before and after it, "" for the prompt's ends, e.g. ``("", "user")``. trimmed: the roles
    whose messages lose blanks at their ends. added: tokens that the server puts around every prompt.
    """

    between: Mapping[tuple[str, str], str]
    trimmed: frozenset[str]
    added: int = 0

    def rendered(self, messages: Sequence[Message]) -> str | None:
        """The prompt; None for a sequence of roles that was not seen."""
        roles = ["", *(message.role for message in messages), ""]
        if not all(pair in self.between for pair in pairwise(roles)):
            return None
        texts = [self.between[pair] for pair in pairwise(roles)]
        contents = [
            message.content.strip() if message.role in self.trimmed else message.content
            for message in messages
        ]
        return texts[0] + "".join(content + text for content, text in zip(contents, texts[1:], strict=True))

    def count(self, messages: Sequence[Message], count: Count) -> int | None:
        """Number of tokens of the whole prompt; None for a sequence of roles that was not seen."""
        text = self.rendered(messages)
        return None if text is None else self.added + count(text)

    def packed(self) -> Any:
        """As `ChatTemplate.packed`."""
        between = [[before, after, text] for (before, after), text in self.between.items()]
        return {"kind": "learned", "between": between, "trimmed": sorted(self.trimmed), "added": self.added}


@dataclass(frozen=True)
class Costs:
    """Tokens that a template adds to a chat that ends with the user's turn.

    first: to that turn alone, opening of the reply included. system: to a system message before it, None where the
    template takes none. turn: to each earlier turn of the user with its reply.
    """

    first: int
    system: int | None
    turn: int

    def count(self, messages: Sequence[Message], count: Count) -> int | None:
        """Number of tokens of the whole prompt; None for a sequence of roles that was not seen."""
        roles = [message.role for message in messages]
        system = roles[:1] == ["system"]
        turns = roles[system:]
        usual = ["user", "assistant"] * (len(turns) // 2) + ["user"]
        if turns != usual or (system and self.system is None):
            return None
        added = self.first + (self.system or 0) * system + self.turn * (len(turns) // 2)
        return added + sum(count(message.content) for message in messages)

    def packed(self) -> Any:
        """As `ChatTemplate.packed`."""
        return {"kind": "costs", "first": self.first, "system": self.system, "turn": self.turn}


def unpacked(kept: Any) -> ChatTemplate | None:
    """The template that was packed; None for anything else."""
    match kept:
        case {"kind": "learned", "between": between, "trimmed": trimmed, "added": added}:
            texts = {(before, after): text for before, after, text in between}
            return Learned(texts, frozenset(trimmed), added)
        case {"kind": "costs", "first": first, "system": system, "turn": turn}:
            return Costs(first, system, turn)
        case {"kind": "chatml", "system": system, "added": added}:
            return ChatMl(system, added)
    return None


def known(source: str, added: int = 0) -> ChatTemplate | None:
    """The template of this Jinja or Go source where it is known by heart; None where it must be learned."""
    return ChatMl(default_system(source), added) if is_chatml(source) else None


def is_chatml(source: str) -> bool:
    """Whether the template is plain ChatML; one that also writes thoughts (Qwen 3) is not."""
    return "<|im_start|>" in source and "<|im_end|>" in source and "think" not in source


def chatml(messages: Sequence[Message], system: str = "") -> str:
    """The prompt that a ChatML template makes. system: what it says where no message has that role first."""
    if system and (not messages or messages[0].role != "system"):
        messages = [Message("system", system), *messages]
    turns = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages)
    return f"{turns}<|im_start|>assistant\n"


def default_system(source: str) -> str:
    """The system message that a Jinja template adds by itself; "" where it adds none."""
    found = re.search(r"<\|im_start\|>system(?:\\n|\n)([^'\"{<]+)<\|im_end\|>", source)
    return found[1] if found else ""


_TURN: tuple[Role, ...] = ("user", "assistant")
_REQUIRED: tuple[tuple[Role, ...], ...] = (("user",), (*_TURN, "user"), (*_TURN * 2, "user"))
_OPTIONAL: tuple[tuple[Role, ...], ...] = (
    ("system", "user"),
    ("system", *_TURN, "user"),
    ("system", *_TURN * 2, "user"),
    ("user", "user"),
)
"""Chats that some templates refuse: with a system message, with two messages of one role in a row."""

_PADDING = " \n "
_MOST_ADDED = 2

_HARD = (
    "if (x):\n        y = 'it\\'ll'\n\n\n\t\treturn HTTPServer2024 != 0x7F"
    "  # h\u00e9 \u4f60\u597d \u2192 \U0001f600    :\n\n  ok"
)
"""A content in which tokenizers differ: runs of blanks, newlines and digits, capitals, other scripts."""


async def agrees(measure: Measure, count: Count) -> bool:
    """Whether the server counts a hard text as we do, whatever its template adds."""
    once, twice = _HARD, f"{_HARD}\n{_HARD}"
    more = await measure([Message("user", twice)]) - await measure([Message("user", once)])
    return more == count(twice) - count(once)


async def learn(render: Render, measure: Measure, count: Count) -> ChatTemplate | None:
    """The template of a server that agrees; None where neither text nor numbers explain what the server makes of
    some chats.

    count: counts plain text with the model's vocabulary.
    """
    seen = await _prompts(render)
    texts = _explanation(seen) if seen else None
    if texts is None:
        return await _costs(measure, count)
    asked = [Message("user", _HARD)]
    if ("system", "user") in texts.between:
        asked.insert(0, Message("system", "Answer in one word."))
    added = await measure(asked) - (texts.count(asked, count) or 0)
    return replace(texts, added=added) if 0 <= added <= _MOST_ADDED else await _costs(measure, count)


async def _prompts(render: Render) -> list[tuple[list[Message], str]] | None:
    """Chats with what the server makes of them; None where it renders none or refuses what must be possible."""
    seen: list[tuple[list[Message], str]] = []
    for roles in (*_REQUIRED, *_OPTIONAL):
        try:
            for chat in (_chat(roles), _chat(roles, _PADDING)):
                prompt = await render(chat)
                if prompt is None:
                    return None
                seen.append((chat, prompt))
        except ModelAPIError:
            if roles in _REQUIRED:
                return None
    return seen


def _chat(roles: Sequence[Role], padding: str = "") -> list[Message]:
    return [Message(role, f"{padding}{_name(place)}{padding}") for place, role in enumerate(roles)]


def _name(place: int) -> str:
    """A content that no template writes by itself, and that none takes for part of another."""
    return f"zq{chr(ord('A') + place)}w{place}vk"


def _explanation(seen: Sequence[tuple[Sequence[Message], str]]) -> Learned | None:
    """The texts that explain each of the prompts; None where there are none."""
    between: dict[tuple[str, str], str] = {}
    kept: set[str] = set()
    for chat, prompt in seen:
        texts = re.split("|".join(map(_padded, chat)), prompt)
        if len(texts) != len(chat) + 1:
            return None
        between.update(zip(pairwise(["", *(message.role for message in chat), ""]), texts, strict=True))
        kept |= {
            message.role for message in chat if _PADDING in message.content and message.content in prompt
        }
    roles = {message.role for chat, _ in seen for message in chat}
    learned = Learned(between, frozenset(roles - kept))
    return learned if all(learned.rendered(chat) == prompt for chat, prompt in seen) else None


def _padded(message: Message) -> str:
    padding = f"(?:{re.escape(_PADDING)})?"
    return padding + re.escape(message.content.strip()) + padding


async def _costs(measure: Measure, count: Count) -> Costs | None:
    """What the template adds in tokens; None where its parts do not add up."""
    first = await _cost(measure, count, ("user",))
    turn = await _cost(measure, count, (*_TURN, "user")) - first
    try:
        system = await _cost(measure, count, ("system", "user")) - first
        check: tuple[Role, ...] = ("system", *_TURN * 2, "user")
    except ModelAPIError:
        system, check = None, (*_TURN * 2, "user")
    costs = Costs(first, system, turn)
    chat = [Message(role, f"{role} {_HARD}") for role in check]
    possible = min(first, turn, system or 0) >= 0
    return costs if possible and await measure(chat) == costs.count(chat, count) else None


async def _cost(measure: Measure, count: Count, roles: Sequence[Role]) -> int:
    chat = _chat(roles)
    return await measure(chat) - sum(count(message.content) for message in chat)
