"""The whole way: a real Neovim, the real Python host, and a scripted model in the place of the weights."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

from neovim_child import Editor

TEXT = "def area(r):\n    return 3 * r * r\n\n\ndef side(r):\n    return 2 * r\n"
AREA = "```python\ndef area(r):\n    return 4 * r * r\n```\n"
SIDE = "```python\ndef side(r):\n    return 9 * r\n```\n"


class Vivek(Scripted):
    """A Neovim child whose asks have a scripted model."""

    def ask(self, command: str, *, count: int = 1) -> str:
        """Run a :VivekAsk and wait for its end; gives VivekDone or VivekError."""
        return self.until(command, count=count)[0]

    def hunks(self) -> list[dict[str, Any]]:
        return list(self.editor.lua("return require('vivek.proposals').hunks(0)"))

    def scratch(self) -> str:
        code = "return require('vivek.scratch').of(vim.api.nvim_get_current_buf())"
        return "\n".join(self.editor.lines(int(self.editor.lua(code))))

    def host_pid(self) -> int:
        return int(self.editor.lua("return require('vivek.host').request('vivek_ping', {}, 20000).pid"))


@pytest.fixture
def vivek(nvim: Editor, tmp_path: Path) -> Vivek:
    return Vivek(nvim, tmp_path / "script.json")


def test_a_selection_becomes_a_hunk_that_is_applied_and_undone(vivek: Vivek) -> None:
    vivek.replies(AREA)
    editor = vivek.editor
    editor.edit(TEXT, name="a.py")
    sequence = editor.undo_sequence()
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekDone"
    assert editor.lines() == TEXT.split("\n")[:-1]
    assert editor.undo_sequence() == sequence
    assert len(vivek.hunks()) == 1
    editor.command("VivekApply")
    assert editor.lines()[1] == "    return 4 * r * r"
    editor.command("undo")
    assert editor.lines() == TEXT.split("\n")[:-1]


def test_without_a_selection_the_function_under_the_cursor_is_rewritten(vivek: Vivek) -> None:
    vivek.replies(SIDE)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("6")
    assert vivek.ask("VivekAsk make it 9") == "VivekDone"
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines()[5] == "    return 9 * r"


def test_the_scratch_buffer_shows_the_nodes_and_the_code(vivek: Vivek) -> None:
    vivek.replies(AREA)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.ask("1,2VivekAsk make it 4")
    shown = vivek.scratch()
    for word in ("planner", "executor", "reviewer", "formatter", "return 4 * r * r", "scripted"):
        assert word in shown


def test_the_scratch_buffer_says_what_the_prompt_is_made_of(vivek: Vivek) -> None:
    vivek.replies(AREA)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.ask("1,2VivekAsk make it 4")
    assert re.search(
        r"^Prompt: \d+ of 8192 tokens: .*block \d+.*instruction \d+", vivek.scratch(), re.MULTILINE
    )


def test_a_server_that_is_busy_is_asked_again_and_that_is_said(vivek: Vivek) -> None:
    busy = {"text": "", "error": {"kind": "ModelBusyError", "message": "The server is busy."}}
    vivek.replies(busy, AREA)
    vivek.editor.edit(TEXT, name="a.py")
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekDone"
    assert re.search(r"The server is busy\. Trying again in \d s \(try 2\)\.", vivek.scratch())
    assert len(vivek.hunks()) == 1


def test_a_reply_that_goes_round_in_circles_is_stopped_and_asked_for_again(vivek: Vivek) -> None:
    vivek.replies("```python\ndef area(r):\n" + "    return 4 * r * r\n" * 3000, AREA)
    vivek.editor.edit(TEXT, name="a.py")
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekDone"
    assert "executor, attempt 2" in vivek.scratch()
    assert vivek.scratch().count("return 4 * r * r") < 1000
    vivek.editor.command("VivekApply")
    assert vivek.editor.lines()[1] == "    return 4 * r * r"


def test_an_explanation_gives_words_and_no_hunks(vivek: Vivek) -> None:
    vivek.replies("It gives the area.")
    vivek.editor.edit(TEXT, name="a.py")
    assert vivek.ask("1,2VivekAsk explain this") == "VivekDone"
    assert vivek.hunks() == []
    assert "It gives the area." in vivek.scratch()


def test_an_empty_buffer_gets_the_code_and_nothing_else(vivek: Vivek) -> None:
    vivek.replies("```python\nprint('hi')\n```")
    vivek.editor.edit("", name="empty.py")
    assert vivek.ask("VivekAsk say hi") == "VivekDone"
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines() == ["print('hi')"]


def test_an_unnamed_buffer_can_be_asked_about(vivek: Vivek) -> None:
    vivek.replies(AREA)
    vivek.editor.edit(TEXT)
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekDone"
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines()[1] == "    return 4 * r * r"


def test_a_follow_up_from_the_scratch_buffer_replaces_the_proposal(vivek: Vivek) -> None:
    vivek.replies(AREA, AREA.replace("4 * r * r", "4 * r ** 2"))
    editor = vivek.editor
    source = editor.edit(TEXT, name="a.py")
    vivek.ask("1,2VivekAsk make it 4")
    code = "vim.api.nvim_set_current_win(vim.fn.bufwinid(require('vivek.scratch').of(...)))"
    editor.lua(code, source)
    assert vivek.ask("VivekAsk use a power", count=2) == "VivekDone"
    editor.command("VivekApply!")
    assert editor.lines(source)[1] == "    return 4 * r ** 2"


def restarted(vivek: Vivek, start_nvim: Callable[..., Editor]) -> Vivek:
    """Another Neovim on the same file, `a.py`, after the first one was killed; `:VivekResume` was called."""
    vivek.editor.process.kill()
    vivek.editor.process.wait()
    again = Vivek(start_nvim(), vivek.script)
    again.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(again.editor.home / "a.py"))
    again.editor.command("VivekResume")
    return again


def test_after_a_restart_a_follow_up_works_on_the_resumed_proposal_and_knows_what_was_asked(
    vivek: Vivek, start_nvim: Callable[..., Editor]
) -> None:
    vivek.replies(AREA)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("write")
    vivek.ask("1,2VivekAsk make it 4")
    again = restarted(vivek, start_nvim)
    again.replies(AREA.replace("4 * r * r", "4 * r ** 2"))
    editor = again.editor
    source = editor.eval("bufnr()")
    assert "return 4 * r * r" in again.scratch()
    code = "vim.api.nvim_set_current_win(vim.fn.bufwinid(require('vivek.scratch').of(...)))"
    editor.lua(code, source)
    assert again.ask("VivekAsk use a power") == "VivekDone"
    editor.lua("vim.api.nvim_set_current_win(vim.fn.bufwinid(...))", source)
    assert re.search(r"Prompt: .*history", again.scratch())
    assert [hunk["state"] for hunk in again.hunks()] == ["rejected", "pending"], "it takes the other's place"
    editor.command("VivekApply!")
    assert editor.lines(source)[1] == "    return 4 * r ** 2"


def test_hunks_that_are_decided_before_python_runs_are_told_to_the_conversation(
    vivek: Vivek, start_nvim: Callable[..., Editor]
) -> None:
    vivek.replies(AREA)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("write")
    vivek.ask("1,2VivekAsk make it 4")
    again = restarted(vivek, start_nvim)
    again.replies(SIDE)
    editor = again.editor
    editor.command("VivekReject!")
    assert not editor.lua("return require('vivek.host').running()")
    assert again.ask("5,6VivekAsk make it 9") == "VivekDone"
    database = sqlite3.connect(next(editor.home.rglob("checkpoints.db")))
    editor.wait_for(
        lambda: "rejected" in str(database.execute("select * from writes").fetchall()), timeout=20
    )


def test_line_ends_tabs_and_odd_bytes_survive(vivek: Vivek, tmp_path: Path) -> None:
    text = "# caf\udce9 e\u0301\r\n\tx = 1\r\n" + "def area(r):\r\n    return 3 * r * r\r\n\r\nlast = 1"
    vivek.replies(AREA)
    vivek.editor.edit(text, name="dos.py")
    assert vivek.ask("3,4VivekAsk make it 4") == "VivekDone"
    vivek.editor.command("VivekApply!")
    vivek.editor.command("set nofixeol | write")
    written = (tmp_path / "dos.py").read_bytes()
    assert written == text.replace("3 * r", "4 * r").encode("utf-8", "surrogateescape")


def test_a_reply_without_code_is_told_and_kept(vivek: Vivek) -> None:
    vivek.replies("I will not.", "No.", "Never.")
    vivek.editor.edit(TEXT, name="a.py")
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekError"
    assert "I will not." in vivek.scratch()
    assert "holds no code" in vivek.scratch()
    vivek.replies("", "", "", AREA)
    assert vivek.ask("1,2VivekAsk make it 4", count=2) == "VivekDone"


def test_a_stop_ends_a_run_whose_model_is_silent(vivek: Vivek) -> None:
    vivek.replies({"text": AREA, "hang": True}, AREA)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("1,2VivekAsk make it 4")
    vivek.editor.wait_for(lambda: "executor" in vivek.scratch(), timeout=60)
    vivek.editor.command("VivekStop")
    vivek.editor.wait_for(vivek.ended, timeout=10)
    assert vivek.editor.lines() == TEXT.split("\n")[:-1]
    assert vivek.ask("1,2VivekAsk make it 4", count=2) == "VivekDone"


def test_a_host_killed_in_the_middle_is_told_and_the_next_ask_works(vivek: Vivek) -> None:
    vivek.replies({"text": AREA, "hang": True})
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("1,2VivekAsk make it 4")
    vivek.editor.wait_for(lambda: "executor" in vivek.scratch(), timeout=60)
    os.kill(vivek.host_pid(), signal.SIGKILL)
    vivek.editor.wait_for(lambda: vivek.ended() == ["VivekError"], timeout=10)
    assert ":VivekLog" in vivek.editor.messages()
    assert "vivek.log" in vivek.scratch()
    vivek.replies(AREA)
    assert vivek.ask("1,2VivekAsk make it 4", count=2) == "VivekDone"
    assert vivek.editor.lines() == TEXT.split("\n")[:-1]


def test_a_buffer_wiped_while_the_model_runs_harms_nothing(vivek: Vivek) -> None:
    vivek.replies({"text": AREA, "tokens_per_second": 20}, AREA)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("1,2VivekAsk make it 4")
    vivek.editor.wait_for(lambda: "executor" in vivek.scratch(), timeout=60)
    vivek.editor.command("bwipeout!")
    vivek.editor.edit(TEXT, name="b.py")
    before = len(vivek.ended())
    vivek.ask("1,2VivekAsk make it 4", count=before + 1)
    assert "Traceback" not in vivek.editor.messages()
    assert "E5108" not in vivek.editor.messages()


def previewed(editor: Editor) -> str:
    """What stands in virtual lines while the model writes."""
    code = """
        local namespace, rows = vim.api.nvim_create_namespace('vivek_preview'), {}
        for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
          for _, line in ipairs(mark[4].virt_lines or {}) do
            for _, chunk in ipairs(line) do
              table.insert(rows, chunk[1])
            end
          end
        end
        return table.concat(rows)
    """
    return str(editor.lua(code))


def test_the_changed_lines_show_at_the_selection_while_the_model_writes(vivek: Vivek) -> None:
    vivek.replies({"text": AREA.replace("```\n", ""), "hang": True})
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("1,2VivekAsk make it 4")
    vivek.editor.wait_for(lambda: "return 4 * r * r" in previewed(vivek.editor), timeout=60)
    assert vivek.hunks() == []
    vivek.editor.command("VivekStop")
    assert previewed(vivek.editor) == ""
    vivek.editor.wait_for(vivek.ended, timeout=30)


def test_new_code_shows_where_it_will_be_while_the_model_writes(vivek: Vivek) -> None:
    vivek.replies({"text": "```python\ndef edge():\n    return 1\n", "hang": True})
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("6")
    vivek.editor.command("VivekAsk add a function edge")
    vivek.editor.wait_for(lambda: "def edge():" in previewed(vivek.editor), timeout=60)
    vivek.editor.command("VivekStop")
    vivek.editor.wait_for(vivek.ended, timeout=30)


def test_text_that_changed_meanwhile_is_never_overwritten(vivek: Vivek) -> None:
    vivek.replies({"text": AREA, "tokens_per_second": 20})
    vivek.editor.edit(TEXT, name="a.py")
    vivek.editor.command("1,2VivekAsk make it 4")
    vivek.editor.wait_for(lambda: "executor" in vivek.scratch(), timeout=60)
    vivek.editor.set_lines(
        ["# mine", "def area(r):", "    return 33 * r", "", "", "def side(r):", "    return 2 * r"]
    )
    vivek.editor.wait_for(vivek.ended, timeout=30)
    vivek.editor.command("silent! VivekApply!")
    assert vivek.editor.lines()[:3] == ["# mine", "def area(r):", "    return 33 * r"]


def test_a_file_of_20000_lines_is_asked_about_quickly(vivek: Vivek) -> None:
    text = TEXT + "".join(f"x_{number} = {number}\n" for number in range(20_000))
    vivek.replies(AREA)
    vivek.editor.edit(text, name="long.py")
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekDone"
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines()[1] == "    return 4 * r * r"
    assert len(vivek.editor.lines()) == 20_006


def listen(vivek: Vivek, kind: str) -> None:
    """Keep the events of a kind, as they come, in the global `heard`."""
    code = """
    _G.heard = {}
    require('vivek.host').on(..., function(event) table.insert(_G.heard, event) end)
    """
    vivek.editor.lua(code, kind)


def test_every_reply_reaches_the_editor_whole_however_long(vivek: Vivek) -> None:
    letters = random.Random(7).choices("abcdefghijklmnopqrstuvwxyz", k=1 << 20)
    long = (
        f"```python\ndef area(r):\n    # é 😀 {''.join(letters)}"  # which is found to be garbage, but a reply
    )
    listen(vivek, "reply")
    vivek.replies(long, AREA)
    vivek.editor.edit(TEXT, name="a.py")
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekDone"
    told = vivek.editor.lua("return _G.heard")
    assert [(event["node"], event["attempt"], event["model"]) for event in told] == [
        ("executor", 1, "script"),
        ("executor", 2, "script"),
    ]
    assert [event["text"] for event in told] == [long, AREA]


def test_half_a_character_in_a_reply_does_not_hold_up_the_run(vivek: Vivek) -> None:
    listen(vivek, "reply")
    vivek.replies("```python\ndef area(r):\n    return 4 * r * r  # \ud83d!\n```\n")
    vivek.editor.edit(TEXT, name="a.py")
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekDone"
    [reply] = vivek.editor.lua("return _G.heard")
    assert "r * r  # \ufffd!\n" in reply["text"]
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines()[1] == "    return 4 * r * r  # \ufffd!"


def test_a_run_in_another_buffer_waits_for_the_model_says_so_and_outlives_a_stop(vivek: Vivek) -> None:
    listen(vivek, "progress")
    replies = [{"text": AREA, "hang": True}, {"text": AREA}]
    vivek.script.write_text(json.dumps({"replies": replies, "slots": 1}), encoding="utf-8")
    editor = vivek.editor
    first = editor.edit(TEXT, name="a.py")
    editor.command("1,2VivekAsk make it 4")
    editor.wait_for(lambda: phases(vivek)[-1:] == ["writing"], timeout=60)
    second = editor.edit(TEXT, name="b.py")
    editor.command("1,2VivekAsk make it 4")
    editor.wait_for(lambda: "queued" in phases(vivek), timeout=60)
    editor.command(f"buffer {first}")
    editor.command("VivekStop")
    editor.wait_for(lambda: len(vivek.ended()) == 2, timeout=60)
    hunks = "return #require('vivek.proposals').hunks(...)"
    assert (editor.lua(hunks, first), editor.lua(hunks, second)) == (0, 1)


def phases(vivek: Vivek) -> list[str]:
    return [event["phase"] for event in vivek.editor.lua("return _G.heard")]


def test_an_ignored_file_is_not_sent(vivek: Vivek, tmp_path: Path) -> None:
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / ".vivekignore").write_text("secret.py\n")
    vivek.replies(AREA)
    vivek.editor.edit(TEXT, name="project/secret.py")
    assert vivek.ask("1,2VivekAsk make it 4") == "VivekError"
    assert ".vivekignore" in vivek.scratch()


def test_the_conversation_is_kept_in_the_project_and_new_forgets_it(vivek: Vivek, tmp_path: Path) -> None:
    (tmp_path / "project" / ".git").mkdir(parents=True)
    vivek.replies(AREA, SIDE, SIDE)
    vivek.editor.edit(TEXT, name="project/a.py")
    vivek.ask("1,2VivekAsk make it 4")
    folder = tmp_path / "project" / ".vivek"
    assert (folder / "checkpoints.db").exists()
    assert "checkpoints.db" in (folder / ".gitignore").read_text()
    vivek.editor.command("VivekNew")
    vivek.editor.command("6")
    assert vivek.ask("VivekAsk make it 9", count=2) == "VivekDone"


def test_leaving_neovim_ends_the_host(vivek: Vivek) -> None:
    vivek.replies(AREA)
    vivek.editor.edit(TEXT, name="a.py")
    vivek.ask("1,2VivekAsk make it 4")
    pid = vivek.host_pid()
    vivek.editor.close()
    deadline = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < deadline, "the host outlived Neovim"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
