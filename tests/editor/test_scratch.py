"""The scratch buffer in a real Neovim: what it shows, when it scrolls; nothing the model wrote is lost."""

from __future__ import annotations

from typing import Any

import pytest
from proposing import rows

from neovim_child import Editor

RESULT: dict[str, Any] = {
    "route": "rewrite",
    "edits": [rows(0, 1, "y"), rows(2, 3)],
    "answer": "",
    "target": [1, 3],
    "score": 0.87,
    "checks": [
        {"name": "parses", "passed": True, "detail": ""},
        {
            "name": "undefined names",
            "passed": False,
            "detail": "`foo` is not defined: define it or import it",
        },
    ],
    "iterations": 2,
    "stopped": False,
    "stats": {"tokens": 42, "tokens_per_second": 22.13, "seconds": 3.44, "prompt_tokens": 600},
}


class Run:
    """One run of a child: its events, and the scratch buffer that shows them."""

    def __init__(self, nvim: Editor, run: str = "r1", instruction: str = "add type hints") -> None:
        self.nvim, self.run = nvim, run
        self.buffer = int(
            nvim.lua(
                "return require('vivek.scratch').open(vim.api.nvim_get_current_buf(), ...)", run, instruction
            )
        )

    def event(self, kind: str, **fields: Any) -> None:
        self.nvim.lua("require('vivek.scratch').event(...)", {"kind": kind, "run": self.run, **fields})

    def text(self, text: str) -> None:
        self.event("text", node="executor", attempt=1, text=text)

    def lines(self) -> list[str]:
        return self.nvim.lines(self.buffer)

    def wait_for_line(self, line: str) -> None:
        self.nvim.wait_for(lambda: line in self.lines())

    @property
    def window(self) -> int:
        return int(self.nvim.lua("return vim.fn.bufwinid(...)", self.buffer))

    def cursor(self) -> int:
        return int(self.nvim.lua("return vim.api.nvim_win_get_cursor(...)[1]", self.window))

    def height(self) -> int:
        return len(self.lines())


@pytest.fixture
def run(nvim: Editor) -> Run:
    nvim.edit("a\nb\nc\n", name="demo.py")
    return Run(nvim)


def test_it_opens_beside_the_source_without_taking_the_cursor(run: Run) -> None:
    assert run.nvim.eval("expand('%:t')") == "demo.py"
    assert len(run.nvim.api.list_wins()) == 2
    name = run.nvim.lua("return vim.api.nvim_buf_get_name(...)", run.buffer)
    assert name == f"vivek://{run.nvim.home}/demo.py"


def test_its_buffer_is_no_file_and_cannot_be_typed_in(run: Run) -> None:
    options = run.nvim.lua(
        "local o = vim.bo[...] "
        "return { o.buftype, o.bufhidden, o.swapfile, o.modifiable, o.modified, o.buflisted }",
        run.buffer,
    )
    assert options == ["nofile", "hide", False, False, False, False]


def test_a_second_ask_goes_on_in_the_same_buffer_and_window(run: Run) -> None:
    again = Run(run.nvim, "r2", "shorter")
    assert again.buffer == run.buffer
    assert len(run.nvim.api.list_wins()) == 2
    assert run.lines() == ["# add type hints", " ", "# shorter", ""]


def test_a_closed_window_opens_again_with_the_next_ask(run: Run) -> None:
    run.nvim.lua("vim.api.nvim_win_close(..., true)", run.window)
    again = Run(run.nvim, "r2")
    assert again.buffer == run.buffer
    assert run.window != -1


@pytest.mark.parametrize(("columns", "rows_below"), [(140, False), (80, True)])
def test_it_opens_below_where_the_screen_is_too_narrow_for_two_columns(
    nvim: Editor, columns: int, rows_below: bool
) -> None:
    nvim.command(f"set columns={columns}")
    nvim.edit("a\n", name="demo.py")
    opened = Run(nvim)
    assert (nvim.lua("return vim.api.nvim_win_get_position(...)[1]", opened.window) > 0) == rows_below


def test_below_it_takes_no_more_than_half_of_the_window_that_it_splits(nvim: Editor) -> None:
    nvim.command("set columns=80 lines=40 noequalalways | split")
    nvim.edit("a\n", name="demo.py")
    room = nvim.lua("return vim.api.nvim_win_get_height(0)")
    Run(nvim)
    assert nvim.lua("return vim.api.nvim_win_get_height(0)") >= room // 2 - 1


