"""No prompt exceeds the window: whatever the file, the history, the route and the attempt."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.runtime import Runtime

from vivek import grammar
from vivek.agent.budget import reply_cap, room_for, usable_of, window_for
from vivek.agent.executor import executor
from vivek.agent.history import KEPT, remembered
from vivek.agent.planner import planner
from vivek.agent.state import Attempt, Event, HistoryEntry, Ports, fresh_state
from vivek.cancel import CancelToken
from vivek.config import HISTORY_STRATEGIES, Settings
from vivek.context.symbols import Symbol
from vivek.errors import ContextWindowExceededError, RequestError
from vivek.llm import tokens
from vivek.llm.base import (
    CallStats,
    Finished,
    Message,
    ModelInfo,
    Sampling,
    StreamEvent,
    Text,
    TokenCounter,
)
from vivek.llm.loop import ModelLoop
from vivek.llm.scripted import ScriptedModel
from vivek.request import AskRequest, Diagnostic
from vocabulary import qwen_encoder

CHATML = "<|im_start|><|im_end|>"


def qwen(template: str = CHATML) -> TokenCounter:
    """Qwen2.5-Coder's counter, with the merges that tests have; other words count as more tokens."""
    return tokens.counter(qwen_encoder(), template)


COUNTERS: dict[str, TokenCounter] = {
    "exact": qwen(),
    "unknown template": qwen("{{ .Prompt }}"),
    "approximate": tokens.ApproximateCounter(),
}


class Counting:
    """A counter that notes how many characters it was given."""

    exact = True

    def __init__(self) -> None:
        self.characters = 0

    def count(self, text: str) -> int:
        self.characters += len(text)
        return COUNTERS["exact"].count(text)

    def count_messages(self, messages: Sequence[Message]) -> int:
        self.characters += sum(len(message.content) for message in messages)
        return COUNTERS["exact"].count_messages(messages)


class Recorder(ScriptedModel):
    """Says one reply, and that it has read what `read` says; its window cannot be raised."""

    def __init__(self, reply: str = "x", read: int = 0) -> None:
        super().__init__(reply)
        self._reply = reply
        self._read = read

    async def widen(self, tokens: int) -> ModelInfo:
        raise ContextWindowExceededError("It cannot be raised.")

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[StreamEvent]:
        self.prompts.append(list(messages))
        self.samplings.append(sampling)
        yield Text(self._reply)
        yield Finished("stop", CallStats(self._read, None, 1, 1.0, 1.0))


@dataclass
class Desk:
    """One ask, its nodes called one by one."""

    request: AskRequest
    counter: TokenCounter
    window: int
    loop: ModelLoop
    model: Recorder = field(default_factory=Recorder)
    symbols: Sequence[Symbol] = ()
    events: list[Event] = field(default_factory=list)

    @property
    def runtime(self) -> Runtime[Ports]:
        info = ModelInfo("m", "scripted", "", self.window)
        ports = Ports(
            self.request,
            self.model,
            info,
            self.counter,
            self.loop,
            CancelToken(),
            lambda _text, _first, _last: list(self.symbols),
        )
        return Runtime(context=ports, stream_writer=self.events.append)

    def plan(self, history: Sequence[HistoryEntry] = ()) -> dict[str, Any]:
        state = fresh_state("1", list(history))
        return state | planner(state, self.runtime)  # type: ignore[arg-type]

    def ask(self, state: dict[str, Any]) -> dict[str, Any]:
        return state | executor(state, self.runtime)  # type: ignore[arg-type]

    def told(self, kind: str) -> list[str]:
        return [event["text"] for event in self.events if event["kind"] == kind]

    def fits(self) -> bool:
        """Whether the last prompt and the longest reply it may get fit in the window, by the model's own count."""
        cap = self.model.samplings[-1].max_tokens
        return cap > 0 and self.counter.count_messages(self.model.prompts[-1]) + cap <= self.window


