from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire
from vivek import paths
from vivek.errors import (
    ConfigError,
    ContextWindowExceededError,
    JSONParsingError,
    ModelAPIError,
    ModelConnectionLostError,
    ModelNotFoundError,
    ModelUnreachableError,
)
from vivek.llm import memory, ollama_store, tokens, transport
from vivek.llm.base import (
    Finished,
    Loading,
    Message,
    ModelInfo,
    Queued,
    Reading,
    Sampling,
    StreamEvent,
    Text,
)
from vivek.llm.ollama import OllamaModel
from vivek.llm.ollama_store import InstalledModel, host_url, pick_installed
from vivek.llm.traps import template_warning

T = TypeVar("T")

NAME = "qwen2.5-coder:1.5b"
DIGEST = "ab" * 32
ASK = [Message("system", "You write code."), Message("user", "add")]
SAMPLING = Sampling(max_tokens=50, temperature=0.4, top_p=0.9, seed=7, stop=("END",))
CHATML = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
TABLES = {
    "tokenizer.ggml.merges": ["a d", "ad d"],
    "tokenizer.ggml.tokens": ["ad", "add", "<|im_start|>", "<|im_end|>"],
    "tokenizer.ggml.token_type": [1, 1, 3, 3],
}
SHOW: dict[str, Any] = {
    "template": CHATML,
    "modelfile": f"# Modelfile\nFROM /models/blobs/sha256-{DIGEST}\nTEMPLATE x\n",
    "model_info": {
        "general.architecture": "qwen2",
        "general.parameter_count": 1_543_714_304,
        "qwen2.context_length": 32768,
        "qwen2.block_count": 28,
        "qwen2.embedding_length": 1536,
        "qwen2.attention.head_count": 12,
        "qwen2.attention.head_count_kv": 2,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.merges": None,
    },
}
LAST = {
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 3_000_000_000,
    "load_duration": 500_000_000,
    "prompt_eval_count": 31,
    "prompt_eval_duration": 1_000_000_000,
    "eval_count": 2,
    "eval_duration": 1_000_000_000,
}


def piece(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}, "done": False}


def loaded(context: int = 8192) -> wire.Answer:
    return wire.replying({"models": [{"model": NAME, "name": NAME, "size": 1, "context_length": context}]})


def routes(chat: wire.Answer, **other: wire.Answer) -> dict[str, wire.Answer]:
    tags = wire.replying({"models": [{"model": NAME, "name": NAME, "size": 1_100_000_000}]})
    answers = {"show": wire.replying(SHOW), "ps": loaded(), "tags": tags, "chat": chat} | other
    return {f"/api/{name}": answer for name, answer in answers.items()}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)
    monkeypatch.setattr(tokens, "_encoders", {})
    monkeypatch.setattr(memory, "available", lambda: 16 * 10**9)
    monkeypatch.setattr(memory, "has_gpu", lambda: False)
    monkeypatch.setattr(memory, "_all", lambda: 4 << 30)  # of which 1 GiB is left to others


async def ask(
    served: dict[str, wire.Answer],
    got: list[StreamEvent] | None = None,
    name: str = NAME,
    window: int | None = 8192,
) -> tuple[list[StreamEvent], wire.Wire]:
    events = got if got is not None else []
    async with wire.serve(served) as there:
        model = OllamaModel(name, there.url, context_window=window)
        try:
            async for event in model.stream(ASK, SAMPLING):
                events.append(event)
        finally:
            await model.aclose()
    return events, there


def failing(served: dict[str, wire.Answer], kind: type[Exception]) -> Any:
    with pytest.raises(kind) as caught:
        asyncio.run(ask(served))
    assert type(caught.value) is kind
    return caught.value


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


# --- what is sent and what comes back ---------------------------------------------------------------------


def test_an_answer_streams_with_the_servers_own_numbers() -> None:
    chat = wire.streaming([piece("def "), piece("f"), LAST])
    events, _ = run(ask(routes(chat)))
    reading, *texts, last = events
    assert isinstance(reading, Reading)
    assert reading.done == 0
    assert reading.total > 0
    assert texts == [Text("def "), Text("f")]
    assert isinstance(last, Finished)
    assert last.reason == "stop"
    assert (last.stats.prompt_tokens, last.stats.cached_tokens, last.stats.generated_tokens) == (31, None, 2)
    assert 1500 <= last.stats.first_token_ms < 2500
    assert 3000 <= last.stats.total_ms < 4000


