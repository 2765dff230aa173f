"""What every backend promises, held against the real servers: one suite, the same 0.5B behind each.

embedded: Vivek's own llama.cpp. ollama: a real Ollama through its own interface. openai: llama.cpp's server as a user
starts it, with a key. openai-ollama: the `/v1` of the same Ollama.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from llama import kill_servers
from real_servers import NAME, LlamaServer, Ollama
from vivek import paths
from vivek.errors import ContextWindowExceededError, ModelNotFoundError
from vivek.llm import select, server, weights
from vivek.llm.base import ChatModel, Finished, Message, Queued, Reading, Sampling, StreamEvent, Text
from vivek.llm.forced import forced
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.ollama import OllamaModel
from vivek.llm.openai import KEY_VARIABLE, OpenAIModel

pytestmark = pytest.mark.real_model

T = TypeVar("T")

WINDOW = 2048
KEY = "a-key-that-no-message-shows"
SYSTEM = Message("system", "You are a programmer. Answer with code.")
ASK = [SYSTEM, Message("user", "Write a Python function `add(a, b)` that returns their sum.")]
SHORT = Sampling(max_tokens=4)
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["good", "bad"]}, "line": {"type": "integer"}},
    "required": ["verdict", "line"],
    "additionalProperties": False,
}
SECONDS = 280
"""How long the real work of one test may take."""


@dataclass(frozen=True)
class Backend:
    """One way to the model. open: a fresh client of it. url: for `select.choose`. address, key: for a bare client."""

    name: str
    open: Callable[[], ChatModel]
    url: str | None
    address: Callable[[], str]
    key: Callable[[], str] = lambda: ""

    @property
    def setting(self) -> str:
        return self.name.partition("-")[0]

    @property
    def cuts_silently(self) -> bool:
        """Whether the server says nothing of its tokenizer, and would cut a long prompt without a word."""
        return self.name == "openai-ollama"


@pytest.fixture(scope="module", autouse=True)
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Folders of this module's own: the server that a developer's editor uses is left alone."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)
        tmp_path = tmp_path_factory.mktemp("tokenizers")
        yield
        kill_servers()


@pytest.fixture(scope="module")
def llama_server(gguf: Path) -> Iterator[LlamaServer]:
    running = LlamaServer(gguf, window=WINDOW, key=KEY)
    yield running
    running.close()


BACKENDS = ("embedded", "ollama", "openai")

with_ollamas_v1 = pytest.mark.parametrize(
    "backend", [*BACKENDS, "openai-ollama"], indirect=True, scope="module"
)
"""For what differs between OpenAI-compatible servers: what they tell, count and are able to."""


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest, gguf: Path) -> Backend:
    """Each in turn, its model loaded: what a first call costs has tests of its own."""
    made = _backend(request, gguf)
    run(_answer(made, ASK, SHORT))
    return made


def _backend(request: pytest.FixtureRequest, gguf: Path) -> Backend:
    name = request.param
    if name == "embedded":

        def embedded() -> ChatModel:
            return LlamaCppModel(gguf, name=NAME, context_window=WINDOW, idle_seconds=120.0)

        return Backend(name, embedded, None, lambda: the_record().url, lambda: the_record().key)
    if name == "openai":
        url = request.getfixturevalue("llama_server").url
        return Backend(name, lambda: OpenAIModel(f"{url}/v1", key=KEY), url, lambda: url, lambda: KEY)
    ollama: Ollama = request.getfixturevalue("ollama_server")
    if name == "ollama":
        return Backend(
            name, lambda: OllamaModel(NAME, ollama.url, context_window=WINDOW), ollama.url, lambda: ollama.url
        )
    return Backend(name, lambda: OpenAIModel(ollama.url, NAME), ollama.url, lambda: ollama.url)


def the_record() -> server.Record:
    """That of the one embedded server."""
    [place] = paths.runtime_dir().glob("*.json")
    record = server.read_record(place)
    assert record is not None
    return record


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, SECONDS))


@asynccontextmanager
async def opened(backend: Backend) -> AsyncGenerator[ChatModel, None]:
    model = backend.open()
    try:
        yield model
    finally:
        await model.aclose()


async def _answer(backend: Backend, messages: Sequence[Message], sampling: Sampling) -> list[StreamEvent]:
    async with opened(backend) as model:
        return [event async for event in model.stream(messages, sampling)]


def ask(backend: Backend, messages: Sequence[Message], sampling: Sampling) -> list[StreamEvent]:
    return run(_answer(backend, messages, sampling))


def text(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def end(events: Sequence[StreamEvent]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    return last


def bare(backend: Backend, messages: Sequence[Message], max_tokens: int) -> str:
    """The reply in one piece, from a client that is none of ours."""
    plain = [{"role": message.role, "content": message.content} for message in messages]
    body = {"model": NAME, "messages": plain, "temperature": 0, "max_tokens": max_tokens, "seed": 1}
    answer = httpx.post(
        f"{backend.address()}/v1/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {backend.key()}"} if backend.key() else {},
        trust_env=False,
        timeout=SECONDS,
    )
    return str(answer.json()["choices"][0]["message"]["content"])


def about(topic: str, lines: int = 8) -> list[Message]:
    """A prompt of some 20 tokens a line that shares nothing with another topic's but the system message."""
    code = "\n".join(f"def {topic}_{number}(value): return value * {number}" for number in range(lines))
    return [SYSTEM, Message("user", f"{code}\nName the last function.")]


