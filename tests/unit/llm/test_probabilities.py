"""Token probabilities: the arithmetic, and that each backend asks for and reads what its server tells."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire
from vivek import paths
from vivek.llm import memory
from vivek.llm.base import MOST_LIKELY, ChatModel, Message, Sampling, Text, Token
from vivek.llm.ollama import OllamaModel
from vivek.llm.openai import KEY_VARIABLE, OpenAIModel
from vivek.llm.probabilities import tokens_of, total
from vivek.llm.scripted import ScriptedModel

ASK = [Message("user", "OK or BUG?")]
ITEM = {
    "token": "OK",
    "logprob": -0.5,
    "top_logprobs": [{"token": "OK", "logprob": -0.5}, {"token": " bug", "logprob": -2.5}],
}
NAME = "qwen2.5-coder:1.5b"
SHOW = {"model_info": {"qwen2.context_length": 4096, "general.architecture": "qwen2"}, "capabilities": []}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)
    monkeypatch.setattr(memory, "has_gpu", lambda: False)


logprobs = st.lists(st.floats(-50, 0), min_size=1)


@given(logprobs, st.floats(-20, 20))
def test_a_total_is_no_less_than_its_parts_and_moves_with_them(parts: list[float], by: float) -> None:
    assert max(parts) <= total(parts) <= max(parts) + math.log(len(parts)) + 1e-9
    assert total([each + by for each in parts]) == pytest.approx(total(parts) + by, abs=1e-6)


def test_the_total_of_nothing_is_an_impossible_event() -> None:
    assert total([]) == -math.inf
    assert total([-math.inf, -1.0]) == -1.0


def test_tokens_with_one_text_add_up() -> None:
    half = {"token": "\ufffd", "logprob": math.log(0.25)}
    [token] = tokens_of([{**ITEM, "top_logprobs": [half, half]}])
    assert token.likely == {"\ufffd": pytest.approx(math.log(0.5))}
    assert tokens_of(None) == ()


async def asked(model: ChatModel) -> float | None:
    """How much likelier the reply begins with " bug" than with "OK", as a log; None where nothing is told."""
    tokens: list[Token] = []
    try:
        async for told in model.stream(ASK, Sampling(max_tokens=1, likely=MOST_LIKELY)):
            tokens += told.tokens if isinstance(told, Text) else ()
    finally:
        await model.aclose()
    return tokens[0].likely[" bug"] - tokens[0].likely["OK"] if tokens else None


def event(**content: Any) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def openai_routes(owner: str, *, tells: bool = True) -> dict[str, wire.Answer]:
    rows = {"data": [{"id": "m", "owned_by": owner, "max_model_len": 4096, "meta": {"n_vocab": 3}}]}
    logs = {"logprobs": {"content": [ITEM]}} if tells else {}
    chunks = [
        event(choices=[{"delta": {"content": "OK"}, "finish_reason": None, **logs}]),
        event(choices=[{"delta": {}, "finish_reason": "length"}]),
        b"data: [DONE]\n\n",
    ]
    props = {"default_generation_settings": {"n_ctx": 2048}, "model_path": "/models/m.gguf"}
    found = {"/props": wire.replying(props)} if owner == "llamacpp" else {}
    return {**found, "/v1/models": wire.replying(rows), "/v1/chat/completions": wire.streaming(chunks)}


def of_openai(routes: dict[str, wire.Answer]) -> tuple[float | None, dict[str, Any], bool]:
    """The odds, the body that was sent, and whether the model says that it can tell."""

    async def served() -> tuple[float | None, dict[str, Any], bool]:
        async with wire.serve(routes) as there:
            model = OpenAIModel(there.url, key="")
            can = "logprobs" in (await model.info()).capabilities
            odds = await asked(model)
            return odds, there.bodies("/v1/chat/completions")[0], can

    return asyncio.run(served())


@pytest.mark.parametrize("owner", ["llamacpp", "vllm"])
def test_a_server_with_openais_protocol_is_asked_for_them_and_tells(owner: str) -> None:
    odds, body, can = of_openai(openai_routes(owner))
    assert odds == pytest.approx(-2.0)
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"], can) == (1, True, 20, True)


def test_a_server_of_unknown_kind_is_not_sent_what_it_may_refuse() -> None:
    odds, body, can = of_openai(openai_routes("somebody", tells=False))
    assert (odds, can) == (None, False)
    assert not {"logprobs", "top_logprobs"} & set(body)


def test_an_ordinary_call_asks_for_no_probabilities() -> None:
    async def body() -> dict[str, Any]:
        async with wire.serve(openai_routes("llamacpp")) as there:
            model = OpenAIModel(there.url, key="")
            async for _ in model.stream(ASK, Sampling(max_tokens=5)):
                pass
            await model.aclose()
            return there.bodies("/v1/chat/completions")[0]

    assert not {"logprobs", "top_logprobs"} & set(asyncio.run(body()))


def ollama_routes(version: str, *, tells: bool) -> dict[str, wire.Answer]:
    first = {"message": {"role": "assistant", "content": "OK"}, "done": False}
    last = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "length"}
    return {
        "/api/show": wire.replying(SHOW),
        "/api/ps": wire.replying({"models": [{"model": NAME, "context_length": 4096}]}),
        "/api/tags": wire.replying({"models": [{"model": NAME, "name": NAME, "size": 1}]}),
        "/api/version": wire.replying({"version": version}),
        "/api/chat": wire.streaming([first | ({"logprobs": [ITEM]} if tells else {}), last]),
    }


@pytest.mark.parametrize(("version", "tells"), [("0.12.11", True), ("0.20.0", True), ("0.12.10", False)])
def test_ollama_tells_from_0_12_11_on(version: str, tells: bool) -> None:
    async def served() -> tuple[float | None, dict[str, Any], bool]:
        async with wire.serve(ollama_routes(version, tells=tells)) as there:
            model = OllamaModel(NAME, there.url, context_window=4096)
            can = "logprobs" in (await model.info()).capabilities
            return await asked(model), there.bodies("/api/chat")[0], can

    odds, body, can = asyncio.run(served())
    assert (odds, can) == (pytest.approx(-2.0) if tells else None, tells)
    assert (body["logprobs"], body["top_logprobs"], body["options"]["num_predict"]) == (True, 20, 1)


def test_the_scripted_model_tells_what_its_script_says() -> None:
    model = ScriptedModel(capabilities=["logprobs"])
    model.enqueue("OK", likely={"OK": -0.5, " bug": -1.0})
    model.enqueue("OK")
    assert asyncio.run(asked(model)) == pytest.approx(-0.5)
    assert asyncio.run(asked(model)) is None
