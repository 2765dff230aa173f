"""`:VivekDiff`: the proposal beside the buffer in diff mode, which follows it and leaves the windows as they were."""

from __future__ import annotations

from typing import Any

import pytest
from proposing import LETTERS, letters, propose, rows, states

from neovim_child import Editor

OPTIONS = ("diff", "scrollbind", "cursorbind", "wrap", "foldmethod", "foldlevel", "foldenable", "foldcolumn")
EDITS = [rows(1, 2, "B"), rows(4, 4, "new 1", "new 2"), rows(6, 7)]
WHOLE = ["a", "B", "c", "d", "new 1", "new 2", "e", "f", "h"]


def options(nvim: Editor, window: int = 0) -> dict[str, Any]:
    """The options of a window that diff mode has to do with."""
    code = """
        local window, names = ...
        local values = {}
        for _, name in ipairs(names) do
          values[name] = vim.api.nvim_get_option_value(name, { win = window })
        end
        return values
    """
    return dict(nvim.lua(code, window, OPTIONS))


def views(nvim: Editor) -> list[int]:
    """The buffers that are diff views."""
    return [
        buffer.number
        for buffer in nvim.api.list_bufs()
        if "vivek-diff://" in nvim.api.buf_get_name(buffer.number)
    ]


def view(nvim: Editor) -> int:
    """The only diff view's buffer."""
    (only,) = views(nvim)
    return only


def go_to_view(nvim: Editor) -> None:
    nvim.lua("vim.api.nvim_set_current_win(vim.fn.bufwinid(...))", view(nvim))


def is_closed(nvim: Editor) -> bool:
    return len(nvim.api.list_wins()) == 1 and not views(nvim)


def errors(nvim: Editor) -> list[str]:
    return [line for line in nvim.messages().splitlines() if line.startswith("E") or "traceback" in line]


@pytest.fixture
def shown(nvim: Editor) -> Editor:
    """Eight letters with three hunks, and their diff view; the cursor is in the source."""
    letters(nvim)
    propose(nvim, EDITS)
    nvim.command("VivekDiff")
    return nvim


def test_both_texts_stand_side_by_side_line_by_line(shown: Editor) -> None:
    assert shown.lines(view(shown)) == WHOLE
    assert shown.lines() == LETTERS
    screen = [[half.strip("- ") for half in row.split("│")] for row in shown.screen()[:10]]
    left = [half[0].split(" ")[0] for half in screen]
    assert left == ["a", "b", "c", "d", "", "", "e", "f", "g", "h"]
    assert [half[1] for half in screen] == ["a", "B", "c", "d", "new 1", "new 2", "e", "f", "", "h"]
    assert shown.eval("[&diff, winnr('$')]") == [1, 2]


def test_the_hunks_are_drawn_again_when_the_view_is_gone(shown: Editor) -> None:
    shown.command("VivekDiff")
    assert is_closed(shown)
    assert shown.screen()[:4] == ["a", "b hunk 1 of 3 · \\a apply · \\r reject · ]v next", "B", "c"]


def test_the_view_takes_no_change_and_no_file(shown: Editor) -> None:
    go_to_view(shown)
    assert shown.eval("[&modifiable, &buftype, &buflisted, &swapfile, &modified]") == [0, "nofile", 0, 0, 0]


# It follows


def test_it_follows_apply_reject_undo_and_typing(shown: Editor) -> None:
    buffer = view(shown)
    shown.command("2VivekApply")
    assert shown.lines(buffer) == WHOLE
    shown.command("7VivekReject")
    assert shown.lines(buffer) == ["a", "B", "c", "d", "new 1", "new 2", "e", "f", "g", "h"]
    shown.feed("u")
    shown.feed("1Gcctyped<Esc>")
    shown.wait_for(lambda: shown.lines(buffer)[0] == "typed")
    assert shown.lines(buffer)[1] == "B"
    assert shown.lines()[1] == "b"


def test_its_cursor_and_scroll_position_stay_when_it_follows(nvim: Editor) -> None:
    nvim.edit("".join(f"line {n}\n" for n in range(200)), name="long.txt", filetype="text")
    propose(nvim, [rows(1, 2, "one"), rows(150, 151, "new 150")])
    nvim.command("set diffopt+=context:1000")
    nvim.command("VivekDiff")
    go_to_view(nvim)
    nvim.feed("100Gzt")
    before = nvim.eval("[line('.'), line('w0')]")
    nvim.feed("\\r")
    assert nvim.eval("[line('.'), line('w0')]") == before
    assert nvim.lines(view(nvim))[150] == "line 150"


def test_diffget_applies_a_hunk(shown: Editor) -> None:
    shown.feed("2Gdo")
    assert shown.lines()[:3] == ["a", "B", "c"]
    shown.wait_for(lambda: states(shown) == ["applied", "pending", "pending"])
    shown.feed("u")
    shown.wait_for(lambda: states(shown) == ["pending"] * 3)


