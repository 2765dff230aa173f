from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from llama import FakeLlama, until, write_gguf
from vivek.errors import (
    ConfigError,
    ContextWindowExceededError,
    ModelAPIError,
    ModelConnectionLostError,
)
from vivek.llm import memory, slots, weights
from vivek.llm.base import Finished, Loading, Message, Queued, Reading, Sampling, StreamEvent, Text
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.steady import SteadyModel

SYSTEM = Message("system", "You write code.")
SAMPLING = Sampling(max_tokens=50, temperature=0.4, top_p=0.9, seed=7, stop=("END",))


@pytest.fixture
def llama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLlama]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(memory, "available", lambda: 16 * 10**9)
    monkeypatch.setattr(memory, "_all", lambda: 4 << 30)  # of which 1 GiB is left to others
    fake = FakeLlama(tmp_path, monkeypatch)
    yield fake
    fake.close()


@pytest.fixture
def model(llama: FakeLlama, tmp_path: Path) -> LlamaCppModel:
    return LlamaCppModel(write_gguf(tmp_path / "tiny.gguf"), name="tiny", idle_seconds=60.0)


def asked(how: str) -> list[Message]:
    return [SYSTEM, Message("user", how)]


def ask(model: LlamaCppModel, how: str = "well") -> list[StreamEvent]:
    async def collect() -> list[StreamEvent]:
        return [event async for event in model.stream(asked(how), SAMPLING)]

    return asyncio.run(collect())


def text(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def test_the_first_ask_loads_and_the_second_does_not(model: LlamaCppModel) -> None:
    assert isinstance(ask(model)[0], Loading)
    assert Loading() not in ask(model)


def test_reading_text_and_the_end_come_in_this_order(model: LlamaCppModel) -> None:
    *events, end = ask(model)
    assert events == [Loading(), Reading(16, 20), Reading(20, 20), Text("def "), Text("f")]
    assert isinstance(end, Finished)
    assert end.reason == "stop"
    assert (end.stats.prompt_tokens, end.stats.cached_tokens, end.stats.generated_tokens) == (20, 16, 2)
    assert 0 < end.stats.first_token_ms <= end.stats.total_ms


def test_a_reply_that_the_cap_cut_says_so(model: LlamaCppModel) -> None:
    end = ask(model, "long")[-1]
    assert isinstance(end, Finished)
    assert end.reason == "length"


def test_messages_and_sampling_are_sent_as_they_are(model: LlamaCppModel, llama: FakeLlama) -> None:
    ask(model)
    [event] = llama.events("chat")
    body = event["body"]
    assert body["messages"] == [
        {"role": "system", "content": "You write code."},
        {"role": "user", "content": "well"},
    ]
    sent = {name: body[name] for name in ("max_tokens", "temperature", "top_p", "seed", "stop")}
    assert sent == {"max_tokens": 50, "temperature": 0.4, "top_p": 0.9, "seed": 7, "stop": ["END"]}


def test_a_schema_goes_along_as_the_response_format(model: LlamaCppModel, llama: FakeLlama) -> None:
    schema = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}}

    async def both() -> None:
        for wanted in (None, schema):
            async for _ in model.stream(asked("well"), Sampling(max_tokens=5, schema=wanted)):
                pass

    asyncio.run(both())
    free, bound = [event["body"].get("response_format") for event in llama.events("chat")]
    assert free is None
    assert (bound["type"], bound["json_schema"]["schema"]) == ("json_schema", schema)


def test_half_a_surrogate_pair_does_not_break_the_request(model: LlamaCppModel) -> None:
    assert text(ask(model, "caf\udce9")) == "def f"


def test_info_starts_the_server_and_tells_the_window_of_one_slot(
    model: LlamaCppModel, tmp_path: Path
) -> None:
    info = asyncio.run(model.info())
    assert (info.name, info.backend, info.context_window, info.parameters) == (
        "tiny",
        "embedded",
        32768,
        494e6,
    )
    assert info.digest == weights.sha256(tmp_path / "tiny.gguf")
    assert Loading() not in ask(model)


def test_family_and_quantisation_are_read_from_the_head_of_the_file(llama: FakeLlama, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "typed.gguf", {"general.file_type": 15})
    info = asyncio.run(LlamaCppModel(path, name="typed").info())
    assert (info.family, info.quantization) == ("qwen2", "Q4_K_M")
    assert info.capabilities == {"schema", "cached_tokens", "logprobs", "prefill"}


def test_the_window_is_no_larger_than_what_the_model_was_trained_on(llama: FakeLlama, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "short.gguf", {"qwen2.context_length": 1024})
    info = asyncio.run(LlamaCppModel(path, name="short").info())
    assert info.context_window == 1024