def test_the_request_says_all_that_must_not_be_left_to_the_server() -> None:
    _, there = run(ask(routes(wire.streaming([LAST]))))
    (body,) = there.bodies("/api/chat")
    assert body == {
        "model": NAME,
        "messages": [{"role": "system", "content": "You write code."}, {"role": "user", "content": "add"}],
        "stream": True,
        "think": False,
        "truncate": False,
        "shift": False,
        "keep_alive": "30m",
        "options": {
            "num_ctx": 8192,
            "num_predict": 50,
            "temperature": 0.4,
            "top_p": 0.9,
            "seed": 7,
            "stop": ["END"],
            "repeat_penalty": 1.0,
        },
    }


def test_several_system_messages_become_one() -> None:
    async def sent() -> list[dict[str, str]]:
        async with wire.serve(routes(wire.streaming([LAST]))) as there:
            model = OllamaModel(NAME, there.url)
            messages = [
                Message("user", "u"),
                Message("system", "a"),
                Message("system", "b"),
                Message("assistant", "x"),
            ]
            async for _ in model.stream(messages, SAMPLING):
                pass
            await model.aclose()
            return list(there.bodies("/api/chat")[0]["messages"])

    roles = [(message["role"], message["content"]) for message in run(sent())]
    assert roles == [("system", "a\n\nb"), ("user", "u"), ("assistant", "x")]


@pytest.mark.parametrize("running", [{"models": []}, {"models": [{"model": NAME, "context_length": 4096}]}])
def test_a_model_that_is_not_in_memory_at_this_size_is_loaded_first(running: dict[str, Any]) -> None:
    events, there = run(ask(routes(wire.streaming([LAST]), ps=wire.replying(running))))
    assert [type(event) for event in events] == [Loading, Reading, Finished]
    load, chat = there.bodies("/api/chat")
    assert load["messages"] == []
    assert not load["stream"]
    assert load["options"]["num_ctx"] == chat["options"]["num_ctx"] == 8192


def test_an_older_server_that_tells_no_context_length_is_taken_at_its_word() -> None:
    events, _ = run(ask(routes(wire.streaming([LAST]), ps=wire.replying({"models": [{"model": NAME}]}))))
    assert not any(isinstance(event, Loading) for event in events)


def test_a_name_without_a_tag_is_the_latest() -> None:
    running = wire.replying({"models": [{"model": "m:latest", "context_length": 8192}]})
    events, _ = run(ask(routes(wire.streaming([LAST]), ps=running), name="m"))
    assert not any(isinstance(event, Loading) for event in events)


def test_the_window_is_never_larger_than_the_model_was_made_for() -> None:
    small = SHOW | {"model_info": SHOW["model_info"] | {"qwen2.context_length": 2048}}
    _, there = run(ask(routes(wire.streaming([LAST]), show=wire.replying(small), ps=loaded(2048))))
    assert [body["options"]["num_ctx"] for body in there.bodies("/api/chat")] == [2048]


def test_a_loaded_model_keeps_its_window_whoever_loaded_it() -> None:
    """Else it would be loaded anew behind another program's back, and again when that one asks next."""
    for window in (4096, 6000, 16384, 131072):
        events, there = run(ask(routes(wire.streaming([LAST]), ps=loaded(window)), window=None))
        assert not any(isinstance(event, Loading) for event in events)
        assert [body["options"]["num_ctx"] for body in there.bodies("/api/chat")] == [window]


def test_a_window_smaller_than_any_bucket_is_replaced_and_told() -> None:
    async def talk() -> tuple[Sequence[str], list[int]]:
        async with wire.serve(routes(wire.streaming([LAST]), ps=loaded(2048))) as there:
            model = OllamaModel(NAME, there.url)
            warnings = await model.warnings()
            async for _ in model.stream(ASK, SAMPLING):
                pass
            await model.aclose()
            return warnings, [body["options"]["num_ctx"] for body in there.bodies("/api/chat")]

    warnings, sent = run(talk())
    assert sent == [32768, 32768]  # to load, and to ask
    assert "2048 tokens, too few" in warnings[0]
    assert "OLLAMA_CONTEXT_LENGTH=32768" in warnings[0]