def test_diffput_applies_a_hunk_from_the_view(shown: Editor) -> None:
    source = shown.eval("bufnr()")
    go_to_view(shown)
    shown.feed("5Gdp")
    assert shown.lines(source)[3:6] == ["d", "new 1", "new 2"]
    shown.wait_for(lambda: states(shown, source) == ["pending", "applied", "pending"])
    assert shown.lines(view(shown)) == WHOLE


def test_diffget_for_the_last_hunk_ends_the_view(shown: Editor) -> None:
    shown.feed("\\a]v\\a]v]cdo")
    shown.wait_for(lambda: is_closed(shown))
    assert shown.lines() == WHOLE
    assert states(shown) == ["applied"] * 3
    shown.feed("uuu")
    shown.wait_for(lambda: states(shown) == ["pending"] * 3)


# The keys


def test_keys_work_in_the_view_and_mean_the_line_of_its_cursor(shown: Editor) -> None:
    source = shown.eval("bufnr()")
    go_to_view(shown)
    shown.feed("6G\\a")
    assert shown.lines(source) == ["a", "b", "c", "d", "new 1", "new 2", "e", "f", "g", "h"]
    shown.feed("9G\\r")
    assert states(shown, source) == ["pending", "applied", "rejected"]
    shown.feed("1G\\a")
    shown.wait_for(lambda: is_closed(shown))
    assert shown.lines() == ["a", "B", "c", "d", "new 1", "new 2", "e", "f", "g", "h"]


def test_next_and_prev_move_the_cursor_of_the_view(shown: Editor) -> None:
    go_to_view(shown)
    visited = []
    for keys in ("]v", "]v", "]v", "[v"):
        shown.feed(keys)
        visited.append(shown.eval("line('.')"))
    assert visited == [2, 4, 9, 4]
    assert shown.eval("bufnr()") == view(shown)


def test_counts_dot_and_macros_work_in_the_view(shown: Editor) -> None:
    source = shown.eval("bufnr()")
    go_to_view(shown)
    shown.feed("gg]vqq\\a]vq")
    assert states(shown, source).count("applied") == 1
    shown.feed(".")
    assert states(shown, source).count("applied") == 2
    assert not errors(shown)


# Its end


@pytest.mark.parametrize("end", ["VivekDiff", "VivekApply!", "VivekReject!", "quit", "bwipeout", "close"])
@pytest.mark.parametrize("where", ["source", "view"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "wrap foldmethod=indent foldlevel=3 nofoldenable",
        "nowrap foldmethod=marker cursorbind foldcolumn=1",
    ],
)
def test_the_window_has_its_options_back(nvim: Editor, end: str, where: str, before: str) -> None:
    letters(nvim)
    nvim.command(f"setlocal {before}")
    had = options(nvim)
    propose(nvim, EDITS)
    source, window = nvim.eval("bufnr()"), nvim.eval("win_getid()")
    nvim.command("VivekDiff")
    assert options(nvim)["diff"] is True
    if where == "view" or end in ("quit", "bwipeout", "close"):
        go_to_view(nvim)
    nvim.command(end)
    nvim.wait_for(lambda: is_closed(nvim))
    assert (nvim.eval("bufnr()"), nvim.eval("win_getid()")) == (source, window)
    assert options(nvim) == had
    assert not errors(nvim)


def test_folds_made_by_hand_outlive_the_view(nvim: Editor) -> None:
    letters(nvim)
    nvim.command("1,2fold | 7,8fold | 7foldopen")
    propose(nvim, EDITS)
    nvim.command("VivekDiff")
    nvim.feed("5G\\a")
    nvim.command("VivekDiff")
    assert nvim.eval("[foldclosed(1), foldclosed(3), foldlevel(9), foldclosed(9), &foldmethod]") == [
        1, -1, 1, -1, "manual",
    ]  # fmt: skip


def test_no_fold_of_the_diff_stays(nvim: Editor) -> None:
    nvim.edit("".join(f"line {n}\n" for n in range(60)), name="long.txt", filetype="text")
    propose(nvim, [rows(30, 31, "new")])
    nvim.command("VivekDiff")
    assert nvim.eval("foldclosed(1)") == 1
    nvim.command("VivekDiff")
    assert nvim.eval("[foldlevel(1), &foldmethod, &foldenable]") == [0, "manual", 1]


def test_a_diff_of_the_users_own_goes_on(nvim: Editor) -> None:
    nvim.edit("a\nX\n", name="other.txt", filetype="text")
    nvim.command("diffthis | vsplit")
    letters(nvim)
    nvim.command("diffthis")
    had = options(nvim)
    propose(nvim, EDITS)
    nvim.command("VivekDiff")
    nvim.command("VivekDiff")
    assert options(nvim) == had
    assert had["diff"] is True


