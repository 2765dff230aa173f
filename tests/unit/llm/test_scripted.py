from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.errors import (
    ConfigError,
    ContextWindowExceededError,
    ModelAPIError,
    ModelConnectionLostError,
    VivekError,
)
from vivek.llm.base import ChatModel, Finished, Message, Queued, Reading, Sampling, StreamEvent, Text
from vivek.llm.scripted import ScriptedCounter, ScriptedModel, tokens

ASK = [Message("system", "You write code."), Message("user", "add(a, b)")]


def events(model: ChatModel, max_tokens: int = 1000) -> list[StreamEvent]:
    async def ask() -> list[StreamEvent]:
        return [event async for event in model.stream(ASK, Sampling(max_tokens))]

    return asyncio.run(ask())


def said(model: ChatModel, max_tokens: int = 1000) -> str:
    return "".join(event.text for event in events(model, max_tokens) if isinstance(event, Text))


def script(path: Path, *replies: dict[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"replies": replies, **more}))
    return path


def test_replies_come_in_order_and_prompts_are_kept() -> None:
    model = ScriptedModel("one", "two")
    assert (said(model), said(model)) == ("one", "two")
    assert model.prompts == [ASK, ASK]
    assert model.samplings[0].max_tokens == 1000


def test_a_call_reads_then_writes_then_finishes_with_its_numbers() -> None:
    model = ScriptedModel("a b")
    first, second, *texts, last = events(model)
    total = ScriptedCounter().count_messages(ASK)
    assert (first, second) == (Reading(0, total), Reading(total, total))
    assert texts == [Text("a"), Text(" "), Text("b")]
    assert isinstance(last, Finished)
    assert last.reason == "stop"
    assert (last.stats.prompt_tokens, last.stats.generated_tokens) == (total, 3)
    assert 0 < last.stats.first_token_ms <= last.stats.total_ms


def test_a_script_that_has_ended_says_so() -> None:
    model = ScriptedModel("one")
    said(model)
    with pytest.raises(ModelAPIError, match="1 replies; this is call 2"):
        said(model)


def test_the_last_reply_may_be_repeated() -> None:
    model = ScriptedModel("one", "two", repeat_last=True)
    assert [said(model) for _ in range(4)] == ["one", "two", "two", "two"]


def test_the_cap_on_tokens_cuts() -> None:
    model = ScriptedModel("a b c", "a b c")
    assert said(model, max_tokens=3) == "a b"
    *_, last = events(model, max_tokens=5)
    assert isinstance(last, Finished)
    assert last.reason == "stop"


def test_ready_made_chunks_are_sent_as_they_are() -> None:
    model = ScriptedModel()
    model.enqueue(["de", "f f(", "):"])
    assert [event.text for event in events(model) if isinstance(event, Text)] == ["de", "f f(", "):"]


@pytest.mark.parametrize("after", [0, 1, 5, 7, 100])
def test_an_error_comes_after_as_many_characters(after: int) -> None:
    model = ScriptedModel()
    model.enqueue("def f():", error=ModelConnectionLostError("gone", hint="again"), after=after)
    got = ""

    async def ask() -> None:
        nonlocal got
        async for event in model.stream(ASK, Sampling(100)):
            got += event.text if isinstance(event, Text) else ""

    with pytest.raises(ModelConnectionLostError) as caught:
        asyncio.run(ask())
    assert got == caught.value.partial == "def f():"[:after]
    assert caught.value.hint == "again"


def test_an_error_alone_comes_at_once() -> None:
    model = ScriptedModel("after it")
    model.enqueue(ModelAPIError("500"))
    assert said(model) == "after it"
    with pytest.raises(ModelAPIError, match="500"):
        said(model)


def test_a_hanging_reply_ends_only_by_cancelling() -> None:
    model = ScriptedModel()
    model.enqueue("def", hang=True)
    got: list[StreamEvent] = []

    async def ask() -> None:
        async for event in model.stream(ASK, Sampling(100)):
            got.append(event)

    async def stop() -> bool:
        task = asyncio.create_task(ask())
        while Text("def") not in got:
            await asyncio.sleep(0)
        await asyncio.wait({task}, timeout=0.05)
        assert not task.done()
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        return task.cancelled()

    assert asyncio.run(stop())