def test_two_models_of_the_same_weights_share_a_server(
    model: LlamaCppModel, llama: FakeLlama, tmp_path: Path
) -> None:
    ask(model)
    other = LlamaCppModel(tmp_path / "tiny.gguf", name="tiny", idle_seconds=60.0)
    assert Loading() not in ask(other)
    assert len(llama.events("load")) == 1


def test_a_third_call_is_told_its_place_until_a_slot_takes_it(
    model: LlamaCppModel, llama: FakeLlama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "POLL_SECONDS", 0.02)
    gates = [tmp_path / "first", tmp_path / "second"]

    async def three() -> tuple[list[StreamEvent], list[list[StreamEvent]]]:
        async def answer(how: str, got: list[StreamEvent]) -> list[StreamEvent]:
            async for event in model.stream(asked(how), SAMPLING):
                got.append(event)
            return got

        await model.info()
        working = [asyncio.create_task(answer(f"wait for {gate}", [])) for gate in gates]
        while len(llama.events("chat")) < 2:
            await asyncio.sleep(0.01)
        third: list[StreamEvent] = []
        waiting = asyncio.create_task(answer("well", third))
        while not third:
            await asyncio.sleep(0.01)
        assert third == [Queued(2)]
        for gate in gates:
            gate.touch()
        return await waiting, await asyncio.gather(*working)

    third, others = asyncio.run(three())
    assert third[:3] == [Queued(2), Reading(16, 20), Reading(20, 20)]
    assert text(third) == "def f"
    assert all(text(events) == "def f" and not isinstance(events[0], Queued) for events in others)


def test_a_call_that_is_cancelled_in_the_queue_lets_go_at_once(
    model: LlamaCppModel, llama: FakeLlama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "POLL_SECONDS", 0.02)

    async def cancel_in_the_queue() -> float:
        async def answer(how: str, queued: asyncio.Event) -> None:
            async for event in model.stream(asked(how), SAMPLING):
                if isinstance(event, Queued):
                    queued.set()

        await model.info()
        gate, queued = tmp_path / "gate", asyncio.Event()
        working = [asyncio.create_task(answer(f"wait for {gate}", asyncio.Event())) for _ in range(2)]
        while len(llama.events("chat")) < 2:
            await asyncio.sleep(0.01)
        third = asyncio.create_task(answer("well", queued))
        await queued.wait()
        began = time.monotonic()
        third.cancel()
        with pytest.raises(asyncio.CancelledError):
            await third
        took = time.monotonic() - began
        gate.touch()
        await asyncio.gather(*working)
        return took

    assert asyncio.run(cancel_in_the_queue()) < 0.2


def made(tmp_path: Path, context_window: int | None = None) -> LlamaCppModel:
    path = tmp_path / "tiny.gguf"
    path = path if path.exists() else write_gguf(path)
    return LlamaCppModel(path, name="tiny", context_window=context_window, idle_seconds=60.0)


def window_of(model: LlamaCppModel) -> int:
    return asyncio.run(model.info()).context_window