@pytest.fixture(scope="module")
def loop() -> Iterator[ModelLoop]:
    made = ModelLoop()
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def impatient() -> Iterator[None]:
    """A long text that is no code is given up after its time, of which there is too much here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grammar, "PARSE_SECONDS", 0.3)
        yield


def request(text: str, instruction: str = "fix it", **values: Any) -> AskRequest:
    return AskRequest(run="1", instruction=instruction, text=text, path=Path("a.py"), **values)


PIECES = st.sampled_from(
    [
        "def handler(request, limit=10):\n    rows = [row for row in request if row > limit]\n    return rows\n\n\n",
        "class Box:\n    def __init__(self, size):\n        self.size = size\n\n    def area(self):\n        return 1\n\n",
        "import os\n",
        "\n",
        "    \t\n",
        "x = 1\n",
        "value = '" + "y" * 3000 + "'\n",
        "# 你好, 世界 🧪 naïve e\u0301\n",
        "print('```')\n",
        "<|im_end|>\n",
        "=" * 500 + "\n",
        "tail without newline",
    ]
) | st.text(max_size=80)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Up to 50,000 lines, of blocks that repeat."""
    runs = draw(st.lists(st.tuples(PIECES, st.sampled_from([1, 2, 7, 40, 300, 9000])), max_size=5))
    text = "".join(piece * number for piece, number in runs)
    lines = text.split("\n")
    return text if len(lines) <= 50_000 else "\n".join(lines[:50_000]) + "\n"


INSTRUCTIONS = st.sampled_from(
    ["rename limit to most", "write a function that parses dates", "explain this", "What does it do?"]
) | st.text(min_size=1, max_size=3000).filter(lambda text: bool(text.strip()))


@st.composite
def requests(draw: st.DrawFn) -> AskRequest:
    text = draw(documents())
    lines = text.count("\n") + 1
    place: dict[str, Any] = {"cursor": draw(st.integers(1, lines))}
    if draw(st.booleans()) and text:
        most = max(1, text.count("\n"))
        first = draw(st.integers(1, most))
        last = min(most, first + draw(st.sampled_from([0, 3, 30, 120, 50_000])))
        place |= {"first": first, "last": last}
    diagnostics = draw(
        st.lists(st.builds(Diagnostic, st.integers(1, lines), st.text(max_size=200)), max_size=30)
    )
    return request(
        text,
        draw(INSTRUCTIONS),
        filetype=draw(st.sampled_from(["python", "lua", ""])),
        diagnostics=tuple(diagnostics),
        settings=Settings(history=draw(st.sampled_from(HISTORY_STRATEGIES))),
        **place,
    )


HISTORIES = st.lists(
    st.builds(
        lambda instruction, outcome: {"run": "0", "instruction": instruction, "outcome": outcome},
        st.text(max_size=400) | st.just("rename limit to most in handler"),
        st.sampled_from(["applied", "rejected", "applied 1 of 3 hunks", "stopped"]),
    ),
    max_size=KEPT,
)

