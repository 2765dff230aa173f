"""Spinner, statusline and autocmds of runs, in a real Neovim."""

from __future__ import annotations

import re
from typing import Any

import pytest

from neovim_child import Editor


@pytest.fixture
def demo(nvim: Editor) -> Editor:
    nvim.edit("a\nb\nc\n", name="demo.py")
    nvim.lua("""
        _G.heard = {}
        vim.api.nvim_create_autocmd('User', {
          pattern = 'Vivek*',
          callback = function(event) table.insert(_G.heard, { event.match, event.data }) end,
        })
    """)
    return nvim


def start(nvim: Editor, run: str = "r1", first: int = 2, last: int = 3) -> None:
    nvim.lua(
        "local run, buf, first, last = ... require('vivek.progress').start(run, buf, first, last)",
        run,
        nvim.eval("bufnr()"),
        first,
        last,
    )


def event(nvim: Editor, kind: str, run: str = "r1", **fields: Any) -> None:
    nvim.lua("require('vivek.progress').event(...)", {"kind": kind, "run": run, **fields})


def statusline(nvim: Editor) -> str:
    return str(nvim.lua("return require('vivek.progress').statusline()"))


def heard(nvim: Editor) -> list[str]:
    return [name for name, _ in nvim.lua("return _G.heard")]


def spinner(nvim: Editor) -> list[tuple[int, int, str]]:
    """First and last line (0-based) of the selection, and what the spinner says."""
    code = """
        local namespace = vim.api.nvim_get_namespaces().vivek_progress
        return vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })
    """
    return [(mark[1], mark[3]["end_row"], mark[3]["virt_text"][0][0].strip()) for mark in nvim.lua(code)]


def test_nothing_is_said_while_nothing_runs(nvim: Editor) -> None:
    assert statusline(nvim) == ""


def test_the_spinner_stands_at_the_selection_and_turns(demo: Editor) -> None:
    start(demo)
    first, last, text = spinner(demo)[0]
    assert (first, last, text[2:]) == (1, 2, "starting")
    demo.wait_for(lambda: spinner(demo)[0][2][0] != text[0])


def test_the_spinner_moves_with_its_line(demo: Editor) -> None:
    start(demo)
    demo.command("1put! =['x', 'y']")
    assert spinner(demo)[0][0] == 3
    frame = spinner(demo)[0][2]
    demo.wait_for(lambda: spinner(demo)[0][2] != frame)
    assert spinner(demo)[0][0] == 3


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"phase": "loading"}, "loading the model"),
        ({"phase": "loading", "done": 1, "total": 4}, "loading the model (25 %)"),
        ({"phase": "reading", "done": 300, "total": 600}, "reading 300 of 600 tokens (50 %)"),
        ({"phase": "reading"}, "reading"),
        ({"phase": "reading", "done": 0, "total": 600}, "reading 600 tokens"),
        (
            {"phase": "reading", "done": 0, "total": 600, "seconds_left": 11.6},
            "reading 600 tokens, about 12 s left",
        ),
        (
            {"phase": "reading", "done": 150, "total": 600, "seconds_left": 9.0},
            "reading 150 of 600 tokens (25 %), about 9 s left",
        ),
        ({"phase": "queued", "ahead": 2}, "waiting for the model, 2 before this one"),
        ({"phase": "queued", "ahead": 0}, "waiting for the model"),
        (
            {"phase": "writing", "tokens": 42, "tokens_per_second": 22.13},
            "writing · 42 tokens · 22.1 tokens/s",
        ),
        ({"phase": "writing", "tokens": 0, "tokens_per_second": None}, "writing · 0 tokens"),
    ],
)
def test_each_phase_is_told_in_words(demo: Editor, fields: dict[str, Any], text: str) -> None:
    start(demo)
    event(demo, "progress", **fields)
    demo.wait_for(lambda: re.sub(r" · \d+ s$", "", spinner(demo)[0][2][2:]) == text)
    assert statusline(demo)[len("Vivek ⠋ ") :] == text.replace("%", "%%")


def test_nodes_and_later_attempts_are_told(demo: Editor) -> None:
    start(demo)
    event(demo, "node", node="executor", attempt=2, detail="")
    assert statusline(demo).endswith("executor, attempt 2")


def test_of_several_runs_each_has_a_spinner_and_a_few_words(demo: Editor) -> None:
    start(demo)
    start(demo, "r2", 1, 1)
    event(demo, "progress", "r1", phase="writing", tokens=42, tokens_per_second=22.13)
    event(demo, "progress", "r2", phase="queued", ahead=1)
    assert statusline(demo)[len("Vivek ⠋ ") :] == "2 runs · writing 42 tokens | waiting"
    waiting = "waiting for the model, 1 before this one"
    demo.wait_for(lambda: waiting in spinner(demo)[0][2] and "writing · 42 tokens" in spinner(demo)[1][2])
    event(demo, "done", "r1", result={"route": "rewrite", "edits": []})
    assert statusline(demo)[len("Vivek ⠋ ") :].startswith(waiting)


