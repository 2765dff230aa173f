from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire
from llama import write_gguf
from vivek import paths
from vivek.errors import (
    ConfigError,
    ContextWindowExceededError,
    JSONParsingError,
    ModelAPIError,
    ModelBusyError,
    ModelConnectionLostError,
    ModelNotFoundError,
    ModelUnreachableError,
    VivekError,
)
from vivek.llm import transport
from vivek.llm.base import Finished, Message, ModelInfo, Reading, Sampling, StreamEvent, Text
from vivek.llm.openai import DEFAULT_WINDOW, KEY_VARIABLE, OpenAIModel, base_url
from vivek.llm.openai_facts import shown

T = TypeVar("T")

ASK = [Message("system", "You write code."), Message("user", "add")]
SCHEMA = {"type": "object"}
SAMPLING = Sampling(max_tokens=50, temperature=0.4, top_p=0.9, seed=7, stop=("END",), schema=SCHEMA)
KEY = "sk-very-secret"
CHAT = "/v1/chat/completions"


def listed(*rows: dict[str, Any]) -> wire.Answer:
    return wire.replying({"object": "list", "data": list(rows)})


def chunk(content: str | None = None, reason: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": {"content": content}, "finish_reason": reason}]
    return b"data: " + json.dumps({"choices": choices, **more}).encode() + b"\n\n"


USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 2}}\n\n'
DONE = b"data: [DONE]\n\n"
REPLY = wire.streaming([chunk("def "), chunk("f", usage=None), chunk(None, "stop"), USAGE, DONE])

LLAMA = {
    "/v1/models": listed(
        {
            "id": "/models/qwen2.5-coder-7b.gguf",
            "owned_by": "llamacpp",
            "meta": {"n_ctx": 4096, "n_params": 7.6e9, "n_vocab": 3, "ftype": "Q4_K - Medium"},
        }
    ),
    "/props": wire.replying(
        {"default_generation_settings": {"n_ctx": 2048}, "model_path": "/models/qwen2.5-coder-7b.gguf"}
    ),
}
VLLM = {"/v1/models": listed({"id": "Qwen/Qwen2.5-Coder-7B", "owned_by": "vllm", "max_model_len": 32768})}
STUDIO = {
    "/v1/models": listed({"id": "text-embedding-nomic"}, {"id": "llama-3b"}, {"id": "qwen2.5-coder-7b"}),
    "/api/v0/models": wire.replying(
        {
            "data": [
                {"id": "text-embedding-nomic", "type": "embeddings", "state": "loaded"},
                {"id": "llama-3b", "type": "llm", "state": "not-loaded", "max_context_length": 131072},
                {
                    "id": "qwen2.5-coder-7b",
                    "type": "llm",
                    "state": "loaded",
                    "arch": "qwen2",
                    "quantization": "Q4_K_M",
                    "loaded_context_length": 16384,
                },
            ]
        }
    ),
}
OLLAMA = {
    "/v1/models": listed({"id": "qwen2.5-coder:7b", "owned_by": "library"}),
    "/api/ps": wire.replying({"models": [{"model": "qwen2.5-coder:7b", "context_length": 8192}]}),
}
MLX = {"/v1/models": listed({"id": "mlx-community/Qwen2.5-Coder-3B-4bit"})}
SERVERS = {"llama.cpp": LLAMA, "vLLM": VLLM, "LM Studio": STUDIO, "Ollama": OLLAMA, "unknown": MLX}


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@contextlib.asynccontextmanager
async def served(
    routes: dict[str, wire.Answer], name: str | None = None, key: str = "", path: str = ""
) -> Any:
    async with wire.serve(routes) as there:
        model = OpenAIModel(there.url + path, name, key=key)
        try:
            yield model, there
        finally:
            await model.aclose()


def about(routes: dict[str, wire.Answer], **how: Any) -> tuple[ModelInfo, list[str]]:
    async def told() -> tuple[ModelInfo, list[str]]:
        async with served(routes, **how) as (model, _):
            return await model.info(), list(await model.warnings())

    return run(told())