NOT_LOADED = wire.replying({"models": []})


@pytest.mark.parametrize(("gigabytes", "expected"), [(16, 32768), (3, 16384), (2.5, 4096), (0.5, 4096)])
def test_a_model_that_is_not_loaded_gets_the_largest_window_that_fits(
    monkeypatch: pytest.MonkeyPatch, gigabytes: float, expected: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda: int(gigabytes * 1e9))
    _, there = run(ask(routes(wire.streaming([LAST]), ps=NOT_LOADED), window=None))
    assert {body["options"]["num_ctx"] for body in there.bodies("/api/chat")} == {expected}


def test_the_memory_of_a_gpu_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "has_gpu", lambda: True)
    _, there = run(ask(routes(wire.streaming([LAST]), ps=NOT_LOADED), window=None))
    assert {body["options"]["num_ctx"] for body in there.bodies("/api/chat")} == {8192}


def test_the_memory_of_another_machine_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "is_loopback", lambda _url: False)
    monkeypatch.setattr(memory, "available", lambda: 0)
    _, there = run(ask(routes(wire.streaming([LAST]), ps=NOT_LOADED), window=None))
    assert {body["options"]["num_ctx"] for body in there.bodies("/api/chat")} == {8192}


def test_a_raised_window_is_loaded_with_the_next_call_and_kept() -> None:
    async def talk() -> tuple[list[int], list[StreamEvent], list[int]]:
        async with wire.serve(routes(wire.streaming([LAST]), ps=loaded(4096))) as there:
            model = OllamaModel(NAME, there.url)
            windows = [(await model.info()).context_window, (await model.widen(9000)).context_window]
            windows.append((await model.widen(9000)).context_window)
            events = [event async for event in model.stream(ASK, SAMPLING)]
            await model.aclose()
            return windows, events, [body["options"]["num_ctx"] for body in there.bodies("/api/chat")]

    windows, events, sent = run(talk())
    assert windows == [4096, 16384, 16384]
    assert isinstance(events[0], Loading)
    assert sent == [16384, 16384]


def test_a_window_that_cannot_be_raised_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        async with wire.serve(routes(wire.streaming([LAST]), ps=loaded(4096))) as there:
            model = OllamaModel(NAME, there.url)
            try:
                with pytest.raises(ContextWindowExceededError, match="cannot be raised beyond 32768"):
                    await model.widen(33_000)
                monkeypatch.setattr(memory, "available", lambda: 10**9)
                with pytest.raises(ContextWindowExceededError, match=r"to 16384 tokens.*GB"):
                    await model.widen(9000)
                assert (await model.info()).context_window == 4096
            finally:
                await model.aclose()

    run(talk())


def test_what_was_budgeted_for_is_sent_even_where_another_program_shrinks_the_window() -> None:
    served = routes(wire.streaming([LAST]), ps=loaded(16384))

    async def talk() -> list[int]:
        async with wire.serve(served) as there:
            model = OllamaModel(NAME, there.url)
            await model.info()
            served["/api/ps"] = loaded(4096)
            async for _ in model.stream(ASK, SAMPLING):
                pass
            await model.aclose()
            return [body["options"]["num_ctx"] for body in there.bodies("/api/chat")]

    assert run(talk()) == [16384, 16384]


def test_a_reply_that_was_cut_says_so() -> None:
    events, _ = run(ask(routes(wire.streaming([piece("x"), LAST | {"done_reason": "length"}]))))
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "length"


def test_a_last_part_without_numbers_is_timed_here() -> None:
    events, _ = run(ask(routes(wire.streaming([piece("x"), {"done": True}]))))
    assert isinstance(events[-1], Finished)
    assert events[-1].stats.total_ms > 0
    assert events[-1].stats.prompt_tokens > 0


