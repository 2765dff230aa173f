"""A real Ollama with the 0.5B: a server of its own, on its own port, with its own store and home.

The binary is `ollama` on the PATH, or the one that VIVEK_OLLAMA names; the weights are those that Vivek
finds, or the file that VIVEK_TEST_MODEL_05B names.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from real_servers import NAME, Ollama, ollama_program
from vivek import paths
from vivek.errors import ModelConnectionLostError, ModelNotFoundError
from vivek.llm import ollama_store, tokens, weights
from vivek.llm.base import Finished, Loading, Message, ModelInfo, Retrying, Sampling, StreamEvent, Text
from vivek.llm.ollama import OllamaModel
from vivek.llm.steady import SteadyModel

pytestmark = pytest.mark.real_model

T = TypeVar("T")

BARE = "bare:latest"
WINDOW = 2048
SYSTEM = Message("system", "You are a programmer. Answer with code.")
ASK = [SYSTEM, Message("user", "Write a Python function `add(a, b)` that returns their sum.")]
SHORT = Sampling(max_tokens=1)


@pytest.fixture(scope="module")
def server(ollama_server: Ollama, gguf: Path) -> Ollama:
    ollama_server.create(BARE, gguf, "TEMPLATE {{ .Prompt }}\n")
    return ollama_server


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 280))


async def answer(
    url: str, messages: list[Message], sampling: Sampling, name: str = NAME
) -> tuple[str, Finished, bool]:
    """The reply, its end, and whether the model had to be loaded."""
    model, text, loading = OllamaModel(name, url, context_window=WINDOW), "", False
    try:
        async for event in model.stream(messages, sampling):
            text += event.text if isinstance(event, Text) else ""
            loading = loading or isinstance(event, Loading)
            if isinstance(event, Finished):
                return text, event, loading
    finally:
        await model.aclose()
    raise AssertionError("the reply had no end")


def test_it_answers_and_is_loaded_once(server: Ollama) -> None:
    sampling = Sampling(max_tokens=60)
    text, end, _ = run(answer(server.url, ASK, sampling))
    assert "def add(a, b)" in text
    assert end.stats.generated_tokens > 5
    assert 0 < end.stats.first_token_ms < end.stats.total_ms
    again, _, loading = run(answer(server.url, ASK, sampling))
    assert again == text
    assert not loading


def test_its_family_quantisation_and_capabilities_are_told(server: Ollama) -> None:
    async def about() -> ModelInfo:
        model = OllamaModel(NAME, server.url)
        try:
            return await model.info()
        finally:
            await model.aclose()

    info = run(about())
    told = (info.family, info.quantization, info.capabilities)
    assert told == ("qwen2", "Q4_K_M", {"schema", "logprobs", "prefill"})


def test_it_is_listed_and_described(server: Ollama, gguf: Path) -> None:
    async def about() -> None:
        listed = {model.name: model for model in await ollama_store.list_models(server.url)}
        assert set(listed) == {NAME, BARE}
        assert listed[NAME].size > gguf.stat().st_size
        picked = ollama_store.pick_installed(list(listed.values()), None)
        assert picked == listed[NAME]
        model = OllamaModel(NAME, server.url, context_window=WINDOW)
        info = await model.info()
        assert info.digest == weights.sha256(gguf)
        assert info.context_window == WINDOW
        assert info.parameters
        assert 0.4e9 < info.parameters < 0.7e9
        assert not await model.warnings()
        large = OllamaModel(NAME, server.url, context_window=10**6)
        assert (await large.info()).context_window == 32768
        await model.aclose()
        await large.aclose()

    run(about())


def test_a_model_without_a_chat_template_is_told(server: Ollama) -> None:
    async def notice() -> str | None:
        model = OllamaModel(BARE, server.url)
        told = (await model.warnings())[0]
        assert not (await model.counter()).exact
        await model.aclose()
        return told

    assert "no chat template" in (run(notice()) or "")


TRICKY = [
    "x = 1\n",
    "\tif a:\n\t\treturn 'it\\'s'\n\n\n",
    "naïve café — 你好, 世界 🧪 e\u0301\u00a0\u3000|",
    "<|im_end|><|fim_prefix|>`</div>`",
    "=" * 300 + " " * 200 + "\n" * 50,
    "1234567890 3.14159e-10 0xDEADBEEF",
    Path(tokens.__file__).read_text()[:2500],
]


@pytest.mark.parametrize("text", TRICKY, ids=range(len(TRICKY)))
def test_the_count_is_the_one_that_the_server_makes(server: Ollama, text: str) -> None:
    async def both() -> tuple[int, int]:
        model = OllamaModel(NAME, server.url, context_window=WINDOW)
        counter = await model.counter()
        await model.aclose()
        assert counter.exact
        messages = [SYSTEM, Message("user", text), Message("assistant", "ok"), Message("user", "again")]
        _, end, _ = await answer(server.url, messages, SHORT)
        return counter.count_messages(messages), end.stats.prompt_tokens

    counted, read = run(both())
    assert counted == read


def test_the_file_and_the_server_give_the_same_counter(server: Ollama, gguf: Path) -> None:
    async def of_server() -> list[int]:
        model = OllamaModel(NAME, server.url)
        counter = await model.counter()
        await model.aclose()
        return [counter.count(text) for text in TRICKY]

    of_file = tokens.gguf_counter(gguf, "")
    assert [of_file.count(text) for text in TRICKY] == run(of_server())


def test_a_loaded_window_that_suffices_is_kept_and_one_that_does_not_is_raised(server: Ollama) -> None:
    async def window() -> int | None:
        return (await ollama_store.loaded_models(server.url)).get(NAME)

    async def loads(model: OllamaModel) -> bool:
        """Whether it was loaded for this ask."""
        return any([isinstance(event, Loading) async for event in model.stream(ASK, SHORT)])

    async def talk() -> None:
        other, model = OllamaModel(NAME, server.url, context_window=4096), OllamaModel(NAME, server.url)
        await loads(other)  # another program has loaded it
        assert await window() == 4096
        assert (await model.info()).context_window == 4096
        assert not await loads(model)
        assert (await model.widen(5000)).context_window == 8192
        assert await loads(model)
        assert await window() == 8192
        assert not await loads(other)  # and the larger one is kept in turn
        await model.aclose()
        await other.aclose()

    run(talk())


def test_a_missing_model_is_told_with_the_command_that_fetches_it(server: Ollama) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        run(answer(server.url, ASK, SHORT, name="never-pulled:7b"))
    assert "`ollama pull never-pulled:7b`" in caught.value.hint


def test_a_stop_while_it_reads_frees_at_once_and_the_next_ask_works(server: Ollama) -> None:
    async def stop() -> float:
        long = [SYSTEM, Message("user", "".join(f"word{n} " for n in range(400)))]
        task = asyncio.create_task(answer(server.url, long, SHORT))
        await asyncio.wait({task}, timeout=0.5)
        start = time.monotonic()
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.done()
        return time.monotonic() - start

    run(answer(server.url, ASK, SHORT))
    assert run(stop()) < 0.2
    text, _, _ = run(answer(server.url, ASK, Sampling(max_tokens=20)))
    assert text


def test_a_server_that_is_killed_leaves_the_text_so_far(server: Ollama, ollama_store: Path) -> None:
    other, text = Ollama(ollama_program(), ollama_store), ""
    try:

        async def kill() -> None:
            nonlocal text
            model = OllamaModel(NAME, other.url, context_window=WINDOW)
            async for event in model.stream(ASK, Sampling(max_tokens=500)):
                text += event.text if isinstance(event, Text) else ""
                if len(text) > 5:
                    other.kill()

        with pytest.raises(ModelConnectionLostError) as caught:
            run(kill())
        assert len(text) > 5
        assert caught.value.partial == text
        assert "`ollama serve`" in caught.value.hint
    finally:
        other.close()


def test_a_server_that_is_killed_and_started_again_answers_the_same_call(
    server: Ollama, ollama_store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(paths, "state_dir", lambda: tmp_path)
    program = ollama_program()
    others = [Ollama(program, ollama_store)]

    async def ask() -> list[StreamEvent]:
        events: list[StreamEvent] = []
        model = SteadyModel(OllamaModel(NAME, others[0].url, context_window=WINDOW))
        async for event in model.stream(ASK, Sampling(max_tokens=30)):
            if isinstance(event, Text) and len(others) == 1:
                others[0].kill()
                others.append(await asyncio.to_thread(Ollama, program, ollama_store, port=others[0].port))
            events.append(event)
        await model.aclose()
        return events

    try:
        events = run(ask())
    finally:
        for other in others:
            other.close()
    assert isinstance(events[-1], Finished)
    [again] = [at for at, event in enumerate(events) if isinstance(event, Retrying)]
    assert any(isinstance(event, Text) for event in events[:again])
    assert any(isinstance(event, Loading) for event in events[again:])
    reply = "".join(event.text for event in events[again:] if isinstance(event, Text))
    assert reply, "the reply starts anew"
    assert events[again].reason.startswith("The connection to Ollama")