def ask(
    routes: dict[str, wire.Answer], messages: list[Message] = ASK, sampling: Sampling = SAMPLING, **how: Any
) -> tuple[list[StreamEvent], dict[str, Any]]:
    """The events, and the body that was sent."""

    async def answered() -> tuple[list[StreamEvent], dict[str, Any]]:
        async with served({CHAT: REPLY} | routes, **how) as (model, there):
            events = [event async for event in model.stream(messages, sampling)]
            return events, there.bodies(CHAT)[0]

    return run(answered())


# --- what the servers tell ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "window", "name"),
    [
        ("llama.cpp", 2048, "qwen2.5-coder-7b"),
        ("vLLM", 32768, "Qwen/Qwen2.5-Coder-7B"),
        ("LM Studio", 16384, "qwen2.5-coder-7b"),
        ("Ollama", 8192, "qwen2.5-coder:7b"),
        ("unknown", DEFAULT_WINDOW, "mlx-community/Qwen2.5-Coder-3B-4bit"),
    ],
)
def test_each_kind_of_server_tells_its_window_in_its_own_way(kind: str, window: int, name: str) -> None:
    info, _ = about(SERVERS[kind])
    assert (info.backend, info.context_window, info.name) == ("openai", window, name)
    assert info.parameters == pytest.approx(3e9 if kind == "unknown" else 7e9, rel=0.1)
    assert ("schema" in info.capabilities) == (kind != "unknown")


def test_a_window_that_is_not_told_is_assumed_and_said_so() -> None:
    _, warnings = about(MLX)
    assert any(str(DEFAULT_WINDOW) in warning and "context window" in warning for warning in warnings)
    assert about(VLLM)[1] == []


def test_a_model_that_lm_studio_has_not_loaded_has_no_known_window() -> None:
    info, warnings = about(STUDIO, name="llama-3b")
    assert info.context_window == DEFAULT_WINDOW
    assert warnings


def test_ollama_behind_v1_is_told_that_it_has_a_better_backend() -> None:
    assert any('backend = "ollama"' in warning for warning in about(OLLAMA)[1])


def test_quantization_and_family_are_told_where_the_server_tells() -> None:
    assert about(LLAMA)[0].quantization == "Q4_K_M"
    assert (about(STUDIO)[0].quantization, about(STUDIO)[0].family) == ("Q4_K_M", "qwen2")


def test_the_loaded_model_of_several_answers_else_the_first() -> None:
    assert about(STUDIO)[0].name == "qwen2.5-coder-7b"
    two = {"/v1/models": listed({"id": "a-7b"}, {"id": "b-7b"})}
    assert about(two)[0].name == "a-7b"


@pytest.mark.parametrize("name", ["/models/qwen2.5-coder-7b.gguf", "qwen2.5-coder-7b", "QWEN2.5-coder-7B"])
def test_a_model_is_named_as_it_is_listed_or_shown(name: str) -> None:
    _, body = ask(LLAMA, name=name)
    assert body["model"] == "/models/qwen2.5-coder-7b.gguf"


def test_weights_on_this_machine_give_digest_and_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = write_gguf(tmp_path / "tiny.gguf")
    for vocabulary, known in ((0, True), (3, False)):
        row = {"id": str(file), "meta": {"n_vocab": vocabulary}}
        props = {"default_generation_settings": {"n_ctx": 2048}, "model_path": str(file)}
        info, _ = about({"/v1/models": listed(row), "/props": wire.replying(props)})
        assert bool(info.digest) == known
        assert info.family == ("qwen2" if known else "")