def test_half_a_surrogate_pair_does_not_stop_a_call() -> None:
    async def sent() -> str:
        async with wire.serve(routes(wire.streaming([LAST]))) as there:
            model = OllamaModel(NAME, there.url)
            async for _ in model.stream([Message("user", "a\udc80b")], SAMPLING):
                pass
            await model.aclose()
            return str(there.bodies("/api/chat")[0]["messages"][0]["content"])

    assert run(sent()) == "a?b"


# --- what goes wrong --------------------------------------------------------------------------------------


def test_no_server_is_told_with_the_command_that_starts_it() -> None:
    url = f"http://127.0.0.1:{wire.closed_port()}"

    async def talk(work: str) -> None:
        model = OllamaModel(NAME, url)
        try:
            if work == "info":
                await model.info()
            else:
                await ollama_store.list_models(url)
        finally:
            await model.aclose()

    for work in ("info", "list"):
        with pytest.raises(ModelUnreachableError) as caught:
            run(talk(work))
        assert url in caught.value.message
        assert "`ollama serve`" in caught.value.hint


def test_a_missing_model_is_told_with_the_command_that_fetches_it() -> None:
    missing = wire.replying({"error": f"model '{NAME}' not found"}, 404)
    for served in (routes(missing), routes(missing, show=missing)):
        assert f"`ollama pull {NAME}`" in failing(served, ModelNotFoundError).hint


def test_another_404_does_not_blame_the_model() -> None:
    error = failing({}, ModelAPIError)
    assert "404 page not found" in error.message
    assert "really an Ollama server" in error.hint


def test_a_prompt_that_is_too_long_is_told_with_the_numbers() -> None:
    answer = wire.replying({"error": "the input length exceeds the context length"}, 400)
    error = failing(routes(answer), ContextWindowExceededError)
    assert "8192" in error.message


def test_a_500_keeps_the_servers_own_words() -> None:
    error = failing(
        routes(wire.replying({"error": "llama runner process has terminated"}, 500)), ModelAPIError
    )
    assert "500: llama runner process has terminated" in error.message
    assert error.hint


def test_too_little_memory_names_the_ways_out() -> None:
    words = "model requires more system memory (9.1 GiB) than is available (3.2 GiB)"
    assert "smaller model" in failing(routes(wire.replying({"error": words}, 500)), ModelAPIError).hint


def test_an_error_in_the_middle_keeps_the_text_so_far() -> None:
    error = failing(
        routes(wire.streaming([piece("def "), piece("f"), {"error": "unexpected EOF"}])), ModelAPIError
    )
    assert "unexpected EOF" in error.message
    assert error.partial == "def f"


@pytest.mark.parametrize("cut", [True, False])
def test_a_connection_that_ends_too_early_keeps_the_text_so_far(cut: bool) -> None:
    got: list[StreamEvent] = []
    with pytest.raises(ModelConnectionLostError) as caught:
        run(ask(routes(wire.streaming([piece("def "), piece("f")], cut=cut)), got))
    assert caught.value.partial == "def f"
    assert got[-2:] == [Text("def "), Text("f")]


def test_a_broken_line_keeps_the_text_so_far() -> None:
    error = failing(routes(wire.streaming([piece("def"), b'{"message": {"con\n', LAST])), JSONParsingError)
    assert error.partial == "def"


def test_a_page_in_place_of_json_is_told() -> None:
    page = wire.replying("<html>welcome</html>")
    assert "really" in failing(routes(wire.streaming([]), show=page), JSONParsingError).hint
    assert "really" in failing(routes(wire.streaming([]), ps=page), JSONParsingError).hint


def test_an_address_that_is_none_is_a_setting_to_mend() -> None:
    with pytest.raises(ConfigError):
        OllamaModel(NAME, "ftp://127.0.0.1")


