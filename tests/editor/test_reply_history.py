"""`:VivekHistory` in a real Neovim: every reply can be found, opened, yanked, and its hunks proposed again."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposing import rows

from neovim_child import Editor

TEXT = "def f(a):\n    return a\n\n\ndef g(b):\n    return b\n"
CODE = "```python\ndef f(a):\n    return a + 1\n```\n"
EDIT = rows(1, 2, "    return a + 1")
FAILURE = {"kind": "X", "message": "It broke.", "hint": "", "partial": ""}
DAY = 24 * 3600

STUB = """
    _G.asked, _G.answers = {}, {}
    vim.ui.select = function(items, options, on_choice)
      local labels = vim.tbl_map(options.format_item or tostring, items)
      table.insert(_G.asked, { options.prompt, labels })
      local wanted = table.remove(_G.answers, 1)
      for index, label in ipairs(labels) do
        if wanted == index or wanted == label then
          return on_choice(items[index], index)
        end
      end
      on_choice(nil, nil)
    end
"""


class History:
    """A Neovim whose lists are answered by the test, and what it was asked."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        editor.lua(STUB)

    def run(self, *replies: str | tuple[str, int, str], buffer: int = 0, **more: Any) -> str:
        """A run on a buffer that ended, with replies of the executor (or of node, attempt); gives its id."""
        code = """
            local buf, id, instruction, created = ...
            local capture = require('vivek.capture')
            require('vivek.journal').begin({
              id = id, path = capture.path(buf), buffer = capture.identity(buf), filetype = vim.bo[buf].filetype,
              instruction = instruction, base = vim.api.nvim_buf_get_lines(buf, 0, -1, true), eol = true,
              created = created,
            })
        """
        buffer = buffer or int(self.editor.api.get_current_buf().number)
        run = f"r{time.monotonic_ns()}"
        self.editor.lua(
            code, buffer, run, more.pop("instruction", "shorten"), more.pop("created", time.time())
        )
        for reply in replies:
            node, attempt, text = reply if isinstance(reply, tuple) else ("executor", 1, reply)
            self.event(run, "reply", node=node, attempt=attempt, text=text, model="tiny")
        if "error" in more:
            self.event(run, "error", error=FAILURE | more["error"])
        elif not more.get("unfinished"):
            result = {"route": "rewrite", "edits": [EDIT], "answer": "", "target": {"first": 1, "last": 2}}
            self.event(run, "done", result=result | more)
        return run

    def event(self, run: str, kind: str, **fields: Any) -> None:
        self.editor.lua("require('vivek.journal').event(...)", {"kind": kind, "run": run, **fields})

    def choose(self, *answers: int | str, command: str = "VivekHistory") -> None:
        """Run the command and answer its lists, by number or label."""
        self.editor.lua("_G.asked, _G.answers = {}, ...", list(answers))
        self.editor.command(command)
        self.editor.wait_for(lambda: len(self.asked()) >= len(answers) and not self.left())
        # What is chosen is done in the next round of the main loop.
        self.editor.lua("vim.wait(0)")

    def left(self) -> list[Any]:
        return list(self.editor.lua("return _G.answers"))

    def asked(self) -> list[tuple[str, list[str]]]:
        return [(prompt, labels) for prompt, labels in self.editor.lua("return _G.asked")]

    def labels(self, command: str = "VivekHistory") -> list[str]:
        """The list that the command shows."""
        self.choose(0, command=command)
        return self.asked()[0][1]

    def hunks(self) -> list[dict[str, Any]]:
        return list(self.editor.lua("return require('vivek.proposals').hunks(0)"))

    def name(self) -> str:
        return str(self.editor.eval("expand('%:t')"))


@pytest.fixture
def history(nvim: Editor) -> History:
    return History(nvim)


@pytest.fixture
def source(history: History) -> int:
    return history.editor.edit(TEXT, name="x.py")


# The list


def test_every_reply_of_every_node_is_listed_newest_first(history: History, source: int) -> None:
    history.run(("planner", 1, "a plan"), "one\n", ("executor", 2, CODE), instruction="first")
    history.run("two\nlines\n", instruction="second")
    told = [re.sub(r"^\d\d:\d\d · ", "", label) for label in history.labels()]
    assert told == [
        "second · executor · 2 lines · 1 hunk",
        "first · executor, attempt 2 · 4 lines · 1 hunk",
        "first · executor · 1 line · not taken",
        "first · planner · 1 line",
    ]


def test_only_the_replies_about_the_buffer_are_listed_and_with_a_bang_all(
    history: History, source: int
) -> None:
    history.run(CODE, instruction="here")
    history.editor.edit(TEXT, name="deep/y.py")
    history.run(CODE, instruction="there")
    assert [("there" in label, "y.py" in label) for label in history.labels()] == [(True, False)]
    everything = history.labels("VivekHistory!")
    assert [label.split(" · ")[1:3] for label in everything] == [["deep/y.py", "there"], ["x.py", "here"]]