# --- what is sent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SERVERS)
def test_every_server_gets_messages_and_sampling(kind: str) -> None:
    events, body = ask(SERVERS[kind])
    assert body["messages"] == [
        {"role": "system", "content": "You write code."},
        {"role": "user", "content": "add"},
    ]
    sent = {name: body[name] for name in ("max_tokens", "temperature", "top_p", "seed", "stop", "stream")}
    assert sent == {
        "max_tokens": 50,
        "temperature": 0.4,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
        "stream": True,
    }
    assert [event for event in events if isinstance(event, Text)] == [Text("def "), Text("f")]
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.stats.prompt_tokens, last.stats.generated_tokens, last.stats.cached_tokens) == (20, 2, None)


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("llama.cpp", {"return_progress", "repeat_penalty", "chat_template_kwargs"}),
        ("vLLM", {"repetition_penalty", "chat_template_kwargs"}),
        ("LM Studio", {"repeat_penalty"}),
        ("Ollama", set()),
        ("unknown", set()),
    ],
)
def test_each_kind_of_server_gets_only_what_it_understands(kind: str, own: set[str]) -> None:
    _, body = ask(SERVERS[kind])
    common = {"model", "messages", "max_tokens", "temperature", "top_p", "seed", "stop", "stream"}
    formed = {"response_format"} if kind != "unknown" else set()
    assert set(body) == common | {"stream_options"} | own | formed
    if formed:
        assert body["response_format"]["json_schema"]["schema"] == SCHEMA


def test_several_system_messages_are_sent_as_one() -> None:
    messages = [Message("system", "a"), Message("user", "b"), Message("system", "c")]
    _, body = ask(VLLM, messages)
    assert body["messages"] == [{"role": "system", "content": "a\n\nc"}, {"role": "user", "content": "b"}]


def test_progress_of_llama_cpp_and_cached_tokens_are_told() -> None:
    progress = b'data: {"choices": [], "prompt_progress": {"processed": 16, "total": 20}}\n\n'
    usage = USAGE.replace(b'_tokens": 2}', b'_tokens": 2, "prompt_tokens_details": {"cached_tokens": 16}}')
    events, _ = ask(
        LLAMA | {CHAT: wire.streaming([progress, chunk("x"), chunk(None, "length"), usage, DONE])}
    )
    assert events[:2] == [Reading(16, 20), Text("x")]
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.stats.cached_tokens) == ("length", 16)


def test_an_error_that_is_null_is_none() -> None:
    events, _ = ask(MLX | {CHAT: wire.streaming([chunk("x", error=None), chunk(None, "stop"), DONE])})
    assert [event.text for event in events if isinstance(event, Text)] == ["x"]


def test_a_server_that_tells_no_usage_still_ends_its_replies() -> None:
    events, _ = ask(MLX | {CHAT: wire.streaming([chunk("a"), chunk("b"), chunk(None, "stop")])})
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.stats.generated_tokens == 2


@given(st.lists(st.text(max_size=8), max_size=6))
def test_the_pieces_join_to_the_text_whatever_it_holds(pieces: list[str]) -> None:
    answer = wire.streaming([*map(chunk, pieces), chunk(None, "stop"), DONE])
    events, _ = ask(MLX | {CHAT: answer})
    assert "".join(event.text for event in events if isinstance(event, Text)) == "".join(pieces)


# --- counting -----------------------------------------------------------------------------------------------


def counted(routes: dict[str, wire.Answer], key: str = "") -> tuple[bool, list[int], wire.Wire]:
    async def count() -> tuple[bool, list[int], wire.Wire]:
        async with served(routes, key=key) as (model, there):
            counter = await model.counter()

            def twice() -> list[int]:
                return [counter.count("x = 1"), counter.count("x = 1"), counter.count_messages(ASK)]

            return counter.exact, await asyncio.to_thread(twice), there

    return run(count())


def test_vllm_counts_text_and_messages() -> None:
    exact, counts, there = counted(VLLM | {"/tokenize": wire.replying({"count": 4, "tokens": [1] * 4})})
    assert (exact, counts) == (True, [4, 4, 4])
    _, text, messages = there.bodies("/tokenize")  # each text was asked for once
    assert (text["prompt"], text["add_special_tokens"]) == ("x = 1", False)
    assert messages["messages"][1] == {"role": "user", "content": "add"}


def test_llama_cpp_counts_what_its_template_makes() -> None:
    routes = {
        "/tokenize": wire.replying({"tokens": [1, 2, 3]}),
        "/apply-template": wire.replying({"prompt": "<|im_start|>..."}),
    }
    exact, counts, there = counted(LLAMA | routes)
    assert (exact, counts) == (True, [3, 3, 3])
    assert there.bodies("/tokenize")[2] == {
        "content": "<|im_start|>...",
        "parse_special": True,
        "add_special": True,
    }