@pytest.mark.parametrize("where", ["loading", "reading", "writing"])
def test_cancelling_hangs_up_at_once(where: str) -> None:
    async def work() -> None:
        chat = wire.streaming([piece("x")], hang=True) if where == "writing" else wire.silence
        ps = wire.replying({"models": []}) if where == "loading" else loaded()
        awaited = {"loading": Loading, "reading": Reading, "writing": Text}[where]
        got: list[StreamEvent] = []
        async with wire.serve(routes(chat, ps=ps)) as there:
            model = OllamaModel(NAME, there.url)

            async def call() -> None:
                async for event in model.stream(ASK, SAMPLING):
                    got.append(event)

            task = asyncio.create_task(call())
            while not (there.bodies("/api/chat") and got and isinstance(got[-1], awaited)):
                await asyncio.sleep(0.001)
            there.hung_up.clear()
            start = asyncio.get_running_loop().time()
            task.cancel()
            await asyncio.wait({task}, timeout=2)
            await asyncio.wait_for(there.hung_up.wait(), 2)
            assert task.cancelled()
            assert asyncio.get_running_loop().time() - start < 0.2
            await model.aclose()

    run(work())


class OneAtATime:
    """Answers chats as Ollama does unless it is told otherwise: the others wait, without a word.

    may_answer: how many it may answer by now.
    """

    def __init__(self) -> None:
        self.may_answer = asyncio.Semaphore(0)
        self._free = asyncio.Lock()

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        async with self._free:
            await self.may_answer.acquire()
            await wire.streaming([piece("x"), LAST])(writer)


@pytest.mark.parametrize(("first_text", "told"), [(200.0, 1500.0), (2400.0, 2400.0), (9000.0, 3000.0)])
def test_the_time_that_a_call_has_waited_is_not_counted_as_writing(
    monkeypatch: pytest.MonkeyPatch, first_text: float, told: float
) -> None:
    # Since the call began: when it is sent, at its first text, at its end. The server tells of 1500 and 3000.
    clock = iter([0.0, first_text, 10_000.0])
    monkeypatch.setattr("vivek.llm.ollama._milliseconds", lambda _start: next(clock))
    events, _ = run(ask(routes(wire.streaming([piece("x"), LAST]))))
    assert isinstance(events[-1], Finished)
    assert events[-1].stats.first_token_ms == told


async def until_asked(there: wire.Wire, times: int) -> None:
    while len(there.bodies("/api/chat")) < times:
        await asyncio.sleep(0.001)


def test_a_call_that_waits_for_another_of_ours_says_so() -> None:
    async def work() -> None:
        chat = OneAtATime()
        async with wire.serve(routes(chat)) as there:
            got: list[list[StreamEvent]] = [[], []]

            async def call(number: int) -> None:
                model = OllamaModel(NAME, there.url)  # each ask has its own
                async for event in model.stream(ASK, SAMPLING):
                    got[number].append(event)
                await model.aclose()

            first = asyncio.create_task(call(0))
            await until_asked(there, 1)
            second = asyncio.create_task(call(1))
            await until_asked(there, 2)
            assert got[1] == [Queued(1)]
            chat.may_answer.release()
            await first
            while len(got[1]) < 2:
                await asyncio.sleep(0.001)
            chat.may_answer.release()
            await second
            assert [type(event) for event in got[0]] == [Reading, Text, Finished]
            assert [type(event) for event in got[1]] == [Queued, Reading, Text, Finished]

    run(work())


def test_a_call_to_another_model_does_not_wait() -> None:
    async def work() -> None:
        other = "other:1b"
        both = wire.replying(
            {"models": [{"model": name, "name": name, "context_length": 8192} for name in (NAME, other)]}
        )
        async with wire.serve(routes(wire.silence, ps=both)) as there:
            got: list[StreamEvent] = []

            async def call(name: str) -> None:
                model = OllamaModel(name, there.url, context_window=8192)
                try:
                    async for event in model.stream(ASK, SAMPLING):
                        got.append(event)
                finally:
                    await model.aclose()

            tasks = []
            for name in (NAME, other):
                tasks.append(asyncio.create_task(call(name)))
                await until_asked(there, len(tasks))
            assert [type(event) for event in got] == [Reading, Reading]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    run(work())


# --- what it says of itself -------------------------------------------------------------------------------