ATTEMPTS = st.builds(
    lambda reply, number, detail, many: Attempt(
        reply=reply * number,
        complete=True,
        score=0.0,
        usable=True,
        checks=[{"name": "c", "passed": False, "detail": detail * many}],
    ),
    PIECES,
    st.sampled_from([0, 1, 50, 3000]),
    st.text(max_size=60) | st.just("`name` is not defined. "),
    st.sampled_from([1, 10, 5000]),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(
    requests(),
    HISTORIES,
    ATTEMPTS,
    st.sampled_from([4096, 8192]),
    st.sampled_from(sorted(COUNTERS)),
    st.integers(0, 300),
)
def test_no_prompt_and_its_reply_exceed_the_window(  # noqa: PLR0917
    loop: ModelLoop,
    request: AskRequest,
    history: list[HistoryEntry],
    attempt: Attempt,
    window: int,
    counter: str,
    symbols: int,
) -> None:
    symbol = Symbol("f", "def f(value: int) -> str", "Turn it.", Path("b.py"), 1)
    desk = Desk(request, COUNTERS[counter], window, loop, symbols=[symbol] * symbols)
    told: ContextWindowExceededError | None = None
    try:
        state = desk.plan(history)
    except RequestError:
        return
    except ContextWindowExceededError as error:
        told = error
    if told:
        assert len(re.findall(r"\d+", told.message)) >= 3
        return
    state = desk.ask(state)
    assert desk.fits()
    assert len(desk.model.prompts[-1]) == 2
    if state["route"] != "answer":
        for _ in range(2):
            state = desk.ask(state | {"attempts": [*state["attempts"][:-1], attempt]})
            assert desk.fits()
    follow_up = desk.plan(
        remembered(history, {"run": "1", "instruction": request.instruction, "outcome": "applied"})
    )
    desk.ask(follow_up)
    assert desk.fits()


class NineALine:
    """Nine tokens a line: what 106 functions of 150 to 300 lines (standard library and packages) have with
    Qwen2.5-Coder's whole vocabulary in the median."""

    exact = True

    def count(self, text: str) -> int:
        return 9 * text.count("\n") + 9

    def count_messages(self, messages: Sequence[Message]) -> int:
        return sum(self.count(message.content) + 5 for message in messages) + 3


@pytest.mark.parametrize("instruction", ["add type hints", "explain this", "write a function that sorts"])
def test_an_ordinary_function_of_300_lines_fits_in_8k(loop: ModelLoop, instruction: str) -> None:
    text = "def whole(items):\n" + "    items.sort()\n" * 299
    desk = Desk(request(text, instruction, first=1, last=300, filetype="python"), NineALine(), 8192, loop)
    desk.ask(desk.plan())
    assert desk.fits()


def test_a_large_file_is_not_counted_as_a_whole(loop: ModelLoop) -> None:
    piece = "def handler_{0}(request):\n    rows = request.rows\n    return rows\n\n\n"
    text = "".join(piece.format(number) for number in range(10_000))
    counter = Counting()
    desk = Desk(request(text, "rename rows", cursor=25_002, filetype="python"), counter, 8192, loop)
    desk.plan()
    assert desk.told("prompt")
    assert counter.characters < 10_000


def test_a_selection_that_cannot_fit_is_counted_once(loop: ModelLoop) -> None:
    text = "x = 1\n" * 50_000
    counter = Counting()
    desk = Desk(request(text, "rename x", first=1, last=50_000), counter, 8192, loop)
    with pytest.raises(ContextWindowExceededError, match=r"50000 lines.*holds 8192"):
        desk.plan()
    assert counter.characters < 1.1 * len(text)


def test_surroundings_stay_as_they_are_when_the_history_grows(loop: ModelLoop) -> None:
    """Else the server would read them anew: what it has read it keeps as long as the prompt begins the same."""
    text = "".join(f"value_{number} = handler(limit, {number})\n" for number in range(200))
    symbol = Symbol("f", "def f(value: int) -> str", "Turn it.", Path("b.py"), 1)
    history: list[HistoryEntry] = []
    beginnings = set()
    for number in range(8):
        desk = Desk(
            request(text, "rename it", first=90, last=110),
            COUNTERS["exact"],
            4096,
            loop,
            symbols=[symbol] * 100,
        )
        [_system, user] = desk.plan(history)["messages"]
        beginnings.add(user["content"].partition("Earlier requests:")[0].partition("rename it\n")[0])
        history = remembered(
            history, {"run": str(number), "instruction": f"do thing {number}", "outcome": "applied"}
        )
    assert len(beginnings) == 1


def test_the_cap_on_a_rewrite_grows_with_the_block() -> None:
    for block in (10, 100, 1000):
        room = room_for("rewrite", block, 32768, exact=True)
        assert reply_cap(room, 1000) >= 1024 + 4 * block
        assert room["least"] >= 512 + 1.5 * block


@given(st.integers(1, 40_000), st.booleans())
def test_a_window_is_raised_to_what_holds_the_tokens(usable: int, exact: bool) -> None:
    assert usable_of(window_for(usable, exact=exact), exact=exact) >= usable


@pytest.mark.parametrize(("read", "told"), [(0.99, False), (0.5, True), (0, False)])
def test_a_prompt_that_the_server_cut_is_told_but_not_where_it_does_not_tell(
    loop: ModelLoop, read: float, told: bool
) -> None:
    desk = Desk(request("x = 1\n" * 40, first=1, last=40), COUNTERS["exact"], 8192, loop)
    state = desk.plan()
    desk.ask(state)
    counted = COUNTERS["exact"].count_messages(desk.model.prompts[0])
    desk.model = Recorder(read=int(counted * read))
    desk.events.clear()
    desk.ask(state)
    assert bool([notice for notice in desk.told("notice") if f"of the {counted} tokens" in notice]) == told


def test_an_approximate_count_is_no_proof_of_a_cut(loop: ModelLoop) -> None:
    desk = Desk(request("x = 1\n" * 40, first=1, last=40), COUNTERS["approximate"], 8192, loop)
    state = desk.plan()
    counted = COUNTERS["approximate"].count_messages([Message("user", state["messages"][1]["content"])])
    desk.model = Recorder(read=counted // 2)
    desk.ask(state)
    assert desk.told("notice") == []


def test_any_difference_from_an_exact_count_is_logged(
    loop: ModelLoop, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(request("x = 1\n", first=1, last=1), COUNTERS["exact"], 8192, loop, Recorder(read=10_000))
    desk.ask(desk.plan())
    assert "m read 10000 tokens where" in caplog.text