@pytest.mark.parametrize("kind", ["LM Studio", "Ollama", "unknown"])
def test_a_count_that_is_only_approximate_says_so(kind: str) -> None:
    exact, counts, _ = counted(SERVERS[kind])
    assert not exact
    assert counts[0] > 0


@pytest.mark.parametrize(
    "page", [wire.replying("404 page not found", 404), wire.replying({}), wire.replying("<p>")]
)
def test_behind_a_gateway_without_a_page_for_it_counts_are_approximate(page: wire.Answer) -> None:
    exact, counts, _ = counted(VLLM | {"/tokenize": page})
    assert not exact
    assert counts[0] > 0


def test_a_server_that_cannot_count_for_now_does_not_lose_its_exact_counts() -> None:
    with pytest.raises(ModelBusyError):
        counted(VLLM | {"/tokenize": wire.replying({"error": "loading"}, 503)})


def test_the_key_is_in_no_error_of_counting() -> None:
    with pytest.raises(ModelAPIError) as caught:
        counted(VLLM | {"/tokenize": wire.replying({"error": f"overloaded, {KEY}"}, 503)}, key=KEY)
    assert KEY not in str(caught.value)


# --- what goes wrong ----------------------------------------------------------------------------------------


def failing(routes: dict[str, wire.Answer], kind: type[VivekError], **how: Any) -> VivekError:
    with pytest.raises(kind) as caught:
        ask(routes, **how)
    assert type(caught.value) is kind
    return caught.value


def test_nothing_there_is_told_with_the_address() -> None:
    async def info() -> None:
        await OpenAIModel(f"http://127.0.0.1:{wire.closed_port()}/v1").info()

    with pytest.raises(ModelUnreachableError, match=r"http://127\.0\.0\.1:\d+\.") as caught:
        run(info())
    assert "`url`" in caught.value.hint


def test_a_server_without_v1_is_told() -> None:
    error = failing({"/": wire.replying("hello")}, ModelAPIError)
    assert "/v1/models" in error.message
    assert "`url`" in error.hint


def test_a_web_page_is_no_server() -> None:
    failing({"/v1/models": wire.replying("<html>")}, JSONParsingError)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("key", ["", KEY])
def test_a_missing_or_wrong_key_names_the_variable_and_not_the_key(status: int, key: str) -> None:
    refused = wire.replying({"error": {"message": f"Incorrect API key provided: {key}"}}, status)
    for routes in ({"/v1/models": refused}, VLLM | {CHAT: refused}):
        error = failing(routes, ModelAPIError, key=key)
        assert KEY_VARIABLE in error.hint
        assert KEY not in str(error)


def test_the_key_is_sent_and_is_taken_out_of_the_servers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, f" {KEY}\n")
    broken = wire.replying({"error": {"message": f"Bearer {KEY} broke it"}}, 500)
    with pytest.raises(ModelAPIError) as caught:
        ask(VLLM | {CHAT: broken}, key=None)
    assert "Bearer *** broke it" in caught.value.message


def test_a_key_that_cannot_be_sent_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    for bad in (f"{KEY}\nX-Evil: 1", f"{KEY} {KEY}", f"{KEY}é"):
        monkeypatch.setenv(KEY_VARIABLE, bad)
        with pytest.raises(ConfigError) as caught:
            OpenAIModel("http://127.0.0.1:1")
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", [f"http://user:{KEY}@host:1/v1", f"http://host:1/v1?key={KEY}"])
def test_an_address_that_holds_a_key_is_refused_unseen(url: str) -> None:
    with pytest.raises(ConfigError, match="password") as caught:
        OpenAIModel(url)
    assert KEY not in str(caught.value)
    assert KEY_VARIABLE in caught.value.hint


def test_a_model_that_is_not_listed_is_told_with_those_that_are() -> None:
    error = failing(STUDIO, ModelNotFoundError, name="gpt-9")
    for name in ("gpt-9", "llama-3b", "qwen2.5-coder-7b"):
        assert name in error.message


def test_a_server_without_a_model_is_told() -> None:
    assert "Load one" in failing({"/v1/models": listed()}, ModelNotFoundError).hint