def test_it_describes_the_model() -> None:
    async def about() -> None:
        async with wire.serve(routes(wire.silence)) as there:
            model = OllamaModel(NAME, there.url)
            info = await model.info()
            assert (info.name, info.backend, info.digest) == (NAME, "ollama", DIGEST)
            assert (info.context_window, info.parameters) == (8192, 1_543_714_304)
            assert not await model.warnings()
            assert len(there.bodies("/api/show")) == 1
            await model.aclose()

    run(about())


def verbose_show() -> wire.Answer:
    return wire.replying(SHOW | {"model_info": SHOW["model_info"] | TABLES})


def test_the_counter_is_exact_and_its_tables_are_fetched_once() -> None:
    async def count(show: wire.Answer) -> list[dict[str, Any]]:
        async with wire.serve(routes(wire.silence, show=show)) as there:
            model = OllamaModel(NAME, there.url)
            counter = await model.counter()
            assert counter is await model.counter()
            assert counter.exact
            assert counter.count("add<|im_end|>") == 2
            await model.aclose()
            return there.bodies("/api/show")

    assert [body.get("verbose") for body in run(count(verbose_show()))] == [None, True]
    assert [body.get("verbose") for body in run(count(wire.replying(SHOW)))] == [None]


def test_figures_that_are_null_are_none() -> None:
    told = dict.fromkeys(
        ("load_duration", "prompt_eval_duration", "prompt_eval_count", "eval_count", "error")
    )
    events, _ = run(ask(routes(wire.streaming([{**piece("x"), "error": None}, LAST | told]))))
    assert isinstance(events[-1], Finished)
    assert events[-1].stats.generated_tokens == 0


def test_tables_are_made_where_they_hold_up_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    made, threads = tokens.remember, []

    def remember(digest: str, metadata: dict[str, Any]) -> tokens.Encoder | None:
        threads.append(threading.current_thread())
        return made(digest, metadata)

    monkeypatch.setattr(tokens, "remember", remember)

    async def count() -> None:
        async with wire.serve(routes(wire.silence, show=verbose_show())) as there:
            model = OllamaModel(NAME, there.url)
            await model.counter()
            await model.aclose()

    run(count())
    assert threads
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("change", [{"tokenizer.ggml.model": "t5"}, {"tokenizer.ggml.pre": "new"}])
def test_a_vocabulary_of_another_kind_costs_no_second_request(change: dict[str, str]) -> None:
    async def count() -> None:
        show = wire.replying(SHOW | {"model_info": SHOW["model_info"] | change})
        async with wire.serve(routes(wire.silence, show=show)) as there:
            model = OllamaModel(NAME, there.url)
            assert not (await model.counter()).exact
            assert len(there.bodies("/api/show")) == 1
            await model.aclose()

    run(count())


@pytest.mark.parametrize(
    ("show", "warned"),
    [
        ({"template": "{{ .Prompt }}"}, True),
        ({"template": "{{.Prompt}}\n"}, True),
        ({}, True),
        ({"template": "{{ .Prompt }}", "renderer": "qwen3-coder"}, False),
        ({"template": CHATML}, False),
        ({"template": "[INST] {{ .Prompt }} [/INST]"}, False),
    ],
)
def test_a_model_without_a_chat_template_is_told(show: dict[str, str], warned: bool) -> None:
    assert bool(template_warning(show)) is warned


# --- what the model can do, and what its reply is bound to -----------------------------------------------


def info_of(show: dict[str, Any]) -> ModelInfo:
    async def asked() -> ModelInfo:
        async with wire.serve(routes(wire.streaming([]), show=wire.replying(show))) as there:
            model = OllamaModel(NAME, there.url)
            try:
                return await model.info()
            finally:
                await model.aclose()

    return asyncio.run(asked())


def test_family_quantisation_and_capabilities_are_told() -> None:
    details = {"family": "qwen2", "parameter_size": "1.5B", "quantization_level": "Q4_K_M"}
    info = info_of(SHOW | {"details": details, "capabilities": ["completion", "tools"]})
    assert (info.family, info.quantization, info.capabilities) == ("qwen2", "Q4_K_M", {"schema"})