def test_the_window_is_the_largest_that_the_free_memory_holds(
    llama: FakeLlama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 12 KiB a token and two slots: 8,192 tokens take 0.2 GB beside the buffers, 16,384 take 0.4
    monkeypatch.setattr(memory, "available", lambda: 1_600_000_000)
    assert window_of(made(tmp_path)) == 8192


def test_a_running_server_keeps_its_window_whatever_another_client_wants(
    llama: FakeLlama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert window_of(made(tmp_path, 4096)) == 4096
    assert window_of(made(tmp_path, 16384)) == 4096
    monkeypatch.setattr(memory, "available", lambda: 1_600_000_000)
    assert window_of(made(tmp_path)) == 4096
    assert len(llama.events("load")) == 1


def test_a_window_is_raised_by_a_new_server_that_all_share(llama: FakeLlama, tmp_path: Path) -> None:
    first, second = made(tmp_path, 4096), made(tmp_path, 4096)
    assert window_of(first) == window_of(second) == 4096
    assert asyncio.run(first.widen(6000)).context_window == 8192
    assert window_of(second) == 8192
    assert [load["context"] for load in llama.events("load")] == [2 * 4096, 2 * 8192]
    assert text(ask(second)) == "def f"


def test_a_window_that_suffices_is_not_raised(llama: FakeLlama, tmp_path: Path) -> None:
    assert asyncio.run(made(tmp_path, 8192).widen(8192)).context_window == 8192
    assert len(llama.events("load")) == 1


def test_a_window_is_not_raised_beyond_the_memory_and_the_server_stays(
    llama: FakeLlama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = made(tmp_path, 4096)
    window_of(model)
    monkeypatch.setattr(memory, "available", lambda: 900_000_000)
    with pytest.raises(ContextWindowExceededError, match=r"needs 0\.\d GB of memory"):
        asyncio.run(model.widen(6000))
    assert window_of(model) == 4096


def test_a_window_is_not_raised_while_somebody_else_is_answered(llama: FakeLlama, tmp_path: Path) -> None:
    model = made(tmp_path, 4096)

    async def beside_another() -> None:
        written = asyncio.Event()

        async def read() -> None:
            async for event in model.stream(asked("hang"), SAMPLING):
                if isinstance(event, Text):
                    written.set()

        other = asyncio.create_task(read())
        await written.wait()
        try:
            with pytest.raises(ContextWindowExceededError, match="answering somebody else"):
                await made(tmp_path).widen(6000)
        finally:
            other.cancel()
            await asyncio.wait({other})

    asyncio.run(beside_another())
    assert len(llama.events("load")) == 1


def test_two_clients_that_raise_it_at_once_get_one_new_server(llama: FakeLlama, tmp_path: Path) -> None:
    first, second = made(tmp_path, 4096), made(tmp_path, 4096)
    window_of(first)

    async def both() -> list[int]:
        # The second may be asking when the first ends the server: that is a broken connection, which is tried again.
        infos = await asyncio.gather(*(SteadyModel(model).widen(6000) for model in (first, second)))
        return [info.context_window for info in infos]

    assert asyncio.run(both()) == [8192, 8192]
    assert window_of(second) == 8192


def test_a_cancelled_ask_closes_the_connection_at_once(model: LlamaCppModel, llama: FakeLlama) -> None:
    async def stop_after_the_first_word() -> float:
        written = asyncio.Event()

        async def read() -> None:
            async for event in model.stream(asked("hang"), SAMPLING):
                if isinstance(event, Text):
                    written.set()

        task = asyncio.create_task(read())
        await written.wait()
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(stop_after_the_first_word()) < 0.2
    until(lambda: llama.events("hung up"), "the server sees that the client hung up")


def test_an_ask_that_is_cancelled_while_the_server_loads_stops_at_once(
    model: LlamaCppModel, llama: FakeLlama, tmp_path: Path
) -> None:
    llama.load(str(tmp_path / "gate"))

    async def stop_while_loading() -> float:
        task = asyncio.create_task(anext(drop_loading(model)))
        while not llama.events("load"):
            await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    async def drop_loading(model: LlamaCppModel):
        async for event in model.stream(asked("well"), SAMPLING):
            if not isinstance(event, Loading):
                yield event

    assert asyncio.run(stop_while_loading()) < 0.2
    (tmp_path / "gate").touch()
    assert text(ask(model)) == "def f"


def test_a_server_killed_in_the_middle_gives_what_it_wrote_and_the_next_ask_works(
    model: LlamaCppModel, llama: FakeLlama
) -> None:
    ask(model)
    with pytest.raises(ModelConnectionLostError) as caught:
        ask(model, "die")
    assert caught.value.partial == "def "
    assert "Ask again" in caught.value.hint
    assert text(ask(model)) == "def f"
    assert len(llama.events("load")) == 2


def test_a_reply_that_ends_too_early_is_a_lost_connection(model: LlamaCppModel) -> None:
    with pytest.raises(ModelConnectionLostError) as caught:
        ask(model, "end")
    assert caught.value.partial == "def "


def test_an_error_within_the_reply_keeps_what_was_written(model: LlamaCppModel) -> None:
    with pytest.raises(ModelAPIError, match="out of memory") as caught:
        ask(model, "break")
    assert caught.value.partial == "def "


def test_a_prompt_that_does_not_fit_is_told_with_the_servers_numbers(model: LlamaCppModel) -> None:
    with pytest.raises(ContextWindowExceededError, match=r"9000 tokens.*8192 tokens"):
        ask(model, "too long")


def test_a_refusal_is_told_in_the_servers_words(model: LlamaCppModel) -> None:
    with pytest.raises(ModelAPIError, match="500: no such thing"):
        ask(model, "refuse")


def test_a_file_that_is_no_model_is_refused_before_anything_is_started(
    llama: FakeLlama, tmp_path: Path
) -> None:
    path = tmp_path / "words.gguf"
    path.write_text("not a model")
    with pytest.raises(ConfigError, match=r"words\.gguf"):
        ask(LlamaCppModel(path, name="words"))
    assert llama.events("load") == []


def test_the_counter_needs_no_server(model: LlamaCppModel, llama: FakeLlama) -> None:
    counter = asyncio.run(model.counter())
    assert counter.count("one two three") > 0
    assert llama.events("load") == []


def test_the_state_tells_the_memory_it_will_need_and_then_the_process(
    model: LlamaCppModel, llama: FakeLlama
) -> None:
    before = asyncio.run(model.state())
    assert "not loaded" in before
    assert "GB" in before
    assert llama.events("load") == []
    ask(model)
    assert str(llama.events("load")[0]["pid"]) in asyncio.run(model.state())