def test_the_source_window_shows_another_buffer_and_comes_back(shown: Editor) -> None:
    source = shown.eval("bufnr()")
    shown.command("enew")
    shown.wait_for(lambda: not views(shown))
    assert options(shown)["diff"] is False
    shown.command(f"buffer {source}")
    assert options(shown)["diff"] is False
    assert options(shown)["foldmethod"] == "manual"
    assert not errors(shown)


def test_the_source_is_wiped_while_the_view_is_open(shown: Editor) -> None:
    source = shown.eval("bufnr()")
    shown.command(f"bwipeout! {source}")
    shown.wait_for(lambda: not views(shown))
    assert len(shown.api.list_wins()) == 1
    assert options(shown)["diff"] is False
    assert not errors(shown)


def test_the_source_window_is_closed(shown: Editor) -> None:
    shown.command("write | quit")
    shown.wait_for(lambda: not views(shown))
    assert shown.eval("&diff") == 0
    assert not errors(shown)


def test_the_view_ends_after_the_command_line_window(shown: Editor) -> None:
    source = shown.eval("bufnr()")
    shown.lua(
        """
        local buffer = ...
        vim.keymap.set('n', '<F2>', function() require('vivek.proposals').apply(buffer, { all = true }) end)
    """,
        source,
    )
    shown.type("q:<F2>")
    shown.wait_for(lambda: shown.lines(source) == WHOLE)
    shown.type(":q<CR>")
    shown.wait_for(lambda: is_closed(shown))
    assert not errors(shown)


def test_a_source_that_is_shown_twice_is_in_diff_mode_once(nvim: Editor) -> None:
    letters(nvim)
    nvim.command("split")
    first, second = (window.handle for window in nvim.api.list_wins())
    propose(nvim, EDITS)
    nvim.command("VivekDiff")
    assert [options(nvim, window)["diff"] for window in (first, second)] == [True, False]
    nvim.feed("2G\\a")
    nvim.command("VivekDiff")
    assert [options(nvim, window)["diff"] for window in (first, second)] == [False, False]


def test_a_window_split_off_from_the_source_leaves_diff_mode_too(shown: Editor) -> None:
    shown.command("split")
    assert options(shown)["diff"] is True
    shown.command("VivekDiff")
    for window in shown.api.list_wins():
        assert options(shown, window.handle)["diff"] is False
        assert options(shown, window.handle)["foldmethod"] == "manual"


def test_the_view_in_another_tab_is_taken_away(shown: Editor) -> None:
    shown.command("tab split")
    assert options(shown)["diff"] is True
    shown.command("VivekDiff")
    assert not views(shown)
    assert len(shown.api.list_wins()) == 2
    assert [options(shown, window.handle)["diff"] for window in shown.api.list_wins()] == [False, False]


def test_two_sources_have_each_a_view(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, EDITS)
    nvim.command("VivekDiff | tabnew")
    nvim.edit("x\ny\n", name="other.txt", filetype="text")
    propose(nvim, [rows(0, 1, "X")], run="r2")
    nvim.command("VivekDiff")
    assert sorted(nvim.lines(buffer) for buffer in views(nvim)) == [["X", "y"], WHOLE]
    nvim.command("VivekApply!")
    nvim.wait_for(lambda: len(views(nvim)) == 1)
    assert nvim.lines(view(nvim)) == WHOLE


def test_it_opens_from_the_scratch_buffer_beside_the_source(nvim: Editor) -> None:
    source = letters(nvim)
    propose(nvim, EDITS)
    scratch = nvim.lua("return require('vivek.scratch').open(vim.api.nvim_get_current_buf(), 'r1', 'x')")
    nvim.lua("vim.api.nvim_set_current_win(vim.fn.bufwinid(...))", scratch)
    nvim.command("VivekDiff")
    assert nvim.eval("[bufnr(), &diff]") == [scratch, 0]
    assert options(nvim, nvim.lua("return vim.fn.bufwinid(...)", source))["diff"] is True


def test_without_room_it_says_so_and_nothing_is_left(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, EDITS)
    nvim.command("set winwidth=60 winminwidth=60")
    had = options(nvim)
    nvim.type(":VivekDiff<CR>")
    nvim.wait_for(lambda: "cannot be opened" in nvim.messages())
    assert (options(nvim), views(nvim)) == (had, [])


def test_without_hunks_it_says_so(nvim: Editor) -> None:
    letters(nvim)
    nvim.command("VivekDiff")
    assert "no hunks are proposed here" in nvim.messages()


def test_a_conflict_is_told_beside_the_diff(shown: Editor) -> None:
    shown.command("2s/b/mine")
    shown.wait_for(lambda: states(shown)[0] == "stale")
    shown.wait_for(lambda: any("conflicts" in row for row in shown.screen()))
    assert shown.lines(view(shown))[1] == "mine"