def test_a_server_that_tells_little_leaves_the_rest_unknown() -> None:
    details = {"family": "llama", "parameter_size": "7B"}
    info = info_of({"template": CHATML, "modelfile": "", "details": details})
    assert (info.parameters, info.family, info.quantization) == (7e9, "llama", "")
    assert info.capabilities == frozenset()
    assert info_of({}).parameters is None


def test_a_schema_goes_along_as_the_format_and_is_left_out_where_there_is_none() -> None:
    schema = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}}

    async def formats() -> list[object]:
        async with wire.serve(routes(wire.streaming([piece("{}"), LAST]))) as there:
            model = OllamaModel(NAME, there.url)
            for wanted in (None, schema):
                async for _ in model.stream(ASK, Sampling(max_tokens=5, schema=wanted)):
                    pass
            await model.aclose()
            return [body.get("format") for body in there.bodies("/api/chat")]

    assert asyncio.run(formats()) == [None, schema]


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ("0.12.5", True),
        ("0.9.9", True),
        *((new, False) for new in ("0.12.6", "1.0.0", "0.0.0", "main-abc", "")),
    ],
)
def test_a_server_that_cuts_prompts_silently_is_told(version: str, warned: bool) -> None:
    told = run(warned_of(version=wire.replying({"version": version})))
    assert bool(told) is warned
    assert all("install.sh" in sentence and version in sentence for sentence in told)


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        ({"size": 1000, "size_vram": 600}, "Only 60 %"),
        ({"size": 1000, "size_vram": 1000}, ""),
        ({"size": 1000, "size_vram": 0}, ""),
        ({}, ""),
    ],
)
def test_a_model_partly_off_the_gpu_is_told(memory: dict[str, int], words: str) -> None:
    told = run(warned_of(ps=wire.replying({"models": [{"model": NAME, "context_length": 8192} | memory]})))
    assert [words in sentence and "`ollama stop" in sentence for sentence in told] == [True] * bool(words)


def test_a_window_smaller_than_asked_for_is_told_once_it_is_loaded() -> None:
    small = loaded(4096)
    assert not run(warned_of(ps=small)), "a bucket that is loaded is kept"
    [before] = run(warned_of(ps=small, window=8192))
    assert "OLLAMA_CONTEXT_LENGTH=8192" in before
    [told] = run(warned_of(ps=small, window=8192, ask_first=True))
    assert "4096" in told
    assert "8192" in told
    assert f"`ollama stop {NAME}`" in told


async def warned_of(*, ask_first: bool = False, window: int | None = None, **other: wire.Answer) -> list[str]:
    load_and_chat = wire.streaming([LAST])
    async with wire.serve(routes(load_and_chat, **other)) as there:
        model = OllamaModel(NAME, there.url, context_window=window)
        if ask_first:
            async for _ in model.stream(ASK, SAMPLING):
                pass
        told = list(await model.warnings())
        await model.aclose()
        return told


# --- which model, and where -------------------------------------------------------------------------------


def test_installed_models_are_listed_with_their_size() -> None:
    listed = {
        "models": [
            {"model": NAME, "size": 986_061_892, "details": {"parameter_size": "1.5B"}},
            {"model": "b:c"},
        ]
    }

    async def names() -> list[InstalledModel]:
        async with wire.serve({"/api/tags": wire.replying(listed)}) as there:
            return await ollama_store.list_models(there.url)

    assert run(names()) == [InstalledModel(NAME, 986_061_892, "1.5B"), InstalledModel("b:c", 0)]


def test_a_download_tells_how_far_it_is_and_what_is_missing() -> None:
    parts = [
        {"status": "pulling manifest"},
        {"status": "pulling x", "digest": "x", "total": 10, "completed": 4},
    ]

    async def fetch(*lines: Any) -> list[ollama_store.PullProgress]:
        async with wire.serve({"/api/pull": wire.streaming([*parts, *lines])}) as there:
            return [part async for part in ollama_store.pull(there.url, "m")]

    done = run(fetch({"status": "success"}))
    assert [(part.status, part.done, part.total) for part in done] == [
        ("pulling manifest", 0, 0),
        ("pulling x", 4, 10),
        ("success", 0, 0),
    ]
    with pytest.raises(ModelNotFoundError, match="no model `m`"):
        run(fetch({"error": "pull model manifest: file does not exist"}))