def test_a_floating_window_is_not_split(nvim: Editor) -> None:
    nvim.edit("a\n", name="demo.py")
    nvim.lua(
        "vim.api.nvim_open_win(0, true, { relative = 'editor', row = 1, col = 1, width = 60, height = 9 })"
    )
    floating = nvim.eval("win_getid()")
    opened = Run(nvim)
    assert nvim.eval("win_getid()") == floating
    assert nvim.lua("return vim.api.nvim_win_get_config(...).relative", opened.window) == ""


def test_where_there_is_no_room_for_a_window_the_ask_goes_on(nvim: Editor) -> None:
    nvim.command("set columns=80 noequalalways winminheight=1 | split | resize 1")
    nvim.edit("a\n", name="demo.py")
    opened = Run(nvim)
    assert opened.window == -1
    opened.text("x = 1")
    opened.wait_for_line("x = 1")


def test_source_and_scratch_find_each_other(run: Run) -> None:
    source = run.nvim.eval("bufnr()")
    assert run.nvim.lua("return require('vivek.scratch').source_of(...)", run.buffer) == source
    assert run.nvim.lua("return require('vivek.scratch').of(...)", source) == run.buffer
    assert run.nvim.lua("return require('vivek.scratch').source_of(...) == nil", source)


def test_unnamed_buffers_have_scratch_buffers_of_their_own(nvim: Editor) -> None:
    nvim.edit("a\n")
    first = Run(nvim)
    nvim.edit("b\n")
    assert Run(nvim, "r2").buffer != first.buffer


@pytest.mark.parametrize(("whole", "group"), [(True, "VivekStats"), (False, "VivekNotice")])
def test_what_is_sent_is_one_line_that_stands_out_only_where_something_is_missing(
    run: Run, whole: bool, group: str
) -> None:
    told = "Prompt: 612 of 8192 tokens: block 180, fixed text 90; left out: imports (300)."
    run.event("node", node="planner", detail="rewriting `f`", attempt=1)
    run.event("prompt", text=told, whole=whole)
    run.wait_for_line(told)
    assert run.lines()[-3:] == ["rewriting `f`", told, ""]
    marks = run.nvim.lua(
        "return vim.api.nvim_buf_get_extmarks(..., -1, 0, -1, { details = true, type = 'highlight' })",
        run.buffer,
    )
    row = run.lines().index(told)
    assert [mark[3]["hl_group"] for mark in marks if mark[1] == row] == [group]


def test_each_node_its_attempt_and_the_code_are_shown_as_they_come(run: Run) -> None:
    run.event("start", model="qwen2.5-coder:1.5b", backend="embedded", reason="it is installed")
    run.event("notice", text="Left out: two files.")
    run.event("node", node="planner", detail="rewrite `f`", attempt=1)
    run.event("node", node="executor", detail="rewriting 3 lines", attempt=2)
    run.text("```python\ndef f(")
    run.text("x: int):\n    pass\n```")
    run.wait_for_line("    pass")
    assert run.lines() == [
        "# add type hints",
        "qwen2.5-coder:1.5b · embedded · it is installed",
        "Left out: two files.",
        "",
        "## planner",
        "rewrite `f`",
        "",
        "## executor, attempt 2",
        "rewriting 3 lines",
        "",
        "```python",
        "def f(x: int):",
        "    pass",
        "```",
    ]


def test_a_reply_that_is_begun_anew_is_told_and_what_came_before_stays_readable(run: Run) -> None:
    run.event("node", node="executor", detail="", attempt=1)
    run.text("```python\nx = 1")
    run.event("retry", reason="The connection broke.", attempt=2, seconds=1.2)
    run.text("```python\ny = 2\n```")
    run.event("done", result=RESULT)
    lines = run.lines()
    told = lines.index("The connection broke. Trying again in 1 s (try 2).")
    assert lines.index("x = 1") < lines[:told].index("```") < told < lines.index("y = 2")