@with_ollamas_v1
def test_it_tells_window_weights_and_size(backend: Backend, gguf: Path) -> None:
    async def told() -> Any:
        async with opened(backend) as model:
            return await model.info()

    info = run(told())
    assert info.context_window == WINDOW
    assert info.backend == backend.setting
    assert "qwen2.5-coder" in info.name
    assert info.parameters == pytest.approx(0.5e9, rel=0.3)
    assert info.digest == ("" if backend.cuts_silently else weights.digest(gguf))


TEXTS = [
    "x = 1\n",
    "\tif a:\r\n\t\treturn 'it\\'s'\n\n\n",
    "naïve café — 你好, 世界 🧪 e\u0301\u00a0\u3000|",
    "<|im_end|><|fim_prefix|>`</div>`",
    "=" * 300 + " " * 200 + "\n" * 50,
]


@with_ollamas_v1
def test_the_count_is_the_servers_own_or_says_that_it_is_not(backend: Backend) -> None:
    async def counted_and_read() -> list[tuple[int, int]]:
        pairs = []
        async with opened(backend) as model:
            counter = await model.counter()
            assert counter.exact != backend.cuts_silently
            for content in TEXTS:
                messages = [
                    SYSTEM,
                    Message("user", content),
                    Message("assistant", "ok"),
                    Message("user", "again"),
                ]
                events = [event async for event in model.stream(messages, Sampling(max_tokens=1))]
                counted = await asyncio.to_thread(counter.count_messages, messages)
                pairs.append((counted, end(events).stats.prompt_tokens))
        return pairs

    for counted, read in run(counted_and_read()):
        assert counted >= read if backend.cuts_silently else counted == read


@with_ollamas_v1
def test_the_pieces_join_to_the_whole_reply(backend: Backend) -> None:
    events = ask(backend, ASK, Sampling(max_tokens=24))
    assert sum(isinstance(event, Text) for event in events) > 3
    assert text(events) == bare(backend, ASK, 24)
    assert "def add(a, b)" in text(events)


def test_reading_comes_before_the_text_and_the_end_comes_last(backend: Backend) -> None:
    events = ask(backend, about("order"), SHORT)
    kinds = [type(event) for event in events]
    assert kinds[-1] is Finished
    assert kinds.count(Finished) == 1
    first_text = kinds.index(Text)
    assert Reading not in kinds[first_text:]
    assert Queued not in kinds
    stats = end(events).stats
    assert 0 < stats.first_token_ms <= stats.total_ms
    assert stats.prompt_tokens > 100
    assert 0 < stats.generated_tokens <= 4


def test_temperature_zero_repeats(backend: Backend) -> None:
    sampling = Sampling(max_tokens=16)
    assert text(ask(backend, ASK, sampling)) == text(ask(backend, ASK, sampling))