def test_from_the_scratch_buffer_the_source_is_meant(history: History, source: int) -> None:
    history.run(CODE, instruction="here")
    history.editor.lua("require('vivek.scratch').open(..., 'r', 'here')", source)
    history.editor.command("wincmd w")
    assert history.editor.eval("&filetype") == "vivek"
    assert len(history.labels()) == 1


@pytest.mark.parametrize(("days", "shown"), [(0, r"^\d\d:\d\d · "), (2, r"^\d{4}-\d\d-\d\d \d\d:\d\d · ")])
def test_the_day_is_told_of_what_is_not_of_today(
    history: History, source: int, days: int, shown: str
) -> None:
    history.run(CODE, created=time.time() - days * DAY)
    assert re.search(shown, history.labels()[0])


def test_a_long_instruction_is_cut_and_stays_one_line(history: History, source: int) -> None:
    history.run(CODE, instruction="say\n" + "漢字" * 60)
    label = history.labels()[0]
    assert "\n" not in label
    assert "say 漢字" in label
    assert "…" in label
    assert len(label) < 90


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "1 hunk"),
        ({"edits": []}, "no hunks"),
        ({"error": {}}, "failed"),
        ({"error": {"kind": "RunStoppedError"}}, "stopped"),
        ({"unfinished": True}, "running"),
    ],
)
def test_what_came_of_a_reply_is_told(
    history: History, source: int, more: dict[str, Any], state: str
) -> None:
    history.run("x", **more)
    assert history.labels()[0].endswith(f"1 line · {state}")


def test_what_became_of_the_hunks_is_told(history: History, source: int) -> None:
    run = history.run(CODE)
    code = """
        local state = function(name, verdict) return { state = name, verdict = verdict } end
        require('vivek.journal').mark(..., {
          state('applied'), state('rejected'), state('applied', 'written'), state('applied'),
        })
    """
    history.editor.lua(code, run)
    assert history.labels()[0].endswith("2 applied, 1 written, 1 rejected")


def test_what_another_neovim_was_killed_at_is_listed_as_unfinished(start_nvim: Callable[..., Editor]) -> None:
    first = History(start_nvim())
    first.editor.edit(TEXT, name="x.py")
    run = first.run(unfinished=True)
    first.event(run, "text", node="executor", attempt=1, text="```python\ndef")
    first.editor.process.kill()
    first.editor.process.wait()
    second = History(start_nvim())
    second.editor.edit(TEXT, name="x.py")
    assert second.labels()[0].endswith("2 lines · unfinished")
    second.choose(1, "Open")
    assert second.editor.lines() == ["```python", "def"]


def test_where_there_are_none_that_is_said(history: History, source: int) -> None:
    history.editor.command("VivekHistory")
    history.editor.command("VivekHistory!")
    assert history.editor.messages().split("\n") == [
        "Vivek: There are no replies yet. :VivekHistory! lists those about other files.",
        "Vivek: There are no replies yet.",
    ]
    assert history.asked() == []


def test_a_list_that_is_left_does_nothing(history: History, source: int) -> None:
    history.run(CODE)
    history.choose(0)
    history.choose(1, 0)
    assert history.asked()[1][1] == ["Open", "Yank", "Propose again"]
    assert (history.editor.lines(), len(history.editor.api.list_wins())) == (TEXT.split("\n")[:-1], 1)


# Open


def test_a_reply_opens_in_a_split_and_cannot_be_changed_by_accident(history: History, source: int) -> None:
    history.run(CODE)
    history.choose(1, "Open")
    assert history.editor.lines() == CODE.split("\n")[:-1]
    options = history.editor.lua(
        "local o = vim.bo; return { o.buftype, o.filetype, o.modified, o.modifiable, o.swapfile, o.buflisted }"
    )
    assert options == ["nofile", "markdown", False, False, False, False]
    assert len(history.editor.api.list_wins()) == 2
    history.editor.feed("q:<Esc>")
    history.editor.command("quit")
    assert history.editor.eval("bufnr()") == source


def test_a_reply_that_is_open_already_is_shown_as_it_is(history: History, source: int) -> None:
    history.run(CODE)
    history.choose(1, "Open")
    reply = history.editor.eval("bufnr()")
    history.editor.command("wincmd p")
    history.choose(1, "Open")
    assert history.editor.eval("bufnr()") == reply


def test_where_no_window_has_room_the_user_is_told(history: History, source: int) -> None:
    history.run(CODE)
    history.editor.command("set noequalalways winminheight=1 | split | resize 1")
    history.choose(1, "Open")
    assert "E36: Not enough room" in history.editor.messages()
    assert "stack traceback" not in history.editor.messages()


