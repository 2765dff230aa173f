"""`:VivekTest` in a real Neovim: tests as hunks in the project's own test file, and nothing written by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_commands import told
from test_end_to_end import Vivek
from test_trust import answer

from neovim_child import Editor

CODE = "def area(r):\n    return 3 * r * r\n\n\ndef side(r):\n    return 2 * r\n"
REPLY = "```python\ndef test_area():\n    assert area(2) == 12\n```\n"
ANOTHER = "```python\ndef test_side():\n    assert side(2) == 4\n```\n"
HELD = "from shapes import side\n\n\ndef test_side():\n    assert side(1) == 2\n"
BOTH = "from shapes import area, side\n\n\ndef test_side():\n    assert side(1) == 2\n\n\ndef test_area():\n    assert area(2) == 12\n"
FRESH = "from shapes import area\n\n\ndef test_area():\n    assert area(2) == 12\n"


@pytest.fixture
def vivek(nvim: Editor, tmp_path: Path) -> Vivek:
    made = Vivek(nvim, tmp_path / "script.json")
    project(nvim, {"pyproject.toml": "", "tests/test_other.py": "def test_one():\n    assert 1 + 1 == 2\n"})
    return made


def project(editor: Editor, files: dict[str, str]) -> Path:
    root = editor.home / "project"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return root


def open_source(vivek: Vivek, text: str = CODE) -> int:
    return vivek.editor.edit(text, name="project/shapes.py")


def suite(vivek: Vivek, name: str = "tests/test_shapes.py") -> int:
    """The buffer of a test file."""
    return int(vivek.editor.lua("return vim.fn.bufnr(...)", str(vivek.editor.home / "project" / name)))


def hunks(vivek: Vivek, buf: int) -> list[dict[str, Any]]:
    return list(vivek.editor.lua("return require('vivek.proposals').hunks(...)", buf))


def enter(vivek: Vivek, buf: int) -> None:
    vivek.editor.lua("vim.api.nvim_set_current_win(vim.fn.bufwinid(...))", buf)


def test_tests_are_hunks_in_the_module_s_own_file(vivek: Vivek) -> None:
    root = project(vivek.editor, {"tests/test_shapes.py": HELD})
    vivek.replies(REPLY)
    source = open_source(vivek)
    assert vivek.ask("1,2VivekTest") == "VivekDone"
    buf = suite(vivek)
    assert vivek.editor.api.get_current_buf().number == source
    assert vivek.editor.lines(buf) == HELD.split("\n")[:-1]
    assert [hunk["state"] for hunk in hunks(vivek, buf)] == ["pending", "pending"]
    assert vivek.hunks() == []
    assert "2 hunks in " in vivek.scratch()
    enter(vivek, buf)
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines(buf) == BOTH.split("\n")[:-1]
    assert (root / "tests/test_shapes.py").read_text() == HELD
    vivek.editor.command("undo")
    assert vivek.editor.lines(buf) == HELD.split("\n")[:-1]
    vivek.editor.command("redo | write")
    assert (root / "tests/test_shapes.py").read_text() == BOTH


def test_a_new_file_is_begun_where_the_project_keeps_its_tests(vivek: Vivek) -> None:
    vivek.replies(REPLY)
    open_source(vivek)
    assert vivek.ask("1,2VivekTest") == "VivekDone"
    buf = suite(vivek)
    path = vivek.editor.home / "project/tests/test_shapes.py"
    assert vivek.editor.lines(buf) == [""]
    assert vivek.editor.lua("return vim.bo[...].filetype", buf) == "python"
    assert vivek.editor.lua("return vim.bo[...].buflisted", buf)
    assert not path.exists()
    enter(vivek, buf)
    vivek.editor.feed("ga")
    vivek.editor.command("VivekApply")
    assert vivek.editor.lines(buf) == FRESH.split("\n")[:-1]
    assert not path.exists()
    vivek.editor.command("write")
    assert path.read_text() == FRESH


def test_rejecting_leaves_an_empty_buffer_and_no_file(vivek: Vivek) -> None:
    vivek.replies(REPLY)
    open_source(vivek)
    vivek.ask("1,2VivekTest")
    buf = suite(vivek)
    enter(vivek, buf)
    vivek.editor.command("VivekReject!")
    assert hunks(vivek, buf) == [] or {hunk["state"] for hunk in hunks(vivek, buf)} == {"rejected"}
    assert vivek.editor.lines(buf) == [""]
    assert not vivek.editor.lua("return vim.bo[...].modified", buf)
    assert not (vivek.editor.home / "project/tests/test_shapes.py").exists()


def test_the_function_under_the_cursor_and_more_words(vivek: Vivek) -> None:
    vivek.replies(ANOTHER)
    open_source(vivek)
    vivek.editor.command("6")
    assert vivek.ask("VivekTest only large values") == "VivekDone"
    assert "# only large values" in vivek.scratch()
    assert "writing tests for `side`, lines 5 to 6" in vivek.scratch()
    assert len(hunks(vivek, suite(vivek))) == 1


def test_what_is_typed_in_the_test_file_and_not_written_counts(vivek: Vivek) -> None:
    project(vivek.editor, {"tests/test_shapes.py": HELD})
    vivek.replies(REPLY)
    held = vivek.editor.edit(HELD + "\n\nX = 1\n", name="project/tests/test_shapes.py")
    (vivek.editor.home / "project/tests/test_shapes.py").write_text(HELD)
    vivek.editor.set_lines([*HELD.split("\n")[:-1], "", "", "def test_mine():", "    assert side(0) == 0"])
    vivek.editor.command("set hidden")
    open_source(vivek)
    assert vivek.ask("1,2VivekTest") == "VivekDone"
    assert suite(vivek) == held
    enter_or_show(vivek, held)
    vivek.editor.command("VivekApply!")
    lines = vivek.editor.lines(held)
    assert lines[0] == "from shapes import area, side"
    assert lines[-5:] == ["    assert side(0) == 0", "", "", "def test_area():", "    assert area(2) == 12"]


def enter_or_show(vivek: Vivek, buf: int) -> None:
    vivek.editor.wait_for(lambda: vivek.editor.lua("return vim.fn.bufwinid(...) ~= -1", buf))
    enter(vivek, buf)


def test_what_is_typed_there_while_the_model_writes_stays(vivek: Vivek) -> None:
    project(vivek.editor, {"tests/test_shapes.py": HELD})
    vivek.replies({"text": REPLY, "delay": 0.3})
    held = vivek.editor.edit(HELD, name="project/tests/test_shapes.py")
    open_source(vivek)
    vivek.editor.command("1,2VivekTest")
    vivek.editor.api.buf_set_lines(held, 0, 0, True, ["# Mine."])
    vivek.editor.wait_for(vivek.ended, timeout=60)
    enter_or_show(vivek, held)
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines(held) == ["# Mine.", *BOTH.split("\n")[:-1]]


def test_tests_that_are_there_already_are_not_proposed_again(vivek: Vivek) -> None:
    project(vivek.editor, {"tests/test_shapes.py": BOTH})
    vivek.replies(REPLY)
    open_source(vivek)
    assert vivek.ask("1,2VivekTest") == "VivekDone"
    assert hunks(vivek, suite(vivek)) == []
    assert "The file has all of these tests already." in vivek.scratch()


def test_asking_again_takes_the_place_of_what_was_proposed(vivek: Vivek) -> None:
    vivek.replies(REPLY, REPLY.replace("12", "13"), ANOTHER)
    open_source(vivek)
    vivek.ask("1,2VivekTest")
    vivek.ask("1,2VivekTest again", count=2)
    buf = suite(vivek)
    open_ = [hunk for hunk in hunks(vivek, buf) if hunk["state"] == "pending"]
    assert ["    assert area(2) == 13" in hunk["new"] for hunk in open_] == [True]
    vivek.ask("5,6VivekTest", count=3)
    assert len([hunk for hunk in hunks(vivek, buf) if hunk["state"] == "pending"]) == 2


def test_that_nothing_was_run_is_said(vivek: Vivek) -> None:
    vivek.replies(REPLY)
    open_source(vivek)
    vivek.ask("1,2VivekTest")
    assert "is not known: nothing of this project is trusted to be run." in vivek.scratch()


def test_what_the_tests_notice_is_told_where_running_is_trusted(vivek: Vivek) -> None:
    project(vivek.editor, {".vivek/config.toml": "run_examples = true\n"})
    answer(vivek.editor, 4)
    vivek.replies(REPLY)
    open_source(vivek)
    vivek.ask("1,2VivekTest")
    vivek.editor.wait_for(lambda: "1 test passes on the code as it is, and fails on " in vivek.scratch())


def test_a_missing_folder_is_told(nvim: Editor, tmp_path: Path) -> None:
    vivek = Vivek(nvim, tmp_path / "script.json")
    project(nvim, {"pyproject.toml": ""})
    vivek.replies(REPLY)
    open_source(vivek)
    vivek.ask("1,2VivekTest")
    assert "`:write ++p` makes it" in vivek.scratch()
    enter(vivek, suite(vivek))
    nvim.command("VivekApply! | write ++p")
    assert (nvim.home / "project/tests/test_shapes.py").read_text() == FRESH


def test_a_folder_of_tests_that_leads_out_of_the_project_gets_no_file(nvim: Editor, tmp_path: Path) -> None:
    vivek = Vivek(nvim, tmp_path / "script.json")
    root = project(nvim, {"pyproject.toml": ""})
    (tmp_path / "elsewhere").mkdir()
    (root / "tests").symlink_to(tmp_path / "elsewhere")
    vivek.replies(REPLY)
    open_source(vivek)
    assert vivek.ask("1,2VivekTest") == "VivekDone"
    assert suite(vivek) == -1
    assert "def test_area():" in vivek.scratch()


def test_in_a_file_of_tests_they_are_hunks_of_that_file(vivek: Vivek) -> None:
    vivek.replies("```python\ndef test_two():\n    assert area(2) == 12\n```\n")
    vivek.editor.edit(
        "from shapes import area\n\n\ndef test_one():\n    assert area(1) == 3\n", name="project/test_a.py"
    )
    vivek.editor.command("5")
    assert vivek.ask("VivekTest") == "VivekDone"
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines()[-2:] == ["def test_two():", "    assert area(2) == 12"]


def test_what_was_left_open_is_shown_again_in_another_session(
    vivek: Vivek, start_nvim: Any, tmp_path: Path
) -> None:
    vivek.replies(REPLY)
    open_source(vivek)
    vivek.ask("1,2VivekTest")
    vivek.editor.close()
    later = start_nvim()
    later.command(f"edit {later.home / 'project/tests/test_shapes.py'}")
    later.command("VivekResume")
    assert "1 hunk shown again" in told(later)
    later.command("VivekApply!")
    assert later.lines() == FRESH.split("\n")[:-1]


def test_a_file_with_windows_line_ends_keeps_them(vivek: Vivek) -> None:
    root = project(vivek.editor, {"tests/test_shapes.py": HELD.replace("\n", "\r\n")})
    vivek.replies(REPLY)
    open_source(vivek)
    vivek.ask("1,2VivekTest")
    enter(vivek, suite(vivek))
    vivek.editor.command("VivekApply! | write")
    assert (root / "tests/test_shapes.py").read_bytes() == BOTH.replace("\n", "\r\n").encode()


def test_the_window_opens_to_the_side_where_that_is_asked_for(vivek: Vivek) -> None:
    vivek.replies(REPLY)
    source = open_source(vivek)
    vivek.ask("vertical 1,2VivekTest")
    rows = vivek.editor.lua(
        "return vim.tbl_map(function(buf) return vim.fn.win_screenpos(vim.fn.bufwinid(buf))[1] end, { ... })",
        source,
        suite(vivek),
    )
    assert rows[0] == rows[1]


def test_an_ask_for_tests_says_how_they_are_proposed(vivek: Vivek) -> None:
    vivek.replies(REPLY)
    open_source(vivek)
    vivek.ask("1,2VivekAsk write tests")
    assert ":VivekTest proposes such tests in " in vivek.scratch()
    assert suite(vivek) == -1
