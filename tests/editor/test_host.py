"""The Python process: started on first use, supervised, and ended with Neovim."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from neovim_child import Editor

PING = "return require('vivek.host').request('vivek_ping', vim.empty_dict(), 10000)"


def notify(editor: Editor, method: str, payload: dict[str, object]) -> list[object]:
    return list(editor.lua("return { require('vivek.host').notify(...) }", method, payload))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.002)
    return not is_running(pid)


def log_of(editor: Editor) -> str:
    return Path(editor.lua("return require('vivek.message').log_path()")).read_text()


def told(editor: Editor, text: str) -> int:
    return editor.messages().replace("\n", " ").count(text)


def test_the_first_message_starts_the_process_and_the_second_uses_it(hosted: Editor) -> None:
    assert not hosted.lua("return require('vivek.host').running()")
    first, second = hosted.lua(PING), hosted.lua(PING)
    assert first["pid"] == second["pid"] == hosted.lua("return require('vivek.host').pid()")


def test_a_killed_process_is_told_once_with_the_log_and_the_next_message_starts_another(
    hosted: Editor,
) -> None:
    pid = hosted.lua(PING)["pid"]
    os.kill(pid, signal.SIGKILL)
    hosted.wait_for("not require('vivek.host').running()")
    assert told(hosted, "ended unexpectedly (signal 9)") == 1
    assert told(hosted, ":VivekLog") == 1
    assert hosted.lua(PING)["pid"] != pid
    assert told(hosted, "ended unexpectedly") == 1


def test_a_killed_process_asks_a_typing_user_for_no_key(hosted: Editor) -> None:
    hosted.nvim.ui_attach(80, 24, rgb=True)
    pid = hosted.lua(PING)["pid"]
    hosted.type("ityped ")
    os.kill(pid, signal.SIGKILL)
    hosted.wait_for("not require('vivek.host').running()")
    hosted.type("on<Esc>")
    hosted.wait_for("vim.api.nvim_get_mode().mode == 'n'")
    assert hosted.lines() == ["typed on"]
    assert told(hosted, ":VivekLog") == 1


def test_an_end_is_passed_on_to_whoever_waits_for_events(hosted: Editor) -> None:
    hosted.lua("require('vivek.host').on('exit', function(event) _G.exited = event end)")
    hosted.lua(PING)
    notify(hosted, "vivek_ask", {"run": "1", "instruction": "die"})
    assert "signal 9" in hosted.wait_for("_G.exited")["text"]


def test_a_failing_import_is_named_with_its_remedy_and_not_tried_again_and_again(hosted: Editor) -> None:
    hosted.lua("vim.env.VIVEK_FAKE_START = 'raise'")
    assert notify(hosted, "vivek_ask", {"run": "1", "instruction": "sleep"})[0] is True
    hosted.wait_for("not require('vivek.host').running()")
    assert told(hosted, "did not start: ImportError: No module named 'left_out'") == 1
    assert told(hosted, "Run :VivekInstall") == 1
    assert log_of(hosted).count("Traceback") == 1
    assert not hosted.lua("return vim.wait(300, function() return require('vivek.host').running() end)")


def test_a_failing_start_is_the_answer_of_a_request(hosted: Editor) -> None:
    hosted.lua("vim.env.VIVEK_FAKE_START = 'raise'")
    answer = hosted.lua("return { require('vivek.host').request('vivek_ping', vim.empty_dict(), 10000) }")
    assert answer[0] is None
    assert "No module named 'left_out'" in answer[1]
    assert "did not start" not in hosted.messages(), "whoever asked tells it"


def test_a_process_that_does_not_answer_in_time_is_ended(hosted: Editor) -> None:
    pid = hosted.lua(PING)["pid"]
    began = time.monotonic()
    answer = hosted.lua("return { require('vivek.host').request('vivek_ping', { hang = true }, 300) }")
    assert time.monotonic() - began < 3
    assert answer[0] is None
    assert "did not answer within 300 ms" in answer[1]
    assert gone_within(pid, 2)
    assert hosted.lua(PING)["pid"] != pid


def test_without_an_environment_the_message_names_the_command(nvim: Editor) -> None:
    sent, text, hint = notify(nvim, "vivek_ask", {})
    assert (sent, hint) == (False, "Run :VivekInstall.")
    assert "not installed" in str(text)


def test_a_python_that_is_not_there_is_named(nvim: Editor) -> None:
    nvim.lua("require('vivek').setup({ python = '/no/such/python' })")
    sent, text, hint = notify(nvim, "vivek_ask", {})
    assert sent is False
    assert "/no/such/python" in str(text)
    assert "setup()" in str(hint)


def test_a_program_that_is_no_host_is_told_and_not_started_again(hosted: Editor) -> None:
    hosted.lua("require('vivek').setup({ python = '/bin/false' })")
    notify(hosted, "vivek_ask", {"run": "1"})
    hosted.wait_for("not require('vivek.host').running()")
    assert told(hosted, "did not start: exit status 1") == 1


@pytest.mark.parametrize("end", ["at once", "never"])
def test_leaving_neovim_ends_the_process_within_300_ms(hosted: Editor, end: str) -> None:
    hosted.lua("vim.env.VIVEK_FAKE_END = ...", end)
    pid = hosted.lua(PING)["pid"]
    hosted.api.command("qall!", async_=True)
    left = time.monotonic()
    hosted.process.wait(timeout=5)
    assert time.monotonic() - left < 1
    assert gone_within(pid, 0.3)


def test_a_module_in_the_working_directory_is_not_imported(hosted: Editor) -> None:
    marker = hosted.home / "imported"
    for name in ("pynvim", "vivek", "json"):
        (hosted.home / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')\nraise SystemExit(3)\n")
    hosted.lua("vim.env.PYTHONPATH = ...", str(hosted.home))
    hosted.lua("vim.cmd.cd(...)", str(hosted.home))
    assert hosted.lua(PING)["version"] == "0"
    assert not marker.exists()


def test_a_fault_in_one_listener_loses_no_event(hosted: Editor) -> None:
    hosted.lua(
        """
        local host = require('vivek.host')
        _G.seen = {}
        host.on('text', function() error('broken listener') end)
        host.on('text', function(event) table.insert(_G.seen, event.text) end)
        host.on_events({ { kind = 'text', text = 'a' }, { kind = 'text', text = 'b' } })
        """
    )
    assert hosted.lua("return _G.seen") == ["a", "b"]
    assert "broken listener" in log_of(hosted)


def test_missing_values_of_an_event_are_nil_to_the_listeners(hosted: Editor) -> None:
    hosted.lua("require('vivek.host').on('done', function(event) _G.done = event end)")
    hosted.lua(
        "require('vivek.host').on_events(...)", [{"kind": "done", "result": {"score": None, "edits": []}}]
    )
    assert hosted.lua("return _G.done") == {"kind": "done", "result": {"edits": []}}