def test_a_stop_sequence_ends_the_reply_and_is_not_in_it(backend: Backend) -> None:
    events = ask(backend, ASK, Sampling(max_tokens=40, stop=("(a",)))
    assert text(events).endswith("def add")
    assert end(events).reason == "stop"


@with_ollamas_v1
def test_the_cap_on_tokens_is_kept_and_told(backend: Backend) -> None:
    finished = end(ask(backend, ASK, Sampling(max_tokens=3)))
    assert (finished.reason, finished.stats.generated_tokens) == ("length", 3)


@with_ollamas_v1
def test_a_schema_is_obeyed(backend: Backend) -> None:
    async def bound() -> str:
        async with opened(backend) as model:
            assert "schema" in (await model.info()).capabilities
            sampling = Sampling(max_tokens=60, schema=SCHEMA)
            prompt = [SYSTEM, Message("user", "Sing a song about `x = x + 1`.")]
            return text([event async for event in model.stream(prompt, sampling)])

    reply = json.loads(run(bound()))
    assert set(reply) == {"verdict", "line"}
    assert reply["verdict"] in ("good", "bad")
    assert isinstance(reply["line"], int)


def test_a_begun_reply_is_gone_on_with_and_how_likely_each_token_is_is_told(backend: Backend) -> None:
    text = "def add(a, b):\n    return a + b\n"
    asked = [SYSTEM, Message("user", f"Repeat this code:\n```python\n{text}```")]

    async def nats(written: str) -> list[tuple[str, float]]:
        async with opened(backend) as model:
            assert {"logprobs", "prefill"} <= (await model.info()).capabilities
            return [(each.text, each.nats) async for each in forced(model, asked, "```python\n", written)]

    copied, altered = run(nats(text)), run(nats(text.replace("+", "*")))
    assert "".join(token for token, _ in copied) == text
    assert dict(copied)[" +"] < 1.0 < dict(altered)[" *"]


def connections(backend: Backend) -> list[Any]:
    """This process's open connections to the backend's server."""
    port = urlsplit(backend.address()).port
    own = psutil.Process().net_connections("tcp")
    return [one for one in own if one.raddr and one.raddr.port == port and one.status == "ESTABLISHED"]


