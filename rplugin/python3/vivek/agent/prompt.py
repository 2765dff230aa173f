"""The prompt of one ask: its parts, what of them fits, and the one line that tells the user.

It bridges the packer, which knows no prompts, and the layout, which knows no budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from vivek.agent.assemble import lines_of
from vivek.agent.history import HISTORY, HISTORY_TOKENS, SUMMARY
from vivek.agent.opinions import task
from vivek.agent.state import Room, Route, Target
from vivek.context.packer import Packed, Part, pack
from vivek.edits.fit import presentable
from vivek.llm.base import Message, TokenCounter
from vivek.prompts import render
from vivek.prompts.layout import label, user_message
from vivek.request import AskRequest

CONTEXT_TOKENS = 800
"""Cap on what surrounds the target in a prompt. On two CPU cores a 1.5B reads about 60 tokens a second, so this is
the most that a first answer may be made to wait for; a small model loses the thread in more of it anyway."""

SECTION_TOKENS = 12
"""What a section's title, fence and blank line take, at first guess; the whole prompt is counted at the end."""

BLOCK, INSTRUCTION, FAILURES = "block", "instruction", "failures"
_OWN_PLACE = (BLOCK, INSTRUCTION, FAILURES, HISTORY, SUMMARY)


@dataclass(frozen=True)
class Fitted:
    """A prompt that fits. tokens: of the whole, the chat template's own included."""

    messages: list[Message]
    tokens: int
    packed: Packed


@dataclass(frozen=True)
class Prompt:
    """The prompt of one ask, before it is known what fits in it. plain: its task in the shortest words."""

    request: AskRequest
    route: Route
    target: Target
    counter: TokenCounter
    plain: bool = False

    @cached_property
    def required(self) -> list[Part]:
        """What is never left out or cut: the block, and the instruction in the words of the task."""
        words = task(self.request, self.route, self.target, plain=self.plain)
        block = presentable(lines_of(self.request.text, self.target))
        return [Part(BLOCK, block, 0, required=True), Part(INSTRUCTION, words, 0, required=True)]

    @cached_property
    def block(self) -> Part:
        """The code that is asked about."""
        return self.required[0]

    @cached_property
    def block_tokens(self) -> int:
        """Tokens of the block alone."""
        return self.counter.count(self.block.text)

    @cached_property
    def bare_tokens(self) -> int:
        """Tokens of the smallest prompt: the required parts in their places."""
        return self.counter.count_messages(self.messages(self.required))

    def fitted(self, surroundings: Sequence[Part], history: Sequence[Part], room: Room) -> Fitted:
        """The prompt with what fits of its surroundings and history.

        What the history takes is set aside whether there is one or not: surroundings that changed with it would have
        to be read anew each time. The required parts must fit (`bare_tokens`).
        """
        parts = [*surroundings, self.block, *history, self.required[1]]
        count = lru_cache(maxsize=None)(self.counter.count)
        limit = max(room["usable"] - room["wanted"], self.bare_tokens)
        left = max(0, limit - self.bare_tokens - SECTION_TOKENS * (len(surroundings) + 1))
        kept_back = min(HISTORY_TOKENS, left)
        budget = sum(count(part.text) for part in self.required) + min(CONTEXT_TOKENS, left - kept_back)
        budget += min(sum(count(part.text) for part in history), kept_back)
        while True:
            packed = pack(parts, budget, count)
            messages = self.messages(packed.parts)
            tokens = self.counter.count_messages(messages)
            if tokens <= limit or len(packed.parts) <= len(self.required):
                return Fitted(messages, tokens, packed)
            budget = max(sum(count(part.text) for part in self.required), packed.used - (tokens - limit))

    def messages(self, parts: Sequence[Part]) -> list[Message]:
        """System message and user message: the context first and unchanged, the instruction and role last."""
        text = {part.name: part.text for part in parts}
        sections = [("File", self.request.path.name)] if self.request.path else []
        sections += [(part.name, part.text) for part in parts if part.name not in _OWN_PLACE]
        history = text.get(SUMMARY, "") + text.get(HISTORY, "")
        earlier = [("Earlier requests", history), ("The code is wrong now", text.get(FAILURES, ""))]
        content = user_message(sections, text[BLOCK], self._language, earlier, text[INSTRUCTION])
        return [Message("system", render("system")), Message("user", content)]

    @property
    def _language(self) -> str:
        return label(self.request.filetype or "text")


def told(fitted: Fitted, window: int) -> str:
    """One line for the user: the tokens of the prompt, of what, and what was cut or left out.

    >>> told(Fitted([], 90, Packed([], 70, [("block", 60), ("Signatures", 10)], [], [("Imports", 300)])), 8192)
    'Prompt: 90 of 8192 tokens: block 60, signatures 10, fixed text 20; left out: imports (300).'
    """
    packed = fitted.packed
    sizes = [(name, tokens) for name, tokens in packed.kept if tokens]
    sizes += [("fixed text", max(0, fitted.tokens - packed.used))]
    line = f"Prompt: {fitted.tokens} of {window} tokens: {_listed(sizes, '{} {}')}"
    if packed.cut:
        line += f"; cut: {_listed(packed.cut, '{} by {}')}"
    if packed.dropped:
        line += f"; left out: {_listed(packed.dropped, '{} ({})')}"
    return f"{line}."


def _listed(sizes: Sequence[tuple[str, int]], form: str) -> str:
    return ", ".join(form.format(_short(name), tokens) for name, tokens in sizes)


def _short(title: str) -> str:
    plain = title.partition(",")[0]
    return plain[:1].lower() + plain[1:]
