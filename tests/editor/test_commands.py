"""The commands, from the source window and from the scratch buffer, with a stand-in for the Python side."""

from __future__ import annotations

import json
from typing import Any

import pytest

from neovim_child import Editor

TEXT = "def f(a):\n    return a\n\n\ndef g(b):\n    return b\n"


def received(editor: Editor, method: str) -> list[dict[str, Any]]:
    """The messages of a method that arrived at the Python side so far."""
    return [message[1] for message in editor.lua("return _G.received or {}") if message[0] == method]


def arrived(editor: Editor, method: str, count: int = 1) -> dict[str, Any]:
    """The last message of a method, once there are so many."""
    editor.wait_for(lambda: len(received(editor, method)) >= count)
    return received(editor, method)[-1]


def whole_line(first: int, last: int, text: str) -> dict[str, Any]:
    start, end = {"line": first - 1, "character": 0}, {"line": last, "character": 0}
    return {"range": {"start": start, "end": end}, "newText": text}


def done(*edits: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = {
        "route": "rewrite",
        "edits": list(edits),
        "answer": "",
        "target": {"first": 1, "last": 2},
        "score": 1.0,
        "checks": [],
        "iterations": 1,
        "calls": {},
        "stopped": False,
        "stats": {"tokens": 9, "tokens_per_second": 20.0, "seconds": 0.5, "prompt_tokens": 90},
        "thread": "t",
    }
    return {"kind": "done", "result": result | more}


def answer_with(editor: Editor, *events: dict[str, Any]) -> None:
    """What the Python side sends for an ask whose instruction is `emit`."""
    editor.lua("vim.g.fake_events = ...", list(events))


def hunks(editor: Editor, buffer: int) -> list[dict[str, Any]]:
    return list(editor.lua("return require('vivek.proposals').hunks(...)", buffer))


def propose(editor: Editor, *edits: dict[str, Any], **more: Any) -> int:
    """A file with a finished ask and its hunks; gives the buffer's number."""
    buffer = editor.edit(TEXT, name="x.py")
    answer_with(editor, done(*edits, **more))
    editor.command("VivekAsk emit")
    editor.wait_for(lambda: len(hunks(editor, buffer)) == len(edits))
    return buffer


def told(editor: Editor) -> str:
    return editor.messages().replace("\n", " ")


def go_to_scratch(editor: Editor, source: int) -> int:
    scratch = int(editor.lua("return require('vivek.scratch').of(...)", source))
    editor.lua("vim.api.nvim_set_current_win(vim.fn.bufwinid(...))", scratch)
    return scratch


FIRST, SECOND = whole_line(2, 2, "    return a + 1\n"), whole_line(6, 6, "    return b + 1\n")


def test_an_ask_without_a_range_has_the_cursor_and_no_selection(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("6")
    hosted.command("VivekAsk add type hints")
    ask = arrived(hosted, "vivek_ask")
    assert (ask["instruction"], ask["cursor"], ask["selection"]) == ("add type hints", 6, False)
    assert "first" not in ask
    assert ask["path"] == str(hosted.home / "x.py")
    assert ask["lines"] == TEXT.split("\n")[:-1]
    assert ask["config"] == {"backend": "auto", "history": "recent", "profiles": []}
    assert ask["trusted"] is False
    assert "base" not in ask


def test_a_range_is_a_selection(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("5,6VivekAsk shorten | this")
    ask = arrived(hosted, "vivek_ask")
    assert (ask["instruction"], ask["first"], ask["last"]) == ("shorten | this", 5, 6)


@pytest.mark.parametrize("mode", ["v", "V", "<C-v>"])
@pytest.mark.parametrize("keys", ["1Gll{mode}jl", "2G{mode}k"])
def test_in_every_visual_mode_whole_lines_are_selected(hosted: Editor, mode: str, keys: str) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.lua("vim.ui.input = function(_, on_confirm) on_confirm('shorten') end")
    hosted.feed(keys.format(mode=mode) + "<Plug>(VivekAsk)")
    ask = arrived(hosted, "vivek_ask")
    assert (ask["selection"], ask["first"], ask["last"]) == (True, 1, 2)


@pytest.mark.parametrize("mode", ["v", "V", "<C-v>"])
def test_a_map_that_runs_the_command_from_visual_mode_means_the_selection(hosted: Editor, mode: str) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("xnoremap Q <Cmd>VivekAsk shorten<CR>")
    hosted.feed(f"6G{mode}kQ")
    ask = arrived(hosted, "vivek_ask")
    assert (ask["selection"], ask["first"], ask["last"]) == (True, 5, 6)


def test_without_an_instruction_it_is_asked_for_and_remembered(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.type(":VivekAsk<CR>")
    hosted.wait_for(lambda: hosted.api.get_mode()["mode"] == "c")
    hosted.type("name it better<CR>")
    assert arrived(hosted, "vivek_ask")["instruction"] == "name it better"
    assert hosted.eval("histget(':', -1)") == "VivekAsk name it better"


@pytest.mark.parametrize("answer", ["nil", "''", "'   '"])
def test_a_question_left_unanswered_asks_nothing(hosted: Editor, answer: str) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.lua(f"vim.ui.input = function(_, on_confirm) on_confirm({answer}) end")
    hosted.command("VivekAsk")
    assert not hosted.lua("return require('vivek.host').running()")
    assert len(hosted.api.list_wins()) == 1


def test_the_text_is_that_of_the_moment_of_asking(hosted: Editor) -> None:
    buffer = hosted.edit(TEXT, name="x.py")
    hosted.lua("vim.ui.input = function(_, on_confirm) _G.confirm = on_confirm end")
    hosted.command("5,6VivekAsk")
    hosted.api.buf_set_lines(buffer, 0, 0, True, ["# typed meanwhile"])
    hosted.lua("_G.confirm('shorten')")
    ask = arrived(hosted, "vivek_ask")
    assert ask["lines"][ask["first"] - 1] == "def g(b):"


def test_what_a_file_holds_arrives_byte_for_byte(hosted: Editor) -> None:
    text = "x = 'a\0b'\r\n\ty = '\udcff e\u0301 \U0001f600'"
    hosted.edit("", name="x.py")
    hosted.set_lines(text.split("\n"))
    hosted.command("VivekAsk sleep")
    assert arrived(hosted, "vivek_ask")["lines"] == text.split("\n")


def test_an_unnamed_and_a_nonmodifiable_buffer_can_be_asked_about(hosted: Editor) -> None:
    hosted.edit(TEXT)
    hosted.command("setlocal nomodifiable")
    hosted.command("VivekAsk explain")
    ask = arrived(hosted, "vivek_ask")
    assert (ask["path"], ask["lines"][0]) == ("", "def f(a):")


@pytest.mark.parametrize("is_trusted", [True, False])
def test_the_projects_settings_are_sent_where_they_are_trusted(hosted: Editor, is_trusted: bool) -> None:
    file = hosted.home / "project" / ".vivek" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("run_examples = true\n")
    hosted.lua(
        "local text = ...; vim.secure.read = function() return text end",
        file.read_text() if is_trusted else None,
    )
    hosted.edit(TEXT, name="project/a.py")
    hosted.command("VivekAsk shorten")
    expected = {"root": str(file.parent.parent), "text": "run_examples = true\n"} if is_trusted else None
    assert arrived(hosted, "vivek_ask").get("project") == expected


def test_the_project_is_trusted_only_where_the_user_said_so(hosted: Editor) -> None:
    hosted.lua(
        "require('vivek').setup({ python = require('vivek.config').get().python, trusted = { ... } })",
        str(hosted.home),
    )
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    assert arrived(hosted, "vivek_ask")["trusted"] is True


def test_hunks_are_proposed_and_applied_one_by_one(hosted: Editor) -> None:
    buffer = propose(hosted, FIRST, SECOND)
    assert hosted.lines(buffer) == TEXT.split("\n")[:-1]
    hosted.command("1")
    hosted.command("VivekNext")
    hosted.command("VivekApply")
    assert hosted.lines(buffer)[1] == "    return a + 1"
    hosted.command("VivekNext")
    hosted.command("VivekReject")
    assert hosted.lines(buffer) == TEXT.replace("return a", "return a + 1").split("\n")[:-1]
    outcome = arrived(hosted, "vivek_outcome", 2)
    assert (outcome["applied"], outcome["rejected"], outcome["pending"]) == (1, 1, 0)
    assert outcome["path"] == str(hosted.home / "x.py")
    assert outcome["run"] == arrived(hosted, "vivek_ask")["run"]


@pytest.mark.parametrize("place", ["source", "scratch"])
@pytest.mark.parametrize("how", ["command", "plug"])
def test_all_hunks_are_applied_at_once_from_either_window(hosted: Editor, place: str, how: str) -> None:
    buffer = propose(hosted, FIRST, SECOND)
    if place == "scratch":
        go_to_scratch(hosted, buffer)
    if how == "command":
        hosted.command("VivekApply!")
    else:
        hosted.feed("<Plug>(VivekApplyAll)")
    assert (
        hosted.lines(buffer)
        == TEXT.replace("return a", "return a + 1").replace("return b", "return b + 1").split("\n")[:-1]
    )


@pytest.mark.parametrize("place", ["source", "scratch"])
def test_all_hunks_are_rejected_at_once_from_either_window(hosted: Editor, place: str) -> None:
    buffer = propose(hosted, FIRST, SECOND)
    if place == "scratch":
        go_to_scratch(hosted, buffer)
    hosted.command("VivekReject!")
    assert [hunk["state"] for hunk in hunks(hosted, buffer)] == ["rejected", "rejected"]
    assert hosted.lines(buffer) == TEXT.split("\n")[:-1]
    assert arrived(hosted, "vivek_outcome")["rejected"] == 2


def test_next_and_prev_take_a_count_and_go_round(hosted: Editor) -> None:
    propose(hosted, FIRST, SECOND)
    hosted.command("1")
    lines = []
    for keys in ("<Plug>(VivekNext)", "<Plug>(VivekNext)", "<Plug>(VivekPrev)", "2<Plug>(VivekNext)"):
        hosted.feed(keys)
        lines.append(hosted.eval("line('.')"))
    assert lines == [2, 6, 2, 2]


def test_an_ask_from_the_scratch_buffer_follows_up_the_proposal(hosted: Editor) -> None:
    buffer = propose(hosted, FIRST, target={"first": 1, "last": 2})
    go_to_scratch(hosted, buffer)
    hosted.command("VivekAsk now with a docstring")
    ask = arrived(hosted, "vivek_ask", 2)
    assert ask["lines"] == TEXT.replace("return a", "return a + 1").split("\n")[:-1]
    assert ask["base"] == {"lines": TEXT.split("\n")[:-1], "eol": True}
    assert (ask["selection"], ask["first"], ask["last"]) == (True, 1, 2)
    assert ask["path"] == str(hosted.home / "x.py")


def test_a_follow_up_after_all_hunks_are_applied_works_on_the_same_lines_where_they_are_now(
    hosted: Editor,
) -> None:
    buffer = propose(hosted, SECOND, target={"first": 5, "last": 6})
    hosted.command("VivekApply!")
    hosted.api.buf_set_lines(buffer, 0, 0, True, ["# new"])
    go_to_scratch(hosted, buffer)
    hosted.command("VivekAsk shorter")
    ask = arrived(hosted, "vivek_ask", 2)
    assert (ask["selection"], ask["first"], ask["last"]) == (True, 6, 7)
    assert ask["lines"][6] == "    return b + 1"
    assert "base" not in ask


def test_an_ask_from_the_source_window_works_on_the_buffer_as_it_is(hosted: Editor) -> None:
    buffer = propose(hosted, FIRST)
    hosted.command("VivekAsk something else")
    ask = arrived(hosted, "vivek_ask", 2)
    assert ask["lines"] == TEXT.split("\n")[:-1]
    assert "base" not in ask
    assert len(hunks(hosted, buffer)) == 1, "the old proposal stays until there is a new one"


def test_a_second_ask_waits_for_the_first(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    arrived(hosted, "vivek_ask")
    hosted.command("VivekAsk sleep")
    assert "still at work on this buffer. :VivekStop stops it." in told(hosted)
    assert len(received(hosted, "vivek_ask")) == 1


def test_stop_names_the_run_of_this_buffer(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    run = arrived(hosted, "vivek_ask")["run"]
    hosted.edit(TEXT, name="y.py")
    hosted.command("VivekAsk sleep")
    other = arrived(hosted, "vivek_ask", 2)["run"]
    hosted.command("VivekStop")
    assert arrived(hosted, "vivek_stop")["run"] == other != run


def test_a_stop_that_is_not_answered_still_frees_the_buffer(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    arrived(hosted, "vivek_ask")
    hosted.command("VivekStop")
    hosted.wait_for(lambda: "Stopped." in told(hosted))
    hosted.command("VivekAsk sleep")
    arrived(hosted, "vivek_ask", 2)


def test_a_stop_before_anything_was_heard_does_not_wait_for_a_process_that_is_starting(
    hosted: Editor,
) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    hosted.command("VivekStop")
    hosted.wait_for(lambda: "Stopped." in told(hosted), timeout=1)


def test_stop_with_nothing_at_work_says_so(hosted: Editor) -> None:
    hosted.command("VivekStop")
    assert "Nothing is running." in told(hosted)


def test_a_failure_is_told_with_what_to_do_and_the_next_ask_works(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    error = {
        "kind": "ModelUnreachableError",
        "message": "Ollama does not answer.",
        "hint": "Run `ollama serve`.",
    }
    answer_with(hosted, {"kind": "error", "error": error})
    hosted.command("VivekAsk emit")
    hosted.wait_for(lambda: told(hosted) == "Vivek: Ollama does not answer. Run `ollama serve`.")
    answer_with(hosted, done(FIRST))
    hosted.command("VivekAsk emit")
    hosted.wait_for(lambda: len(hunks(hosted, hosted.eval("bufnr()"))) == 1)


def test_a_process_killed_in_a_run_ends_it_and_the_next_ask_starts_another(hosted: Editor) -> None:
    hosted.lua("""
        vim.api.nvim_create_autocmd('User', { pattern = 'VivekError', callback = function(event)
          _G.failed = event.data.error
        end })
    """)
    buffer = hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk die")
    assert hosted.wait_for("_G.failed")["kind"] == "HostExited"
    assert told(hosted).count("ended unexpectedly") == 1
    answer_with(hosted, done(FIRST))
    hosted.command("VivekAsk emit")
    hosted.wait_for(lambda: len(hunks(hosted, buffer)) == 1)
    assert hosted.lines(buffer) == TEXT.split("\n")[:-1]


def test_a_buffer_wiped_while_the_model_runs_stops_the_run(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    run = arrived(hosted, "vivek_ask")["run"]
    hosted.command("bwipeout!")
    assert arrived(hosted, "vivek_stop")["run"] == run
    hosted.lua("require('vivek.host').on_events(...)", [done(FIRST) | {"run": run}])
    buffer = hosted.edit(TEXT, name="x.py")
    answer_with(hosted, done(FIRST))
    hosted.command("VivekAsk emit")
    hosted.wait_for(lambda: len(hunks(hosted, buffer)) == 1)
    assert "Traceback" not in told(hosted)
    assert "stack traceback" not in told(hosted)


def test_a_buffer_unloaded_while_the_model_runs_keeps_its_file_and_says_so(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    run = arrived(hosted, "vivek_ask")["run"]
    hosted.command("bdelete!")
    hosted.lua("require('vivek.host').on_events(...)", [done(FIRST) | {"run": run}])
    assert "The buffer is closed" in told(hosted)
    assert (hosted.home / "x.py").read_text() == TEXT


def test_what_comes_by_itself_fits_a_line_of_80_columns(hosted: Editor) -> None:
    hosted.nvim.ui_attach(80, 24, rgb=True)
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    run = arrived(hosted, "vivek_ask")["run"]
    hosted.command("bdelete!")
    hosted.nvim.exec_lua("require('vivek.host').on_events(...)", [done(FIRST) | {"run": run}], async_=True)
    assert not hosted.api.get_mode()["blocking"]


def test_edits_that_cannot_be_shown_end_the_run_and_leave_the_text_alone(hosted: Editor) -> None:
    buffer = hosted.edit(TEXT, name="x.py")
    answer_with(hosted, done({"range": {"start": {"line": 0}}, "newText": "x\n"}))
    hosted.command("VivekAsk emit")
    hosted.wait_for(lambda: "The hunks cannot be shown." in told(hosted))
    assert hosted.lua("return require('vivek').statusline()") == ""
    assert hosted.lines(buffer) == TEXT.split("\n")[:-1]


def test_events_of_a_run_that_is_over_change_nothing(hosted: Editor) -> None:
    buffer = propose(hosted, FIRST)
    run = arrived(hosted, "vivek_ask")["run"]
    hosted.lua("require('vivek.host').on_events(...)", [done(FIRST, SECOND) | {"run": run}])
    assert len(hunks(hosted, buffer)) == 1


def test_text_typed_while_the_model_runs_is_neither_lost_nor_overwritten(hosted: Editor) -> None:
    buffer = hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk sleep")
    run = arrived(hosted, "vivek_ask")["run"]
    hosted.api.buf_set_lines(buffer, 0, 0, True, ["# new"])
    hosted.api.buf_set_lines(buffer, 6, 7, True, ["    return b * 2"])
    hosted.lua("require('vivek.host').on_events(...)", [done(FIRST, SECOND) | {"run": run}])
    hosted.command("VivekApply!")
    assert hosted.lines(buffer) == [
        "# new",
        "def f(a):",
        "    return a + 1",
        "",
        "",
        "def g(b):",
        "    return b * 2",
    ]


def test_a_fresh_conversation_is_asked_for_by_path(hosted: Editor) -> None:
    buffer = propose(hosted, FIRST)
    go_to_scratch(hosted, buffer)
    hosted.command("VivekNew")
    assert arrived(hosted, "vivek_new")["path"] == str(hosted.home / "x.py")
    assert "begins a new conversation" in told(hosted)


def test_without_an_environment_an_ask_opens_nothing_and_names_the_command(nvim: Editor) -> None:
    nvim.edit(TEXT, name="x.py")
    nvim.feed(":VivekAsk add type hints<CR>")
    assert "Run :VivekInstall." in told(nvim)
    assert len(nvim.api.list_wins()) == 1


def test_the_log_opens_at_its_end(hosted: Editor) -> None:
    hosted.command("VivekLog")
    assert "Nothing has been logged yet" in told(hosted)
    hosted.lua("require('vivek.message').log('one\\ntwo\\n')")
    hosted.lua("require('vivek.message').log('three')")
    hosted.command("VivekLog")
    assert hosted.eval("expand('%:t')") == "vivek.log"
    assert json.loads(hosted.eval("getline('.')"))["message"] == "three"
    assert hosted.eval("line('$')") == 2


def test_completion_offers_instructions_and_those_given_before(hosted: Editor) -> None:
    def completions(line: str) -> list[str]:
        return list(hosted.lua("return vim.fn.getcompletion(..., 'cmdline')", line))

    assert "add type hints" in completions("VivekAsk ")
    assert "type hints" in completions("VivekAsk add ")
    assert "hints" in completions("'<,'>VivekAsk add type h")
    hosted.eval("histadd(':', \"'<,'>VivekAsk use a set here\")")
    assert completions("VivekAsk ")[0] == "use a set here"
    assert completions("VivekAsk use a") == ["a set here"]
    assert completions("VivekInstall ") == ["model"]
    assert completions("VivekInstall model x") == []


def test_the_question_completes_instructions_too(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.type(":VivekAsk<CR>")
    hosted.wait_for(lambda: hosted.api.get_mode()["mode"] == "c")
    hosted.type("add a d<Tab><CR>")
    assert arrived(hosted, "vivek_ask")["instruction"] == "add a docstring"
