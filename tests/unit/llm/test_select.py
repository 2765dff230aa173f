from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import wire
from llama import FakeLlama, write_gguf
from vivek.errors import ConfigError, ModelNotFoundError, ModelUnreachableError, VivekError
from vivek.llm import memory, select, weights
from vivek.llm.base import Finished, Message, Sampling, Text
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.ollama import OllamaModel
from vivek.llm.openai import OpenAIModel
from vivek.llm.select import Choice
from vivek.llm.weights import MODELS

NOBODY = f"http://127.0.0.1:{wire.closed_port()}"
SHOW = {"template": "{{ .Messages }}", "model_info": {}}


@pytest.fixture(autouse=True)
def llama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLlama]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    monkeypatch.setattr(weights, "SYSTEM_STORES", ())
    monkeypatch.setenv("OLLAMA_HOST", NOBODY)
    monkeypatch.setattr(memory, "available", lambda: 16_000_000_000)
    fake = FakeLlama(tmp_path, monkeypatch)
    yield fake
    assert fake.events("load") == []  # choosing loads nothing
    fake.close()


def install(monkeypatch: pytest.MonkeyPatch, *places: int) -> None:
    """Put the models of these rows of the table in the cache folder, small ones under their names."""
    rows = list(MODELS)
    for place in places:
        file = write_gguf(weights.cached_file(rows[place]), {"general.name": rows[place].name})
        rows[place] = replace(rows[place], sha256=(hashlib.sha256(file.read_bytes()).hexdigest(),))
    monkeypatch.setattr(weights, "MODELS", tuple(rows))


def choose(backend: str = "auto", model: str | None = None, url: str | None = None) -> Choice:
    async def chosen() -> Choice:
        choice = await select.choose(backend, model, url)
        await choice.model.aclose()
        return choice

    return asyncio.run(chosen())


def with_ollama(
    names: list[str], backend: str = "auto", model: str | None = None, show: Any = SHOW, size: int = 1000
) -> Choice:
    """Choose beside an Ollama that has these models."""
    listed = {"models": [{"model": name, "name": name, "size": size, "details": {}} for name in names]}
    routes = {
        "/api/tags": wire.replying(listed),
        "/api/ps": wire.replying({"models": []}),
        "/api/show": wire.replying(show),
    }

    async def chosen() -> Choice:
        async with wire.serve(routes) as ollama:
            choice = await select.choose(backend, model, ollama.url)
            await choice.model.aclose()
            return choice

    return asyncio.run(chosen())


def test_auto_takes_ollama_where_it_has_a_model_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0)
    choice = with_ollama(["llama3:8b", "qwen2.5-coder:7b"])
    assert isinstance(choice.model, OllamaModel)
    assert (choice.backend, choice.name) == ("ollama", "qwen2.5-coder:7b")
    assert "Ollama" in choice.reason


def test_auto_takes_the_embedded_model_where_ollama_has_none_of_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, 0)
    choice = with_ollama(["llama3:8b"])
    assert isinstance(choice.model, LlamaCppModel)
    assert (choice.backend, choice.name) == ("embedded", "qwen2.5-coder:1.5b")
    assert "llama3:8b" in choice.reason


def test_auto_takes_the_embedded_model_where_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0, 1)
    choice = choose()
    assert choice.name == "qwen2.5-coder:1.5b"
    assert NOBODY in choice.reason


def test_auto_waits_a_second_for_a_silent_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0)

    async def beside_silence() -> tuple[Choice, float]:
        async with wire.serve({"/api/tags": wire.silence}) as ollama:
            began = time.monotonic()
            return await select.choose("auto", None, ollama.url), time.monotonic() - began

    choice, seconds = asyncio.run(beside_silence())
    assert choice.backend == "embedded"
    assert "no answer" in choice.reason
    assert seconds < 2 * select.AUTO_SECONDS


@pytest.mark.parametrize("answer", [wire.replying("<html>", 200), wire.replying("oops", 500)])
def test_auto_goes_on_where_something_else_answers_in_ollamas_place(
    answer: wire.Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, 0)

    async def beside_another() -> Choice:
        async with wire.serve({"/api/tags": answer}) as other:
            return await select.choose("auto", None, other.url)

    assert asyncio.run(beside_another()).backend == "embedded"