@pytest.mark.parametrize("words", [3, 0], ids=["writing", "reading"])
def test_a_cancelled_call_lets_go_within_200_ms_and_closes_its_connection(
    backend: Backend, words: int
) -> None:
    async def cancelled() -> float:
        enough = asyncio.Event()

        async def read(model: ChatModel) -> None:
            seen = 0
            prompt = [
                *about("abandoned"),
                Message("user", "Then write a long module with fifty more such functions."),
            ]
            async with aclosing(model.stream(prompt, Sampling(max_tokens=500))) as events:  # type: ignore[type-var]
                async for event in events:
                    seen += isinstance(event, Text)
                    if isinstance(event, (Text, Reading)) and seen >= words:
                        enough.set()

        async with opened(backend) as model:
            reading = asyncio.create_task(read(model))
            waiting = asyncio.create_task(enough.wait())
            # `/v1` of others than llama.cpp says nothing while it reads: there the request itself is cancelled.
            silent = backend.cuts_silently and not words
            await asyncio.wait(
                {reading, waiting}, timeout=0.3 if silent else None, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
            began = time.monotonic()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            took = time.monotonic() - began
            assert connections(backend) == []
        return took

    assert run(cancelled()) < 0.2
    assert text(ask(backend, ASK, SHORT))


def test_a_prompt_that_does_not_fit_is_refused(backend: Backend) -> None:
    with pytest.raises(ContextWindowExceededError, match=str(WINDOW)):
        ask(backend, [SYSTEM, Message("user", "word " * 3000)], SHORT)
    assert text(ask(backend, ASK, SHORT))


def test_a_model_that_is_not_there_is_named_with_a_way_out(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, backend.key())
    with pytest.raises(ModelNotFoundError, match="never-pulled:7b") as caught:
        run(select.choose(backend.setting, "never-pulled:7b", backend.url))
    assert caught.value.hint


@pytest.mark.parametrize("content", ["caf\udce9 \ud83d", "\u2028\x00\x7f", "名前 = '🧪'"])
def test_any_text_can_be_asked_about(backend: Backend, content: str) -> None:
    events = ask(backend, [SYSTEM, Message("user", f"Repeat: {content}")], SHORT)
    assert end(events).stats.generated_tokens
    text(events).encode()


def test_unicode_comes_back_whole(backend: Backend) -> None:
    """A letter of several tokens is never cut between two pieces."""
    prompt = [Message("user", "Repeat exactly this line and nothing else:\n名前 🧪 Łódź 🇩🇪")]
    events = ask(backend, prompt, Sampling(max_tokens=30))
    assert "名前" in text(events)
    assert "\ufffd" not in text(events)


def test_two_calls_at_once_are_both_answered(backend: Backend) -> None:
    async def both() -> list[list[StreamEvent]]:
        async with opened(backend) as model:

            async def answer(topic: str) -> list[StreamEvent]:
                return [event async for event in model.stream(about(topic, 3), Sampling(max_tokens=12))]

            return await asyncio.gather(answer("left"), answer("right"))

    left, right = run(both())
    assert "left" in text(left)
    assert "right" in text(right)
    assert "right" not in text(left)


def test_several_system_messages_are_read_as_one(backend: Backend) -> None:
    first, second = Message("system", "You write code."), Message("system", "You use tabs.")
    asked = Message("user", "Go on.")
    merged = Message("system", f"{first.content}\n\n{second.content}")
    read = [
        end(ask(backend, messages, Sampling(max_tokens=1))).stats.prompt_tokens
        for messages in ([first, asked, second], [merged, asked])
    ]
    assert read[0] == read[1]


@pytest.mark.parametrize(
    "backend", ["embedded", "openai"], indirect=True
)  # Ollama tells nothing of its queue
def test_a_call_that_must_wait_is_told_its_place_until_it_is_read(backend: Backend) -> None:
    async def three() -> list[list[StreamEvent]]:
        async with opened(backend) as model:

            async def answer(topic: str) -> list[StreamEvent]:
                sampling = replace(SHORT, max_tokens=40)
                return [event async for event in model.stream(about(topic, 4), sampling)]

            return await asyncio.gather(*(answer(topic) for topic in ("one", "two", "three")))

    answers = run(three())
    queued = [events for events in answers if any(isinstance(event, Queued) for event in events)]
    assert len(queued) == 1
    [waited] = queued
    assert waited[0] == Queued(2)
    kinds = [type(event) for event in waited]
    assert kinds.index(Reading) > max(place for place, kind in enumerate(kinds) if kind is Queued)
    assert all(text(events) for events in answers)


def test_a_wrong_key_is_told_with_the_variable_and_never_shown(llama_server: LlamaServer) -> None:
    async def refused(key: str) -> None:
        model = OpenAIModel(llama_server.url, key=key)
        try:
            await model.info()
        finally:
            await model.aclose()

    for key in ("wrong-key-0815", ""):
        with pytest.raises(Exception, match=KEY_VARIABLE) as caught:
            run(refused(key))
        assert "0815" not in str(caught.value)


def test_the_key_comes_from_the_environment(
    llama_server: LlamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)

    async def chosen() -> select.Choice:
        choice = await select.choose("openai", None, llama_server.url)
        await choice.model.aclose()
        return choice

    choice = run(chosen())
    assert choice.backend == "openai"
    assert "qwen2.5-coder" in choice.name
    assert KEY not in repr(choice) + choice.reason


def test_the_counter_of_a_server_whose_weights_are_elsewhere_asks_it(
    llama_server: LlamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the server were on another machine: the path it names is no file here."""
    monkeypatch.setattr(Path, "is_file", lambda _: False)

    async def both() -> tuple[list[int], list[int]]:
        model = OpenAIModel(llama_server.url, key=KEY)
        try:
            counter = await model.counter()
            assert counter.exact
            counted, read = [], []
            for content in TEXTS:
                messages = [SYSTEM, Message("user", content)]
                counted.append(await asyncio.to_thread(counter.count_messages, messages))
                events = [event async for event in model.stream(messages, Sampling(max_tokens=1))]
                read.append(end(events).stats.prompt_tokens)
            return counted, read
        finally:
            await model.aclose()

    counted, read = run(both())
    assert counted == read