GB = 1_000_000_000


@pytest.mark.parametrize(
    ("names", "available", "picked"),
    [
        ({"qwen2.5-coder:7b": 4.7, "qwen2.5-coder:1.5b": 1.0}, 16, "qwen2.5-coder:7b"),
        ({"qwen2.5-coder:7b": 4.7, "qwen2.5-coder:1.5b": 1.0}, None, "qwen2.5-coder:7b"),
        ({"qwen2.5-coder:7b": 4.7, "qwen2.5-coder:1.5b": 1.0}, 5, "qwen2.5-coder:1.5b"),
        ({"qwen2.5-coder:7b": 4.7}, 4, None),
        (
            {"qwen2.5-coder:1.5b": 1.0, "qwen2.5-coder:3b-instruct-q4_K_M": 2.0},
            16,
            "qwen2.5-coder:3b-instruct-q4_K_M",
        ),
        ({"llama3.2:3b": 2.0, "nomic-embed-text:latest": 0.3}, 16, None),
        (
            {"qwen2.5-coder:7b-base": 4.7, "deepseek-coder:6.7b-instruct": 3.8},
            16,
            "deepseek-coder:6.7b-instruct",
        ),
        (
            {"hf.co/Qwen/Qwen2.5-Coder-3B-Instruct-GGUF:Q4_K_M": 2.0},
            16,
            "hf.co/Qwen/Qwen2.5-Coder-3B-Instruct-GGUF:Q4_K_M",
        ),
        ({"qwen2.5-coder:0.5b": 0.4, "qwen2.5-coder:14b": 9.0}, 16, "qwen2.5-coder:14b"),
        ({"qwen2.5-coder:0.5b": 0.4, "qwen2.5-coder:14b": 9.0}, 8, "qwen2.5-coder:0.5b"),
        ({}, 16, None),
    ],
)
def test_the_first_of_the_documented_order_that_fits_is_picked(
    names: dict[str, float], available: float | None, picked: str | None
) -> None:
    models = [InstalledModel(name, int(size * GB)) for name, size in names.items()]
    found = pick_installed(models, None if available is None else int(available * GB))
    assert (found.name if found else None) == picked


def test_a_name_without_a_size_goes_by_its_parameters() -> None:
    latest = InstalledModel("qwen2.5-coder:latest", GB, "7.6B")
    small = InstalledModel("my-qwen2.5-coder", GB, "494.03M")
    assert pick_installed([small, latest], None) == latest
    assert pick_installed([small], None) == small


def test_a_model_in_memory_fits_by_being_there() -> None:
    model = InstalledModel("qwen2.5-coder:7b", 5 * GB)
    assert pick_installed([model], GB) is None
    assert pick_installed([model], GB, loaded={"qwen2.5-coder:7b"}) == model


@pytest.mark.parametrize(
    ("value", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":56789", "http://127.0.0.1:56789"),
        ("1.2.3.4:", "http://1.2.3.4:11434"),
        ("1.2.3.4:56789", "http://1.2.3.4:56789"),
        ("http://1.2.3.4", "http://1.2.3.4:80"),
        ("https://1.2.3.4", "https://1.2.3.4:443"),
        ("https://example.com:56789/path/", "https://example.com:56789/path"),
        ("example.com/a/b", "http://example.com:11434/a/b"),
        ("ollama.com", "https://ollama.com:443"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("::", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[0001:002:003:0004::1]", "http://[1:2:3:4::1]:11434"),
        ("[fe80::1]:5", "http://[fe80::1]:5"),
        ("example.com:port", "http://example.com:11434"),
        ("example.com:65536", "http://example.com:11434"),
        ("http://example.com:-1", "http://example.com:80"),
        ("\"'1.2.3.4'\"", "http://1.2.3.4:11434"),
        (" 'localhost:1' ", "http://localhost:1"),
    ],
)
def test_the_host_is_read_as_ollama_reads_it(value: str | None, url: str) -> None:
    assert host_url(value) == url


@given(st.text())
def test_any_host_gives_some_url(value: str) -> None:
    assert "://" in host_url(value)