def test_the_end_tells_hunks_figures_failed_checks_and_keys(run: Run) -> None:
    run.event("node", node="executor", detail="", attempt=1)
    run.text("```\nx\n```")
    run.event("done", result=RESULT)
    assert run.lines()[-4:] == [
        "2 hunks · score 0.87 · 2 attempts · 600 tokens read · 42 written · 22.1 tokens/s · 3.4 s",
        "✗ undefined names: `foo` is not defined: define it or import it",
        "\\a apply · \\r reject · ]v next · [v previous · \\A apply all · \\R reject all",
        "",
    ]


def test_a_failure_that_left_an_earlier_attempt_is_told(run: Run) -> None:
    run.event("done", result={**RESULT, "warning": "The connection broke. Ask again."})
    assert "The connection broke. Ask again." in run.lines()


def test_the_bar_of_the_window_tells_what_is_going_on(run: Run) -> None:
    run.event("node", node="executor", detail="", attempt=2)
    run.event("progress", phase="reading", done=300, total=600, tokens=None, tokens_per_second=None)
    bar = "executor, attempt 2 · reading 300 of 600 tokens (50 %)"
    run.nvim.command("wincmd w | wincmd | | wincmd p")
    run.nvim.wait_for(lambda: any(bar in row for row in run.nvim.screen()))
    run.event("progress", phase="writing", done=42, total=None, tokens=42, tokens_per_second=22.13)
    run.nvim.wait_for(lambda: any("writing · 42 tokens · 22.1 tokens/s" in row for row in run.nvim.screen()))
    run.event("done", result=RESULT)
    run.nvim.wait_for(lambda: any("2 hunks · score 0.87" in row for row in run.nvim.screen()[:1]))


def test_missing_values_of_a_result_are_left_out(run: Run) -> None:
    result = {
        "route": "rewrite",
        "edits": [],
        "checks": None,
        "score": None,
        "iterations": None,
        "stats": None,
    }
    run.event("done", result=result)
    assert run.lines()[-2:] == ["No changes", ""]


def test_an_answer_that_was_not_streamed_is_written(run: Run) -> None:
    run.event(
        "done", result={**RESULT, "route": "answer", "edits": [], "answer": "It adds.\nTwice.", "checks": []}
    )
    assert run.lines()[2:5] == ["It adds.", "Twice.", ""]
    assert run.lines()[5].startswith("Answered · 2 attempts")


def test_a_fence_that_the_model_left_open_does_not_swallow_what_follows(run: Run) -> None:
    run.event("node", node="executor", detail="", attempt=1)
    run.text("````python\n```\nx = 1")
    run.event("node", node="reviewer", detail="", attempt=1)
    run.wait_for_line("## reviewer")
    assert run.lines()[-6:] == ["```", "x = 1", "````", "", "## reviewer", ""]
    assert run.nvim.lua("return require('vivek.scratch').text(...)", "r1") == "````python\n```\nx = 1"


def test_an_error_tells_what_happened_and_what_to_do(run: Run) -> None:
    run.event(
        "error",
        error={"kind": "ModelUnreachableError", "message": "Nothing answers.", "hint": "Run ollama serve."},
    )
    assert run.lines()[-3:] == ["Nothing answers.", "Run ollama serve.", ""]


def test_partial_text_of_an_error_stays_readable_once(run: Run) -> None:
    run.event("error", error={"kind": "X", "message": "Lost.", "hint": "", "partial": "```\nhalf"})
    assert run.lines() == ["# add type hints", "", "```", "half", "```", "", "Lost.", ""]
    again = Run(run.nvim, "r2")
    again.text("streamed")
    again.event("error", error={"kind": "X", "message": "Lost.", "hint": "", "partial": "streamed"})
    assert again.lines().count("streamed") == 1


def test_the_raw_reply_is_kept_character_for_character(run: Run) -> None:
    pieces = ["a\r\nb\t", "\0é漢", "😀\udcff", "\n\n"]
    for piece in pieces:
        run.text(piece)
    assert run.nvim.lua("return require('vivek.scratch').text(...)", "r1") == "".join(pieces)


def test_the_raw_reply_outlives_the_scratch_buffer(run: Run) -> None:
    run.text("kept")
    run.nvim.command(f"bwipeout! {run.buffer}")
    run.text(" on")
    run.event("done", result=RESULT)
    assert run.nvim.lua("return require('vivek.scratch').text(...)", "r1") == "kept on"
    assert Run(run.nvim, "r2").buffer != run.buffer