def test_another_known_model_answers_where_the_default_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, 1)
    assert choose().name == "qwen2.5-coder:0.5b"


def test_no_other_model_stands_in_for_one_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 1)
    with pytest.raises(ModelNotFoundError, match=r"qwen2\.5-coder:1\.5b"):
        choose(model="qwen2.5-coder:1.5b")


def test_a_named_model_is_looked_for_in_ollama_and_then_here(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 1)
    assert with_ollama(["qwen2.5-coder:0.5b"], model="qwen2.5-coder:0.5b").backend == "ollama"
    assert with_ollama(["qwen2.5-coder:7b"], model="qwen2.5-coder:0.5b").backend == "embedded"


def test_a_name_without_a_tag_means_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_ollama(["mine:latest"], model="mine").name == "mine:latest"


def test_a_path_is_the_embedded_backend_whatever_ollama_has(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "mine-7b.gguf")
    choice = with_ollama(["qwen2.5-coder:7b"], model=str(file))
    assert (choice.backend, choice.name) == ("embedded", "mine-7b")
    assert weights.sha256(file) in choice.reason


def test_without_any_model_both_ways_out_are_named() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        choose()
    for way in ("ollama pull qwen2.5-coder:1.5b", ":VivekInstall model", "vivek install model"):
        assert way in caught.value.hint
    assert NOBODY in caught.value.message


def test_the_ways_out_name_the_model_that_was_asked_for() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        choose(model="qwen2.5-coder:0.5b")
    assert "vivek install model qwen2.5-coder:0.5b" in caught.value.hint
    with pytest.raises(ModelNotFoundError) as caught:
        choose(model="granite-code:8b")
    assert "ollama pull granite-code:8b" in caught.value.hint
    assert "vivek install model granite" not in caught.value.hint


@pytest.mark.parametrize("backend", ["auto", "embedded"])
def test_a_path_to_nothing_is_named(backend: str) -> None:
    with pytest.raises(ModelNotFoundError, match=r"/nowhere/x\.gguf"):
        choose(backend, "/nowhere/x.gguf")


def test_the_ollama_backend_never_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0)
    with pytest.raises(ModelUnreachableError, match=NOBODY):
        choose("ollama")
    with pytest.raises(ModelNotFoundError, match=r"llama3:8b"):
        with_ollama(["llama3:8b"], "ollama")
    with pytest.raises(ModelNotFoundError) as caught:
        with_ollama(["llama3:8b"], "ollama", "granite-code:8b")
    assert "ollama pull granite-code:8b" in caught.value.hint


def test_the_ollama_backend_takes_any_model_that_was_named() -> None:
    assert with_ollama(["llama3:8b"], "ollama", "llama3:8b").name == "llama3:8b"


def test_models_that_do_not_fit_in_memory_are_told_apart_from_none_at_all() -> None:
    with pytest.raises(ModelNotFoundError, match=r"qwen2\.5-coder:7b.*memory"):
        with_ollama(["qwen2.5-coder:7b"], "ollama", size=20_000_000_000)


def test_the_embedded_backend_asks_no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0)
    monkeypatch.setattr(select, "list_models", lambda _: pytest.fail("asked Ollama"))
    assert choose("embedded").backend == "embedded"


def test_the_embedded_backend_says_how_to_get_a_model() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        choose("embedded")
    assert "vivek install model" in caught.value.hint
    assert "ollama" not in caught.value.hint


def test_a_small_model_comes_with_a_notice_and_a_large_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0)
    assert any("small model" in notice for notice in choose("embedded").notices)
    assert any("small model" in notice for notice in with_ollama(["qwen2.5-coder:1.5b"]).notices)
    assert with_ollama(["qwen2.5-coder:7b"]).notices == ()
    assert with_ollama(["qwen2.5-coder:3b"]).notices == ()