def test_the_pace_is_kept() -> None:
    model = ScriptedModel()
    model.enqueue("x " * 20, tokens_per_second=200)
    start = time.monotonic()
    events(model)
    assert 0.19 < time.monotonic() - start < 1


def test_a_prompt_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ContextWindowExceededError, match="holds 12"):
        said(ScriptedModel("x", context_window=12))


def test_it_describes_itself() -> None:
    async def about() -> None:
        model = ScriptedModel(context_window=4096, parameters=1.5e9)
        info = await model.info()
        assert (info.backend, info.context_window, info.parameters) == ("scripted", 4096, 1.5e9)
        assert (await model.counter()).exact
        await model.aclose()
        assert model.closed

    asyncio.run(about())


def test_a_file_is_read_again_for_every_call_and_the_place_is_kept(tmp_path: Path) -> None:
    path = script(tmp_path / "s.json", {"text": "one"}, {"text": "two"}, context_window=2048)
    model = ScriptedModel.from_file(path)
    assert said(model) == "one"
    assert asyncio.run(model.info()).context_window == 2048
    script(path, {"text": "one"}, {"text": "other"}, repeat_last=True)
    assert said(ScriptedModel.from_file(path)) == "other"
    assert said(model) == "other"


def test_a_file_tells_what_the_model_says_of_itself(tmp_path: Path) -> None:
    said_of_itself = {"parameters": 7e9, "family": "qwen2", "quantization": "Q4_K_M"}
    path = script(tmp_path / "s.json", {"text": "one"}, capabilities=["schema"], **said_of_itself)
    info = asyncio.run(ScriptedModel.from_file(path).info())
    assert (info.parameters, info.family, info.quantization) == (7e9, "qwen2", "Q4_K_M")
    assert info.capabilities == {"schema"}


def test_a_file_tells_errors_pace_and_silence(tmp_path: Path) -> None:
    failure = {"kind": "ModelConnectionLostError", "message": "gone", "after": 3}
    reply = {"text": "abc def", "error": failure, "tokens_per_second": 1000, "hang": False}
    path = script(tmp_path / "s.json", reply)
    with pytest.raises(ModelConnectionLostError) as caught:
        said(ScriptedModel.from_file(path))
    assert (caught.value.message, caught.value.partial) == ("gone", "abc")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"replies": [{}]}',
        '{"replies": [], "windw": 1}',
        '{"replies": [{"text": "a", "error": {"kind": "Path", "message": ""}}]}',
        '{"replies": [{"text": "a", "error": {"kind": "NoError", "message": ""}}]}',
        '{"replies": 3}',
        '{"replies": [], "capabilities": 3}',
    ],
)
def test_a_file_that_is_no_script_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"broken\.json"):
        said(ScriptedModel.from_file(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json"):
        said(ScriptedModel.from_file(tmp_path / "none.json"))


def test_a_model_with_one_slot_answers_one_after_the_other(tmp_path: Path) -> None:
    async def two() -> tuple[list[StreamEvent], list[StreamEvent]]:
        path = script(tmp_path / "s.json", {"text": "one"}, {"text": "two"}, slots=1)
        # Two models that follow one file, as those of two asks do.
        streams = [ScriptedModel.from_file(path).stream(ASK, Sampling(max_tokens=9)) for _ in range(2)]
        first = [await anext(streams[0])]
        second = [await anext(streams[1])]
        first += [event async for event in streams[0]]
        second += [event async for event in streams[1]]
        return first, second

    first, second = asyncio.run(two())
    assert [type(event) for event in first] == [Reading, Reading, Text, Finished]
    assert second[0] == Queued(1)
    assert [type(event) for event in second[-3:]] == [Reading, Text, Finished]
    assert [event.text for event in first + second if isinstance(event, Text)] == ["one", "two"]


@given(st.text())
def test_chunks_join_to_the_text_and_are_counted(text: str) -> None:
    assert "".join(tokens(text)) == text
    assert ScriptedCounter().count(text) == len(tokens(text))


@given(st.text(), st.integers(0, 50))
def test_what_was_said_before_an_error_is_a_prefix(text: str, after: int) -> None:
    model = ScriptedModel()
    model.enqueue(text, error=ModelAPIError("x"), after=after)
    with pytest.raises(VivekError) as caught:
        said(model)
    assert caught.value.partial == text[:after]