def test_the_window_follows_the_end(run: Run) -> None:
    run.text("line\n" * 200)
    run.wait_for_line("line")
    run.nvim.wait_for(lambda: run.cursor() == run.height() > 100)


def test_the_window_stays_where_the_user_reads(run: Run) -> None:
    run.text("line\n" * 50)
    run.nvim.wait_for(lambda: run.height() > 50)
    run.nvim.lua("vim.api.nvim_win_set_cursor(..., { 10, 0 })", run.window)
    run.text("line\n" * 50)
    run.nvim.wait_for(lambda: run.height() > 100)
    assert run.cursor() == 10


def test_a_visual_selection_in_the_scratch_buffer_is_not_moved(run: Run) -> None:
    run.text("one\ntwo")
    run.wait_for_line("two")
    run.nvim.command("wincmd w")
    run.nvim.feed("GV")
    run.text("\nthree")
    run.wait_for_line("three")
    assert run.nvim.eval("line('.')") == run.height() - 1


def test_its_text_can_be_yanked_and_not_changed(run: Run) -> None:
    run.text("one")
    run.wait_for_line("one")
    run.nvim.command("wincmd w")
    run.nvim.feed("Gyy")
    assert run.nvim.eval("getreg('\"')") == "one\n"
    with pytest.raises(Exception, match="E21"):
        run.nvim.command("normal! dd")


def group_at(run: Run, text: str) -> str:
    """The syntax group at the first place of some text."""
    row = next(number for number, line in enumerate(run.lines(), 1) if text in line)
    column = run.lines()[row - 1].index(text) + 1
    code = """
        local buffer, row, column = ...
        return vim.api.nvim_buf_call(buffer, function()
          return vim.fn.synIDattr(vim.fn.synID(row, column, true), 'name')
        end)
    """
    return str(run.nvim.lua(code, run.buffer, row, column))


@pytest.mark.parametrize(
    ("filetype", "code", "group"),
    [
        ("python", "def f():", "pythonStatement"),
        ("lua", "local x = 1", "luaStatement"),
        ("javascript", "function f() {}", "javaScriptFunction"),
        ("javascript.jsx", "function f() {}", "javaScriptFunction"),
        ("", "function f() {}", "VivekFence"),
        ("nosuchtype", "function f() {}", "VivekFence"),
    ],
)
def test_code_is_highlighted_in_the_language_of_the_source(
    nvim: Editor, filetype: str, code: str, group: str
) -> None:
    nvim.edit("a\n", name="demo.txt", filetype=filetype)
    run = Run(nvim)
    run.text(f"```\n{code}\n```\nuse `f` **now**")
    run.wait_for_line("use `f` **now**")
    assert group_at(run, code) == group
    assert group_at(run, "`f`") == "VivekCode"
    assert group_at(run, "**now") == "VivekStrong"
    assert group_at(run, "use") == ""
    assert group_at(run, "# add") == "VivekTitle"


def test_a_wiped_source_leaves_what_the_model_wrote(run: Run) -> None:
    run.text("before ")
    run.nvim.command("bwipeout! demo.py")
    run.text("after")
    run.event("done", result=RESULT)
    assert "before after" in run.lines()


def test_a_file_that_is_opened_again_goes_on_in_its_scratch_buffer(run: Run) -> None:
    run.nvim.command("bwipeout! demo.py")
    run.nvim.edit("a\n", name="demo.py")
    assert Run(run.nvim, "r2").buffer == run.buffer


def test_events_of_unknown_runs_are_ignored(run: Run) -> None:
    before = run.lines()
    run.nvim.lua("require('vivek.scratch').event({ kind = 'text', run = 'other', text = 'x' })")
    assert run.lines() == before


def test_a_burst_of_pieces_is_written_a_few_times_only(run: Run) -> None:
    code = """
        local scratch, buffer = require('vivek.scratch'), ...
        _G.writes = 0
        vim.api.nvim_buf_attach(buffer, false, { on_lines = function() _G.writes = _G.writes + 1 end })
        for number = 1, 1000 do
          scratch.event({ kind = 'text', run = 'r1', node = 'executor', attempt = 1, text = number .. '\\n' })
        end
    """
    run.nvim.lua(code, run.buffer)
    run.wait_for_line("1000")
    assert run.nvim.lua("return _G.writes") <= 3