def test_a_model_without_a_chat_template_comes_with_a_notice() -> None:
    choice = with_ollama(["qwen2.5-coder:7b"], show={"template": "{{ .Prompt }}"})
    assert any("chat template" in notice for notice in choice.notices)


def with_server(name: str = "qwen2.5-coder:7b", model: str | None = None, backend: str = "openai") -> Choice:
    """Choose beside a vLLM that has one model."""
    row = {"id": name, "owned_by": "vllm", "max_model_len": 8192}

    async def chosen() -> Choice:
        async with wire.serve({"/v1/models": wire.replying({"data": [row]})}) as there:
            choice = await select.choose(backend, model, f"{there.url}/v1")
            await choice.model.aclose()
            return choice

    return asyncio.run(chosen())


def test_the_openai_backend_takes_the_one_model_or_the_one_that_was_named() -> None:
    for model in (None, "qwen2.5-coder:7b"):
        choice = with_server(model=model)
        assert isinstance(choice.model, OpenAIModel)
        assert (choice.backend, choice.name, choice.notices) == ("openai", "qwen2.5-coder:7b", ())
    with pytest.raises(ModelNotFoundError, match=r"gpt-9.*qwen2\.5-coder:7b"):
        with_server(model="gpt-9")


def test_the_openai_backend_tells_what_to_expect_of_a_small_model() -> None:
    assert any("small model" in notice for notice in with_server("qwen2.5-coder:1.5b").notices)


def test_the_openai_backend_needs_an_address() -> None:
    with pytest.raises(ConfigError, match="address") as caught:
        choose("openai")
    assert "`url`" in caught.value.hint
    assert "--url" in caught.value.hint


def test_auto_never_takes_an_openai_compatible_server(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0)
    assert with_server(backend="auto").backend == "embedded"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:11434", None),
        ("http://localhost:8080/v1", None),
        ("http://[::1]:8080", None),
        ("http://gpu.lan:8080/v1", "Your code is sent to gpu.lan:8080, unencrypted."),
        ("https://models.example/api", "Your code is sent to models.example."),
        ("http://192.168.1.7:11434", "Your code is sent to 192.168.1.7:11434, unencrypted."),
    ],
)
def test_a_server_that_is_not_this_machine_is_told_once(url: str, told: str | None) -> None:
    assert select.leaves(url) == told


def test_ollama_on_another_machine_comes_with_that_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select.transport, "is_loopback", lambda _: False)
    notices = with_ollama(["qwen2.5-coder:7b"]).notices
    assert [notice for notice in notices if "Your code is sent to" in notice] == list(notices)


def test_a_script_is_followed(tmp_path: Path) -> None:
    script = tmp_path / "replies.json"
    script.write_text(json.dumps({"replies": [{"text": "hello"}]}))
    choice = choose("scripted", url=str(script))

    async def reply() -> str:
        events = choice.model.stream([Message("user", "hi")], Sampling(10))
        pieces = [event async for event in events]
        assert isinstance(pieces[-1], Finished)
        return "".join(piece.text for piece in pieces if isinstance(piece, Text))

    assert choice.backend == "scripted"
    assert asyncio.run(reply()) == "hello"


def test_the_scripted_backend_needs_a_script() -> None:
    with pytest.raises(ConfigError, match="script"):
        choose("scripted")


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(ConfigError, match="gpt"):
        choose("gpt")


def test_the_environment_names_ollamas_address_and_the_setting_overrides_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = wire.closed_port()
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{other}")
    with pytest.raises(ModelUnreachableError, match=f"127.0.0.1:{other}"):
        choose("ollama")
    with pytest.raises(ModelUnreachableError, match=NOBODY):
        choose("ollama", url=NOBODY)


def test_the_description_names_backend_model_reason_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, 0)
    text = asyncio.run(select.describe("auto"))
    for part in ("qwen2.5-coder:1.5b", "embedded", NOBODY, "not loaded", "16.0 GB"):
        assert part in text


def test_the_description_fails_as_the_choice_does() -> None:
    with pytest.raises(VivekError) as caught:
        asyncio.run(select.describe("embedded"))
    assert caught.value.kind == "ModelNotFoundError"