def test_where_there_is_no_room_for_each_run_it_is_told_how_many_do_what(demo: Editor) -> None:
    for number in range(9):
        start(demo, f"r{number}")
        if number > 1:
            event(demo, "progress", f"r{number}", phase="queued", ahead=number)
    assert statusline(demo)[len("Vivek ⠋ ") :] == "9 runs · 2 starting, 7 waiting"


def test_autocmds_carry_what_happens(demo: Editor) -> None:
    start(demo)
    event(demo, "node", node="executor", attempt=1)
    event(demo, "progress", phase="writing", tokens=5, tokens_per_second=20)
    event(demo, "done", result={"route": "rewrite"})
    assert heard(demo) == ["VivekStart", "VivekProgress", "VivekProgress", "VivekDone"]
    data = demo.lua("return _G.heard[3][2]")
    assert (data["run"], data["node"], data["phase"], data["tokens"]) == ("r1", "executor", "writing", 5)
    assert demo.lua("return _G.heard[4][2].result.route") == "rewrite"


def test_the_end_takes_everything_away_and_is_told_once(demo: Editor) -> None:
    start(demo)
    event(demo, "error", error={"kind": "X", "message": "no", "hint": ""})
    demo.lua("require('vivek.progress').finish('r1', 'done')")
    assert spinner(demo) == []
    assert statusline(demo) == ""
    assert heard(demo) == ["VivekStart", "VivekError"]
    assert demo.lua("return _G.heard[2][2].error.message") == "no"


def test_the_timer_runs_only_while_something_is_at_work(demo: Editor) -> None:
    timers = """
        local count = 0
        vim.uv.walk(function(handle)
          if handle:get_type() == 'timer' and handle:is_active() and not handle:is_closing() then
            count = count + 1
          end
        end)
        return count
    """
    idle = demo.lua(timers)
    start(demo)
    start(demo, "r2")
    assert demo.lua(timers) == idle + 1
    event(demo, "done", "r1", result={})
    assert demo.lua(timers) == idle + 1
    event(demo, "done", "r2", result={})
    assert demo.lua(timers) == idle


def test_a_statusline_that_shows_it_is_redrawn(demo: Editor) -> None:
    demo.command("set laststatus=2 statusline=%{%v:lua.require'vivek.progress'.statusline()%}END")
    demo.screen()
    start(demo)
    event(demo, "progress", phase="loading", done=1, total=4)
    demo.wait_for(lambda: any("loading the model (25 %)" in row for row in demo.screen()))
    event(demo, "done", result={})
    demo.wait_for(lambda: "END" in demo.screen())


def test_a_wiped_buffer_ends_the_spinner_without_errors(demo: Editor) -> None:
    start(demo)
    demo.command("enew | bwipeout! demo.py")
    frame = statusline(demo)
    demo.wait_for(lambda: statusline(demo) != frame)
    event(demo, "done", result={})
    assert demo.messages().strip() == ""
    assert heard(demo) == ["VivekStart", "VivekDone"]


def test_undo_does_not_bring_a_spinner_back(demo: Editor) -> None:
    start(demo)
    demo.command("2delete")
    event(demo, "done", result={})
    demo.command("undo")
    assert spinner(demo) == []


def test_a_call_that_is_made_again_is_told_with_its_reason(demo: Editor) -> None:
    start(demo)
    event(demo, "retry", reason="The server is busy.", attempt=2, seconds=3.0)
    demo.wait_for(lambda: "The server is busy. Trying again in 3 s (try 2)." in spinner(demo)[0][2])
    assert demo.lua("return _G.heard[#_G.heard]")[1]["phase"] == "waiting"


def test_the_reviewer_at_work_is_a_phase_of_its_own(demo: Editor) -> None:
    start(demo)
    event(demo, "node", node="reviewer", attempt=1, detail="checking")
    assert demo.lua("return _G.heard[#_G.heard]")[1]["phase"] == "reviewing"


def test_what_takes_long_says_for_how_long(demo: Editor) -> None:
    start(demo)
    demo.wait_for(lambda: re.search(r" · [2-9] s$", spinner(demo)[0][2]))
    assert re.search(r" · [2-9] s$", statusline(demo))


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (80, "reading 150 of 600 tokens (25 %)"),
        (30, "reading 25 %"),
        (12, ""),
    ],
)
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_the_spinner_says_what_fits_beside_its_line(
    demo: Editor, columns: int, text: str, is_wrapped: bool
) -> None:
    demo.command(f"set {'wrap' if is_wrapped else 'nowrap'} columns={columns}")
    start(demo)
    event(demo, "progress", phase="reading", done=150, total=600)
    demo.wait_for(lambda: re.sub(r" · \d+ s$", "", spinner(demo)[0][2][2:]) == text)