def test_a_model_that_is_gone_when_it_is_asked_is_told() -> None:
    gone = wire.replying({"error": {"message": "The model `x` does not exist."}}, 404)
    failing(VLLM | {CHAT: gone}, ModelNotFoundError)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "request (3030 tokens) exceeds the available context size (2048 tokens), try increasing it"),
        (400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"),
        (413, "the prompt is longer than the context window"),
    ],
)
def test_a_prompt_that_does_not_fit_is_told_in_the_servers_words(status: int, said: str) -> None:
    for routes in (VLLM, LLAMA):
        error = failing(
            routes | {CHAT: wire.replying({"error": {"message": said}}, status)}, ContextWindowExceededError
        )
        assert said in error.message


def test_an_error_in_the_stream_is_told_with_the_text_so_far() -> None:
    words = "Trying to keep the first 5000 tokens when context the overflows. Context length is 4096 tokens"
    event = b'event: error\ndata: {"error": {"message": "%s"}}\n\n' % words.encode()
    error = failing(STUDIO | {CHAT: wire.streaming([chunk("a"), event])}, ContextWindowExceededError)
    assert error.partial == "a"


@pytest.mark.parametrize("kind", ["LM Studio", "Ollama", "unknown"])
def test_a_server_that_would_cut_a_long_prompt_is_not_sent_one(kind: str) -> None:
    async def refused() -> wire.Wire:
        async with served({CHAT: REPLY} | SERVERS[kind]) as (model, there):
            with pytest.raises(ContextWindowExceededError, match=r"\d+ tokens"):
                async for _ in model.stream([Message("user", "word " * 20_000)], SAMPLING):
                    pass
            return there

    assert run(refused()).bodies(CHAT) == []


def test_a_reply_that_breaks_off_keeps_its_text() -> None:
    for answer in (
        wire.streaming([chunk("def "), chunk("f")], cut=True),
        wire.streaming([chunk("def "), chunk("f")]),
    ):
        assert failing(VLLM | {CHAT: answer}, ModelConnectionLostError).partial == "def f"


def test_a_silent_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 0.1)
    failing({"/v1/models": wire.silence}, ModelUnreachableError)


def test_a_cancelled_call_closes_the_connection() -> None:
    async def cancel() -> None:
        hanging = VLLM | {CHAT: wire.streaming([chunk("def ")], hang=True)}
        async with served(hanging) as (model, there):
            begun = asyncio.Event()

            async def read() -> None:
                async for _ in model.stream(ASK, SAMPLING):
                    begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            there.hung_up.clear()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(there.hung_up.wait(), 5)

    run(cancel())


def test_its_health_is_asked_apart_from_the_call() -> None:
    async def asked(routes: dict[str, wire.Answer]) -> bool:
        async with served(routes) as (model, _):
            await model.info()
            return bool(await model.answers(0.2))

    assert run(asked(LLAMA | {"/health": wire.replying({"status": "ok"})}))
    assert not run(asked(LLAMA | {"/health": wire.silence}))
    assert run(asked(MLX))


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        "http://h:1",
        "http://h:1/",
        "http://h:1/v1",
        "http://h:1/v1/",
        "h:1/v1",
        "http://h:1/v1/chat/completions",
    ],
)
def test_an_address_is_taken_with_or_without_v1(given: str) -> None:
    assert base_url(given) == "http://h:1"


def test_a_path_before_v1_stays() -> None:
    assert base_url("https://gateway/api/v1") == "https://gateway/api"
    routes = {f"/proxy{path}": answer for path, answer in VLLM.items()}
    assert about(routes, path="/proxy/v1")[0].context_window == 32768


@given(st.text(alphabet="abz019.-_/", max_size=30))
def test_v1_and_slashes_at_the_end_make_no_difference(path: str) -> None:
    plain = base_url(f"http://host/{path}")
    assert not plain.endswith("/")
    for end in ("", "/", "/v1", "/v1/", "/v1/models"):
        assert base_url(plain + end) == plain


def test_a_file_is_shown_by_its_name_alone() -> None:
    assert shown("/a/b/coder-7b-q4.gguf") == "coder-7b-q4"
    assert shown("Qwen/Qwen2.5-Coder") == "Qwen/Qwen2.5-Coder"