# Yank


def test_a_reply_is_yanked_as_lines(history: History, source: int) -> None:
    history.run(CODE)
    history.choose(1, "Yank")
    assert history.editor.lua("return { vim.fn.getreg('\"'), vim.fn.getregtype('\"') }") == [CODE, "V"]
    assert "4 lines yanked" in history.editor.messages()


def test_a_named_register_takes_it_as_with_a_yank(history: History, source: int) -> None:
    history.run(CODE)
    history.editor.lua("_G.asked, _G.answers = {}, { 1, 'Yank' }")
    history.editor.feed('"a<Plug>(VivekHistory)')
    history.editor.wait_for(lambda: history.editor.eval("@a") == CODE)
    assert history.editor.eval('@"') == CODE


def test_with_unnamedplus_it_goes_to_the_clipboard(history: History, source: int) -> None:
    history.editor.lua("""
        vim.g.clipboard = {
          name = 'test',
          copy = { ['+'] = function(lines) _G.clipboard = lines end, ['*'] = function() end },
          paste = { ['+'] = function() return {} end, ['*'] = function() return {} end },
        }
        vim.o.clipboard = 'unnamedplus'
    """)
    history.run(CODE)
    history.editor.lua("_G.asked, _G.answers = {}, { 1, 'Yank' }")
    history.editor.feed("0:VivekHistory<CR>")
    history.editor.wait_for(lambda: history.editor.lua("return _G.clipboard") == CODE.split("\n"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(min_size=1, max_size=80).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_reply_is_opened_and_yanked_byte_for_byte(history: History, text: str) -> None:
    history.editor.command("silent! only! | enew")
    history.run(text)
    expected = text.removesuffix("\n").split("\n") if text != "\n" else [""]
    history.choose(1, "Yank")
    # Both write a NUL as a line feed within a line.
    lines = [line.replace("\0", "\n") for line in expected]
    assert history.editor.lua("return vim.fn.getreg('\"', 1, true)") == lines
    history.choose(1, "Open")
    assert [line.replace("\0", "\n") for line in history.editor.lines()] == lines


# Propose again


def test_hunks_are_proposed_again_in_the_buffer(history: History, source: int) -> None:
    history.run(CODE)
    history.choose(1, "Propose again")
    assert [(hunk["first"], hunk["new"]) for hunk in history.hunks()] == [(2, ["    return a + 1"])]
    history.editor.command("VivekApply")
    assert history.editor.lines()[1] == "    return a + 1"


def test_they_find_their_place_in_a_text_that_moved_on(history: History, source: int) -> None:
    history.run(CODE)
    history.editor.api.buf_set_lines(source, 0, 0, True, ["# new"])
    history.choose(1, "Propose again")
    assert [hunk["first"] for hunk in history.hunks()] == [3]


def test_a_file_that_is_closed_is_opened_first(history: History, source: int) -> None:
    history.run(CODE)
    history.editor.command("bwipeout! | edit other.txt")
    history.choose(1, "Propose again", command="VivekHistory!")
    assert history.name() == "x.py"
    assert len(history.hunks()) == 1


def test_what_the_window_shows_stays_in_sight_and_the_argument_list_as_it_is(
    history: History, source: int
) -> None:
    history.run(CODE)
    history.editor.command("bwipeout! | set nohidden | args one two | call setline(1, 'unsaved')")
    history.choose(1, "Propose again", command="VivekHistory!")
    assert history.name() == "x.py"
    assert len(history.editor.api.list_wins()) == 2
    assert history.editor.eval("argv()") == ["one", "two"]


def test_a_window_that_shows_the_file_is_gone_to(history: History, source: int) -> None:
    history.run(CODE)
    history.editor.command("tabnew other.txt")
    history.choose(1, "Propose again", command="VivekHistory!")
    assert history.editor.eval("bufnr()") == source
    assert len(history.editor.api.list_wins()) == 2


def test_a_path_of_odd_characters_is_opened_as_it_is(history: History) -> None:
    history.editor.edit(TEXT, name="a b%#[x]'{y}.py")
    history.run(CODE)
    history.editor.command("bwipeout!")
    history.choose(1, "Propose again", command="VivekHistory!")
    assert history.name() == "a b%#[x]'{y}.py"
    assert len(history.hunks()) == 1


def test_a_file_that_is_gone_is_not_made_anew(history: History, source: int) -> None:
    history.run(CODE)
    history.editor.command("bwipeout!")
    (history.editor.home / "x.py").unlink()
    history.choose(1, "Propose again", command="VivekHistory!")
    assert "x.py is not there any more. Open or yank the reply." in history.editor.messages()
    assert history.name() == ""


def test_hunks_of_an_unnamed_buffer_are_proposed_in_that_buffer(history: History) -> None:
    unnamed = history.editor.edit(TEXT)
    history.run(CODE)
    history.editor.command("set hidden | edit other.txt")
    history.choose(1, "Propose again", command="VivekHistory!")
    assert history.editor.eval("bufnr()") == unnamed
    assert len(history.hunks()) == 1


def test_hunks_of_an_unnamed_buffer_of_another_neovim_cannot_be_proposed(
    start_nvim: Callable[..., Editor],
) -> None:
    first = History(start_nvim())
    first.editor.edit(TEXT)
    first.run(CODE)
    second = History(start_nvim())
    second.editor.edit(TEXT)
    assert second.labels("VivekHistory!")[0].split(" · ")[1] == "unnamed buffer"
    second.choose(1, "Propose again", command="VivekHistory!")
    assert "The buffer of this ask was no file, and is closed." in second.editor.messages()
    assert second.hunks() == []


@pytest.mark.parametrize("more", [{"edits": []}, {"error": {}}, {"unfinished": True}])
def test_a_reply_that_never_became_hunks_can_be_opened_and_yanked_alone(
    history: History, source: int, more: dict[str, Any]
) -> None:
    history.run("no code", **more)
    history.choose(1, 0)
    assert history.asked()[1][1] == ["Open", "Yank"]


def test_where_the_text_of_the_ask_was_not_kept_that_is_said(history: History, source: int) -> None:
    history.run(CODE)
    folder = Path(history.editor.lua("return require('vivek.records').folder()"))
    for path in folder.glob("*.value"):
        path.unlink()
    history.choose(1, "Propose again")
    assert "The text that these hunks are for was not kept." in history.editor.messages()
    assert history.hunks() == []


# The whole way


def test_an_ask_is_in_the_history_from_its_first_text_on(hosted: Editor) -> None:
    history = History(hosted)
    hosted.edit(TEXT, name="x.py")
    hosted.lua(
        "vim.g.fake_events = { { kind = 'text', node = 'executor', attempt = 1, text = '```\\nhalf' } }"
    )
    hosted.command("VivekAsk emit")
    hosted.wait_for("#require('vivek.journal').entries() > 0")
    hosted.wait_for("#require('vivek.journal').entries()[1].replies == 1")
    assert history.labels()[0].endswith("emit · executor · 2 lines · running")


def test_what_came_before_the_python_side_was_killed_is_in_the_history(hosted: Editor) -> None:
    history = History(hosted)
    hosted.edit(TEXT, name="x.py")
    hosted.lua(
        "vim.g.fake_events = { { kind = 'text', node = 'executor', attempt = 1, text = '```\\nhalf' } }"
    )
    hosted.command("VivekAsk emit")
    hosted.wait_for("#(require('vivek.journal').entries()[1] or { replies = {} }).replies == 1")
    hosted.lua("vim.uv.kill(require('vivek.host').pid(), 'sigkill')")
    hosted.wait_for("require('vivek.journal').entries()[1].finish ~= nil")
    assert history.labels()[0].endswith("2 lines · failed")


def test_a_reply_that_comes_after_a_run_was_ended_is_kept(hosted: Editor) -> None:
    history = History(hosted)
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    hosted.wait_for("_G.received ~= nil")
    hosted.command("VivekStop")
    hosted.wait_for("(require('vivek.journal').entries()[1] or {}).finish ~= nil")
    run = hosted.lua("return require('vivek.journal').entries()[1].id")
    late = {"kind": "reply", "run": run, "node": "executor", "attempt": 1, "text": "late", "model": "tiny"}
    hosted.lua("require('vivek.host').on_events({ ... })", late)
    assert history.labels()[0].endswith("1 line · stopped")


def test_a_real_run_is_listed_by_neovims_own_list_and_proposed_again(nvim: Editor, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"replies": [{"text": CODE}]}), encoding="utf-8")
    nvim.lua(
        "local python, url = ... require('vivek').setup({ python = python, backend = 'scripted', url = url })",
        sys.executable,
        str(script),
    )
    nvim.edit(TEXT, name="x.py")
    nvim.command("1,2VivekAsk add one")
    open_runs = "require('vivek.proposals').open_runs(0)"
    nvim.wait_for(f"#{open_runs} == 1", timeout=60)
    nvim.command("VivekReject")
    nvim.wait_for(f"#{open_runs} == 0")
    nvim.type(":VivekHistory<CR>")
    nvim.wait_for(lambda: any("4 lines · 1 rejected" in row for row in nvim.screen()))
    nvim.type("1<CR>")
    nvim.wait_for(lambda: any("3: Propose again" in row for row in nvim.screen()))
    nvim.type("3<CR>")
    nvim.wait_for(f"#{open_runs} == 1")
    found = nvim.lua("return require('vivek.journal').entries()[1].replies")
    assert [(reply["node"], reply["text"]) for reply in found] == [("executor", CODE)]
