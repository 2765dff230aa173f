from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek import paths
from vivek.errors import JSONParsingError, ModelAPIError, VivekError
from vivek.llm import chat_template, tables, tokens
from vivek.llm.base import Message, Role
from vivek.llm.chat_template import ChatMl, Costs, Learned

Template = Callable[[Sequence[Message]], str]

CONTENT = st.text(st.sampled_from("ab \n<>é"), max_size=12)
TURNS = st.lists(st.tuples(CONTENT, CONTENT), max_size=3)


@st.composite
def chats(draw: st.DrawFn) -> list[Message]:
    chat = [Message("system", draw(CONTENT))] if draw(st.booleans()) else []
    for asked, answered in draw(TURNS):
        chat += [Message("user", asked), Message("assistant", answered)]
    return [*chat, Message("user", draw(CONTENT))]


def marked(messages: Sequence[Message]) -> str:
    return "".join(f"<{message.role}>\n{message.content}</>" for message in messages) + "<assistant>\n"


def trimming(messages: Sequence[Message]) -> str:
    """As Llama 3's does it."""
    return (
        "".join(f"<{message.role}>\n\n{message.content.strip()}</>" for message in messages)
        + "<assistant>\n\n"
    )


def folding(messages: Sequence[Message]) -> str:
    """As Gemma's does it: the system message goes into the first turn, and turns must alternate."""
    system = messages[0].content + "\n\n" if messages[0].role == "system" else ""
    turns = messages[1:] if system else messages
    prompt = "<bos>"
    for place, message in enumerate(turns):
        if message.role != ("user", "assistant")[place % 2]:
            raise ModelAPIError("Conversation roles must alternate")
        prompt += f"<{message.role}>{system if place == 0 else ''}{message.content.strip()}</>"
    return prompt + "<model>"


def without_system(messages: Sequence[Message]) -> str:
    if messages[0].role == "system":
        raise ModelAPIError("System role not supported")
    return marked(messages)


def numbered(messages: Sequence[Message]) -> str:
    return "".join(f"{'x' * place * place}{message.content}" for place, message in enumerate(messages))


def reordering(messages: Sequence[Message]) -> str:
    """As Mistral's does it: the system message goes into the last turn."""
    system = messages[0].content if messages[0].role == "system" else ""
    turns = messages[1:] if messages[0].role == "system" else messages
    last = turns[-1]
    return (
        marked(turns[:-1]) + (f"[{system}]" if messages[0].role == "system" else "") + f"<user>{last.content}"
    )


def learned(template: Template, *, added: int = 0, renders: bool = True) -> chat_template.ChatTemplate | None:
    """What is learned of a server with this template, whose tokens are characters."""

    async def render(messages: Sequence[Message]) -> str | None:
        return template(messages) if renders else None

    async def measure(messages: Sequence[Message]) -> int:
        return len(template(messages)) + added

    return asyncio.run(chat_template.learn(render, measure, len))


KNOWN = {
    template: learned(template, added=added)
    for template, added in ((marked, 0), (trimming, 1), (folding, 1), (without_system, 0))
}


@given(chats(), st.sampled_from([marked, trimming, folding]))
def test_a_learned_template_writes_any_chat_as_the_server_does(
    chat: list[Message], template: Template
) -> None:
    known = KNOWN[template]
    assert isinstance(known, Learned)
    assert known.rendered(chat) == template(chat)
    assert known.count(chat, len) == len(template(chat)) + (template is not marked)


def test_a_sequence_of_roles_that_was_refused_is_not_guessed() -> None:
    refused = [Message("system", "a"), Message("user", "b")]
    known = KNOWN[without_system]
    assert known
    assert known.count(refused, len) is None
    assert known.count(refused[1:], len) == len(marked(refused[1:]))


@pytest.mark.parametrize("template", [marked, without_system, reordering])
@given(chat=chats())
def test_a_server_that_tells_only_lengths_gives_costs(template: Template, chat: list[Message]) -> None:
    costs = COSTS[template]
    assert isinstance(costs, Costs)
    if template is without_system and chat[0].role == "system":
        assert costs.count(chat, len) is None
    else:
        assert costs.count(chat, len) == len(template(chat)) + 1


COSTS = {
    template: learned(template, added=1, renders=False) for template in (marked, without_system, reordering)
}


@pytest.mark.parametrize("roles", [("user", "user"), ("assistant",), ("system",), ()])
def test_costs_do_not_guess_other_sequences_of_roles(roles: Sequence[Role]) -> None:
    costs = COSTS[marked]
    assert costs
    assert costs.count([Message(role, "a") for role in roles], len) is None


@pytest.mark.parametrize("renders", [True, False])
def test_a_template_whose_parts_do_not_add_up_is_unknown(renders: bool) -> None:
    assert learned(numbered, renders=renders) is None


def test_a_template_that_renders_but_reorders_is_known_by_its_costs() -> None:
    assert isinstance(learned(reordering), Costs)


@pytest.mark.parametrize("known", [*KNOWN.values(), *COSTS.values(), ChatMl("Be brief.", 1)])
def test_what_was_learned_can_be_kept(known: chat_template.ChatTemplate, own_cache: None) -> None:
    key = tokens.template_key("0" * 64, "a server", "its template")
    tables.keep(key, known.packed())
    assert chat_template.unpacked(tables.read(key)) == known
    assert chat_template.unpacked({"kind": "?"}) is None
    assert chat_template.unpacked(None) is None


@pytest.fixture
def own_cache(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)


class Counting:
    """A server that counts the characters of a text, times a factor; asked: how often it was."""

    def __init__(self, factor: int = 1, fails: VivekError | None = None) -> None:
        self.asked = 0
        self._factor, self._fails = factor, fails

    async def render(self, messages: Sequence[Message]) -> str:
        self.asked += 1
        return marked(messages)

    async def measure(self, messages: Sequence[Message]) -> int:
        self.asked += 1
        if self._fails:
            raise self._fails
        return len(marked(messages)) * self._factor

    def complete(self, key: str = "") -> tokens.TokenCounter:
        counter = tokens.ExactCounter(Letters(), None)  # type: ignore[arg-type]
        return asyncio.run(tokens.completed(counter, key, self.render, self.measure))


class Letters:
    added = 0

    def count(self, text: str) -> int:
        return len(text)


CHAT = [Message("system", "a"), Message("user", "b")]


def test_a_server_is_asked_once_for_each_of_its_templates(own_cache: None) -> None:
    key, server = tokens.template_key("0" * 64, "a server", "its template"), Counting()
    assert server.complete(key).count_messages(CHAT) == len(marked(CHAT))
    asked = server.asked
    again = server.complete(key)
    assert (again.exact, again.count_messages(CHAT), server.asked) == (True, len(marked(CHAT)), asked)
    assert tokens.template_key("0" * 64, "a server", "another") != key
    assert tokens.template_key("", "a server") == ""


def test_a_server_that_counts_otherwise_makes_the_counter_approximate(own_cache: None) -> None:
    counter = Counting(factor=2).complete()
    assert not counter.exact
    assert isinstance(counter, tokens.ApproximateCounter)


@pytest.mark.parametrize("failure", [ModelAPIError("out of memory"), JSONParsingError("a web page")])
def test_a_server_that_fails_leaves_the_counter_as_it_was(own_cache: None, failure: VivekError) -> None:
    counter = Counting(fails=failure).complete()
    assert not counter.exact
    assert counter.count("abc") == 3
    assert counter.count_messages(CHAT) == 2 + 3 * tokens.MESSAGE_TOKENS
